"""Outlines that are too long become decks of the slides asked for, without losing a word."""

from __future__ import annotations

import random

import pytest

from seedx_tools.decks.outline import ChartData, ChartSeries, Column, Outline, PictureFile, SlidePlan, TableData
from seedx_tools.decks.planners.condense import MAX_WORDS, condensed_outline, condensed_slide, merged_slides

LONG = "waiting times depend on the day of the week, on the weather and on how many doctors are on duty that day"


def words(plan: SlidePlan) -> int:
    return sum(len(text.split()) for column in plan.columns for text in (column.heading, *column.bullets)) + sum(
        len(text.split()) for text in plan.bullets
    )


@pytest.mark.parametrize("seed", range(5))
def test_no_slide_stays_a_wall_of_text_and_the_notes_say_the_rest(seed: int) -> None:
    chance = random.Random(seed)
    points = tuple(f"Finding {n}: " + " ".join([LONG] * chance.randint(2, 4)) for n in range(chance.randint(4, 9)))
    outline = Outline(title="Clinic", slides=(SlidePlan(title="Why", bullets=points, notes="Say hello."),))
    (short,) = condensed_outline(outline, None).slides
    assert words(short) + 2 <= MAX_WORDS
    assert all(point in short.notes or point in short.bullets for point in points)
    assert short.notes.endswith("Say hello.")
    assert [point[:10] for point in short.bullets] == [point[:10] for point in points[: len(short.bullets)]]
    (warning,) = condensed_outline(outline, None).warnings
    assert warning == "slide 2: its text was condensed; it continues in the speaker notes"


def test_short_slides_are_left_alone() -> None:
    outline = Outline(title="Clinic", agenda="Agenda", slides=(SlidePlan(title="Why", bullets=("Short",)),) * 3)
    assert condensed_outline(outline, 5) == outline
    plan = SlidePlan(title="A", columns=(Column(heading="B", bullets=("c",)),) * 2)
    assert condensed_slide(plan, 60) is plan


def test_a_long_column_is_cut_at_a_clause() -> None:
    plan = SlidePlan(
        title="A", columns=(Column(heading="H", bullets=(f"One two three four five six seven, {LONG}",) * 2),) * 2
    )
    short = condensed_slide(plan, 40)
    assert short.columns[0].heading == "H"
    assert short.columns[1].bullets == ("One two three four five six seven",) * 2


@pytest.mark.parametrize("wanted", [2, 4, 7, 10])
def test_as_many_slides_come_out_as_were_asked_for(wanted: int) -> None:
    table = TableData(header=("Month", "Visits"), rows=(("July", "120"),))
    chart = ChartData(kind="bar", categories=("May",), series=(ChartSeries(name="Staff", values=(7.0,)),))
    slides = (
        SlidePlan(title="Part", kind="section"),
        *(SlidePlan(title=f"T{n}", bullets=(f"point {n}",), notes=f"say {n}") for n in range(6)),
        SlidePlan(title="Figures", table=table),
        SlidePlan(title="Trend", chart=chart),
    )
    short = condensed_outline(Outline(title="Clinic", agenda="Agenda", slides=slides), wanted)
    assert len(short.all_slides()) + 1 == wanted
    text = short.model_dump_json()
    for word in ("July", "120", "Staff", "7.0", *(f"{what} {n}" for what in ("point", "say") for n in range(6))):
        assert word in text
    assert short.warnings[0].startswith("the agenda was left out")
    assert len(short.warnings) >= 11 - wanted


def test_the_image_files_of_both_slides_stay_with_what_they_show() -> None:
    boat = SlidePlan(title="A", picture="A boat", picture_file="boat.png")
    house = SlidePlan(title="B", picture="A house", picture_file="house.png")
    merged = merged_slides(boat, house)
    assert (merged.picture, merged.picture_file) == ("A boat", "boat.png")
    assert merged.gallery == (PictureFile(file="house.png", alt="A house"),)
    merged = merged_slides(SlidePlan(title="C", picture="a red boat"), house)
    assert (merged.picture, merged.picture_file, merged.gallery) == ("A house", "house.png", ())


def test_two_charts_on_one_slide_are_told_in_the_notes() -> None:
    chart = ChartData(kind="bar", categories=("May",), series=(ChartSeries(name="Staff", values=(7.0,)),))
    other = chart.model_copy(update={"categories": ("June",)})
    merged = merged_slides(SlidePlan(title="A", chart=chart), SlidePlan(title="B", chart=other, bullets=("c",)))
    assert merged.chart == chart and merged.bullets == ("B", "\tc")
    assert "June" in merged.notes and "Staff" in merged.notes
