"""The texts of drawn shapes, shortened to their boxes."""

from __future__ import annotations

import pytest

from seedx_tools.decks.drawing.paint import Paint
from seedx_tools.decks.drawing.paragraphs import Paragraph, height_needed, shortened

TEXTS = ("A label", "and **more** words that say a good deal about what it is called, line after line")


def _height(*texts: str) -> float:
    return height_needed([Paragraph(text, 16.0, Paint("tx1")) for text in texts], 120.0, "Arial")


@pytest.mark.parametrize("height", [0.0, 25.0, 45.0, 60.0, 80.0, 200.0])
def test_as_many_words_as_fit_are_kept_and_at_least_one(height: float) -> None:
    kept = shortened([Paragraph(text, 16.0, Paint("tx1")) for text in TEXTS], 120.0, height, "Arial")
    texts = tuple(one.text for one in kept)
    words = " ".join(TEXTS).replace("*", "").split()
    count = len(" ".join(texts).replace("*", "").removesuffix(" ...").split())
    if texts == TEXTS:
        assert _height(*texts) <= height + 0.5
        return
    assert _height(*texts) <= height + 0.5 or texts == ("A ...",)
    following = words[: count + 1]
    further = (" ".join(following[:2]), " ".join(following[2:])) if count >= 2 else (" ".join(following),)
    assert _height(*further[:-1], f"{further[-1]} ...") > height + 0.5


def test_a_single_word_stays_whole() -> None:
    word = Paragraph("Zusammenarbeit", 16.0, Paint("tx1"))
    assert shortened([word], 20.0, 5.0, "Arial") == (word,)
