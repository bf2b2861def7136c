"""Native runs for inline Markdown."""

from __future__ import annotations

from pathlib import Path

from pptx import Presentation

from seedx_sdk import SeedX
from seedx_tools import make_slides

OUTLINE = """# Plan
## The **go-live** date
- It is **14 May** and does *not* move
- Run `make deploy`, see [the page](https://example.org/go), not [this](javascript:alert(1))
- 2 * 3 is not `snake_case`
"""


def test_marks_are_runs_with_their_look(seedx: SeedX, tmp_path: Path) -> None:
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", pictures=False)
    (warning,) = deck.warnings
    assert warning.startswith("slide 'The go-live date': the link of 'this' was left out")
    assert deck.slides[1].title == "The go-live date"
    assert deck.slides[1].bullets[0] == "It is 14 May and does not move"
    slide = Presentation(str(deck.path)).slides[1]
    runs = [run for shape in slide.placeholders for p in shape.text_frame.paragraphs for run in p.runs]
    looks = {run.text: (run.font.bold, run.font.italic, run.font.name, run.hyperlink.address) for run in runs}
    assert looks["go-live"] == looks["14 May"] == (True, None, None, None)
    assert looks["not"] == (None, True, None, None)
    assert looks["make deploy"] == looks["snake_case"] == (None, None, "Courier New", None)
    assert looks["the page"] == (None, None, None, "https://example.org/go")
    assert all(address is None or address.startswith("https") for *_, address in looks.values())
    assert "2 * 3 is not " in looks
