"""Slides with little text are filled."""

from __future__ import annotations

from typing import Any

import pytest
from pptx.slide import Slide

from seedx_tools.decks.lint.check import find_faults
from seedx_tools.decks.outline import Column, SlidePlan, TableData
from seedx_tools.decks.text.shapes import PlacedText, place_text
from seedx_tools.decks.theme.build import default_template
from seedx_tools.decks.writing.balance import release
from seedx_tools.decks.writing.writer import DeckWriter


def _write(plan: SlidePlan) -> Slide:
    deck = default_template("16:9")
    (slide,) = DeckWriter(deck, lambda text: pytest.fail(text)).add_slide(plan)
    assert list(find_faults(deck)) == []
    return slide


def _bodies(slide: Slide) -> list[tuple[Any, PlacedText]]:
    holders: Any = slide.placeholders
    return [(shape, place_text(slide, shape)) for shape in holders if shape.placeholder_format.idx >= 20]


def test_short_points_are_larger_and_at_the_optical_middle() -> None:
    ((body, text),) = _bodies(_write(SlidePlan(title="T", bullets=("One", "Two", "Three"))))
    assert text.lines[0].style.size == 27.0  # of 22 in the layout
    top, bottom = int(body.top) / 12700, int(body.top + body.height) / 12700
    above, below = text.ink[1] - top, bottom - text.ink[3]
    assert 0.5 < above / below < 0.8


def test_released_text_is_as_the_layout_has_it() -> None:
    slide = _write(SlidePlan(title="T", bullets=("One", "Two")))
    ((body, _),) = _bodies(slide)
    release([body])
    text = place_text(slide, body)
    assert (text.lines[0].style.size, round(text.ink[1] - int(body.top) / 12700, 1)) == (22.0, 3.6)


def test_full_slides_are_left_alone() -> None:
    ((body, text),) = _bodies(_write(SlidePlan(title="T", bullets=("A line of some words",) * 7)))
    assert text.lines[0].style.size == 22.0 and body.text_frame._txBody.bodyPr.get("tIns") is None


def test_columns_keep_one_size_and_one_top() -> None:
    columns = (Column(bullets=("One", "Two", "Three")), Column(bullets=("One",)))
    (_, one), (_, other) = _bodies(_write(SlidePlan(title="T", columns=columns)))
    assert one.lines[0].style.size == other.lines[0].style.size > 20.0
    assert one.top == pytest.approx(other.top)


def test_a_low_table_stands_at_the_optical_middle() -> None:
    slide = _write(SlidePlan(title="T", table=TableData(header=("a", "b"), rows=(("1", "2"),))))
    frame = next(shape for shape in slide.shapes if shape.has_table)
    holders: Any = slide.slide_layout.placeholders
    layout = next(shape for shape in holders if shape.placeholder_format.idx >= 20)
    above = int(frame.top) - int(layout.top)
    below = int(layout.top) + int(layout.height) - int(frame.top) - int(frame.height)
    assert 0.4 < above / below < 0.8
