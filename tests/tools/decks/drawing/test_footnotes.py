"""Footnotes: from Markdown and plans to the foot of slides, read back and edited in place."""

from __future__ import annotations

from pathlib import Path

import pytest
from pptx import Presentation
from pptx.oxml.ns import qn

from seedx_sdk import SeedX
from seedx_tools import check_deck, make_slides, revise_slide
from seedx_tools.decks.ooxml.layouts import frame_of
from seedx_tools.decks.ooxml.styles import placeholder_type
from seedx_tools.decks.outline import Outline, SlidePlan, TableData
from seedx_tools.decks.planners.markdown.outlines import parse_markdown_outline
from seedx_tools.decks.reader import read_slide
from seedx_tools.decks.text.footnotes import marks_in, renumbered, unmarked

MARKDOWN = """# Report

## Growth[^base]
- Sales rose[^src] and fell[^base]
- Costs held

| Region | Sales[^src] |
| --- | --- |
| North | 2[^base][^src] |

Source: ERP[^src]

## Next
- See[^src]

> Say it[^only]

[^src]: Finance, *2025*.

    Second paragraph.
[^base]: In dollars.
[^only]: Not on a slide.
[^lost]: Nobody.
"""


def marks(slide: object) -> list[tuple[str, str]]:
    """Return the raised runs of a slide: their text and how far they are raised."""
    raised = slide.element.xpath(".//a:r[a:rPr/@baseline]")  # type: ignore[attr-defined]
    return [(run.findtext(qn("a:t")), run.find(qn("a:rPr")).get("baseline")) for run in raised]


def test_labels_are_numbered_on_each_slide() -> None:
    outline = parse_markdown_outline(MARKDOWN)
    growth, following = outline.slides
    assert (growth.title, growth.bullets) == ("Growth[^1]", ("Sales rose[^2] and fell[^1]", "Costs held"))
    assert growth.table is not None and growth.table.rows == (("North", "2[^1][^2]"),)
    assert growth.footnotes == ("In dollars.", "Finance, *2025*. Second paragraph.")
    assert following.bullets == ("See[^1]",) and following.footnotes == ("Finance, *2025*. Second paragraph.",)
    assert following.notes == "Say it (Not on a slide)"
    assert outline.warnings == ("the footnote [^lost] was left out, as nothing refers to it: Nobody.",)


def test_a_mark_without_a_footnote_is_text_with_a_warning() -> None:
    outline = parse_markdown_outline("# T\n## S\n- a [^x] b `[^y]`\n- c\n")
    assert unmarked(outline.slides[0].bullets[0]) == outline.slides[0].bullets[0]
    assert outline.warnings == ("slide 'S': there is no footnote for the mark [^x]; add a line '[^x]: ...'",)


def test_footnotes_of_the_title_slide_are_in_its_notes() -> None:
    outline = parse_markdown_outline("# Report[^a]\n\nBy us\n\n## S\n- a\n\n[^a]: Draft.\n")
    assert (outline.title, outline.notes) == ("Report", "Draft.")
    assert outline.warnings == ("title slide: its footnotes are in its notes",)


def test_marks_are_found_outside_of_code_and_escapes() -> None:
    text = r"a[^2] `[^1]` \[^3] b[^1]"
    assert marks_in(text) == [2, 1]
    assert renumbered(text, {2: 1}) == r"a[^1] `[^1]` \[^3] b\[^1]"


@pytest.mark.parametrize("theme", ["paper", "studio", "night"])
def test_footnotes_stand_at_the_foot_above_the_footer(seedx: SeedX, tmp_path: Path, theme: str) -> None:
    deck = make_slides(seedx, MARKDOWN, path=tmp_path / "deck.pptx", pictures=False, theme=theme)  # type: ignore[arg-type]
    assert not check_deck(deck.path).findings
    saved = Presentation(str(deck.path))
    for slide in list(saved.slides)[1:]:
        box = next(shape for shape in slide.shapes if shape.name == "Footnotes")
        footers = [s for s in slide.shapes if placeholder_type(s.element) in ("ftr", "sldNum")]
        others = [s for s in slide.shapes if placeholder_type(s.element) in ("body", "obj", "tbl")]
        assert box.text_frame.paragraphs[0].runs[1].font.size.pt >= 9
        assert len(footers) == 2 and all(box.top + box.height <= frame_of(footer)[1] for footer in footers)
        assert others and all(frame_of(shape)[1] + frame_of(shape)[3] <= box.top for shape in others)
    plan = read_slide(saved.slides[1])
    assert plan.table is not None and plan.table.header == ("Region", "Sales[^2]")
    assert plan.source == "Source: ERP[^2]"
    assert plan.footnotes == ("In dollars.", "Finance, *2025*. Second paragraph.")
    assert marks(saved.slides[1])[-2:] == [("1", "30000"), ("2", "30000")]
    assert ("2", "30000") in marks(saved.slides[1]) and (",2", "30000") in marks(saved.slides[1])


