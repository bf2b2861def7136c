"""Titles that are too long for their placeholder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pptx import Presentation

from seedx_sdk import SeedX
from seedx_tools import ChartData, ChartSeries, Outline, SlidePlan, check_deck, make_slides, revise_slide
from seedx_tools.decks.outline import Column
from seedx_tools.decks.reader import read_slide
from seedx_tools.decks.text.cutting import cut_inline, cut_to_fit
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.shapes import place_text

LONG = (
    "Why the regional warehouse consolidation programme needs an additional governance layer before the second "
    "migration wave can be released to operations, and what it would cost us if we did not **add it this year** but "
    "waited for the third wave, which has no date and no budget so far"
)
CHART = ChartData(kind="bar", categories=("a", "b"), series=(ChartSeries(name="n", values=(1, 2)),))


def test_text_is_cut_between_words_with_its_marks() -> None:
    assert cut_inline("a **b c** d", 3) == ("a **b**", "**c** d")
    assert cut_to_fit("one two ten, four six", lambda text: len(text) < 18) == ("one two ten,", "four six")
    assert cut_to_fit("one, two three four", lambda text: len(text) < 16) == ("one, two three", "four")
    assert cut_to_fit("abcdef", lambda text: len(text) < 4) == ("abc", "def")


@pytest.mark.parametrize("template", [False, True])
def test_the_rest_of_a_title_stands_under_its_three_lines(seedx: SeedX, tmp_path: Path, template: bool) -> None:
    Presentation().save(str(tmp_path / "template.pptx"))
    plans = (
        SlidePlan(title=LONG, bullets=("One", "Two")),
        SlidePlan(title=f"A {LONG}", chart=CHART),
        SlidePlan(title=f"The {LONG}", columns=tuple(Column(heading=name, bullets=(name,)) for name in "abc")),
    )
    look: dict[str, Any] = {"template": tmp_path / "template.pptx"} if template else {"theme": "paper"}
    deck = make_slides(
        seedx, Outline(title=LONG, subtitle="Board", slides=plans), path=tmp_path / "d.pptx", pictures=False, **look
    )
    assert [found.kind for found in check_deck(deck.path).findings if found.kind != "low_contrast"] == []
    assert len([warning for warning in deck.warnings if "goes on below" in warning]) == 4
    cover, *slides = Presentation(str(deck.path)).slides
    assert "waited for the third wave" in list(cover.placeholders)[1].text_frame.text.split("\v")[0]
    for slide, plan in zip(slides, plans, strict=True):
        shape = slide.shapes.title
        assert len(place_text(slide, shape).lines) <= 3 and plain_text(plan.title).startswith(shape.text_frame.text)
        assert read_slide(slide).title == plan.title


def test_a_long_title_of_continued_slides_is_numbered(seedx: SeedX, tmp_path: Path) -> None:
    points = tuple(f"Point {number}, " + "which says rather a lot of things about it, " * 4 for number in range(9))
    outline = Outline(title="T", slides=(SlidePlan(title=LONG, bullets=points),))
    deck = make_slides(seedx, outline, path=tmp_path / "deck.pptx", pictures=False)
    assert check_deck(deck.path).findings == ()
    slides = list(Presentation(str(deck.path)).slides)[1:]
    titles = [slide.shapes.title.text_frame.text for slide in slides]
    assert len(titles) > 1 and [title[-6:] for title in titles] == [
        f" ({n}/{len(titles)})" for n in range(1, len(titles) + 1)
    ]
    assert all(len(place_text(slide, slide.shapes.title).lines) <= 3 for slide in slides)


def test_a_long_title_can_be_revised(seedx: SeedX, tmp_path: Path) -> None:
    path = tmp_path / "deck.pptx"
    make_slides(seedx, Outline(title="T", slides=(SlidePlan(title=LONG, bullets=("One",)),)), path=path, pictures=False)
    plan = read_slide(Presentation(str(path)).slides[1])
    revise_slide(seedx, path, 2, plan.model_copy(update={"title": "Short"}), pictures=False)
    slide = Presentation(str(path)).slides[1]
    assert read_slide(slide).title == "Short" and read_slide(slide).bullets == ("One",)
    assert "third wave" not in " ".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)