def test_each_part_of_a_long_slide_has_its_own_footnotes(seedx: SeedX, tmp_path: Path) -> None:
    points = tuple(f"Point {number} {'goes on and on ' * 12}[^{number}]" for number in range(1, 11))
    notes = tuple(f"Note {number}." for number in range(1, 11))
    plan = SlidePlan(title="Long", bullets=points, footnotes=notes, picture="")
    deck = make_slides(seedx, Outline(title="T", slides=(plan,)), path=tmp_path / "deck.pptx", pictures=False)
    parts = [read_slide(slide) for slide in list(Presentation(str(deck.path)).slides)[1:]]
    assert len(parts) > 1 and [note for part in parts for note in part.footnotes] == list(notes)
    for part in parts:
        assert [mark for point in part.bullets for mark in marks_in(point)] == [*range(1, len(part.bullets) + 1)]
    assert not check_deck(deck.path).findings


def test_footnotes_of_a_plan_without_marks_are_shown_and_named(seedx: SeedX, tmp_path: Path) -> None:
    plan = SlidePlan(title="A[^3]", bullets=("a", "b"), footnotes=("*Finance*, 2025.",), notes="Say it.")
    deck = make_slides(seedx, Outline(title="T", slides=(plan,)), path=tmp_path / "deck.pptx", pictures=False)
    assert deck.warnings == (
        "slide 2: there is no footnote 3 for its mark [^3]",
        "slide 2: nothing refers to its footnote 'Finance, 2025.'",
    )
    slide = Presentation(str(deck.path)).slides[1]
    box = next(shape for shape in slide.shapes if shape.name == "Footnotes")
    assert (box.text_frame.text, slide.shapes.title.text_frame.text) == ("Finance, 2025.", "A[^3]")
    assert slide.notes_slide.notes_text_frame.text == "Say it."


def test_more_footnotes_than_a_slide_has_room_for_go_to_the_notes(seedx: SeedX, tmp_path: Path) -> None:
    plan = SlidePlan(title="A[^1]", bullets=("a",), footnotes=(f"Note {'which is very long ' * 200}",), picture="")
    deck = make_slides(seedx, Outline(title="T", slides=(plan,)), path=tmp_path / "deck.pptx", pictures=False)
    assert deck.warnings == ("slide 2: it has no room for its footnotes; they are in the notes",)
    slide = Presentation(str(deck.path)).slides[1]
    assert slide.notes_slide.notes_text_frame.text == f"1 Note {'which is very long ' * 200}".strip()


def test_editing_in_place_keeps_marks_and_changes_footnotes(seedx: SeedX, tmp_path: Path) -> None:
    table = TableData(header=("Region", "Sales[^2]"), rows=(("North", "5[^1]"),))
    plan = SlidePlan(title="Growth", bullets=("Sales rose[^1] in May", "b"), footnotes=("One.", "Two."), picture="")
    path = tmp_path / "deck.pptx"
    slides = (plan, plan.model_copy(update={"title": "Sales", "bullets": (), "table": table}))
    make_slides(seedx, Outline(title="T", slides=slides), path=path, pictures=False)

    before = read_slide(Presentation(str(path)).slides[1])
    changed = {"bullets": ("Revenue rose[^1] in June", "b"), "footnotes": ("One and a half.", "Two.")}
    revise_slide(seedx, path, 2, before.model_copy(update=changed), pictures=False)
    slide = Presentation(str(path)).slides[1]
    after = read_slide(slide)
    assert (after.bullets, after.footnotes) == (changed["bullets"], changed["footnotes"])
    assert marks(slide)[0] == ("1", "30000")

    before = read_slide(Presentation(str(path)).slides[2])
    assert before.table is not None
    rows = before.table.model_copy(update={"rows": (("South", "7[^2]"),)})
    revise_slide(seedx, path, 3, before.model_copy(update={"table": rows}), pictures=False)
    assert read_slide(Presentation(str(path)).slides[2]).table == rows
    assert not check_deck(path).findings
