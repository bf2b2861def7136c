"""Slides of a saved deck are deleted, moved and inserted; all others stay the same byte for byte."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from pptx import Presentation

from seedx_sdk import InputError, OutputPathError, SeedX
from seedx_tools import append_slides, check_deck, delete_slide, make_slides, move_slide

OUTLINE = "# A\n\n# Part 1\n\n## B\n\n- b\n\n# Part 2\n\n## C\n\n- c\n"
SECTION = "{http://schemas.microsoft.com/office/powerpoint/2010/main}section"


@pytest.fixture
def made(seedx: SeedX, tmp_path: Path) -> Path:
    return make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", pictures=False).path


def titles(path: Path) -> list[str]:
    return [slide.shapes.title.text for slide in Presentation(str(path)).slides]


def slides(path: Path) -> set[bytes]:
    with zipfile.ZipFile(path) as package:
        return {package.read(name) for name in package.namelist() if name.startswith("ppt/slides/slide")}


def sections(path: Path) -> list[list[str]]:
    """Return the titles of the slides in each section of PowerPoint."""
    deck = Presentation(str(path))
    names = {str(slide.slide_id): slide.shapes.title.text for slide in deck.slides}
    return [[names[listed.get("id")] for listed in one[0]] for one in deck.part._element.iter(SECTION)]


def test_a_deleted_slide_is_gone_from_the_file_and_its_section(made: Path, tmp_path: Path) -> None:
    before = slides(made)
    out = delete_slide(made, 3, output=tmp_path / "less.pptx")
    assert titles(out) == ["A", "Part 1", "Part 2", "C"] and titles(made)[2] == "B"
    assert slides(out) < before and len(slides(out)) == 4
    assert sections(out) == [["A"], ["Part 1"], ["Part 2", "C"]]
    assert check_deck(out).slides == 4


@pytest.mark.parametrize(
    ("slide", "to", "order", "parts"),
    [
        (5, 3, ["A", "Part 1", "C", "B", "Part 2"], [["A"], ["Part 1", "C", "B"], ["Part 2"]]),
        (3, 5, ["A", "Part 1", "Part 2", "C", "B"], [["A"], ["Part 1"], ["Part 2", "C", "B"]]),
        (3, 1, ["B", "A", "Part 1", "Part 2", "C"], [["B", "A"], ["Part 1"], ["Part 2", "C"]]),
    ],
)
def test_a_moved_slide_joins_the_section_around_it(
    made: Path, slide: int, to: int, order: list[str], parts: list[list[str]]
) -> None:
    before = slides(made)
    assert titles(move_slide(made, slide, to)) == order
    assert sections(made) == parts and slides(made) == before


def test_slides_are_inserted_at_a_place(seedx: SeedX, made: Path) -> None:
    before = slides(made)
    append_slides(seedx, made, "## X\n\n- x\n\n## Y\n\n- y\n", at=3, pictures=False)
    assert titles(made) == ["A", "Part 1", "X", "Y", "B", "Part 2", "C"]
    assert sections(made)[1] == ["Part 1", "X", "Y", "B"] and before < slides(made)
    with pytest.raises(InputError, match="there is no place 9; use 1 to 8"):
        append_slides(seedx, made, "## Z\n\n- z\n", at=9, pictures=False)


def test_what_cannot_be_done_says_why(seedx: SeedX, made: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no slide 6; the deck has slides 1 to 5"):
        delete_slide(made, 6)
    with pytest.raises(InputError, match="there is no place 0; use 1 to 5"):
        move_slide(made, 1, 0)
    with pytest.raises(OutputPathError):
        delete_slide(made, 1, output=tmp_path / "no" / "deck.pptx")
    agenda = make_slides(seedx, f"{OUTLINE}\n## Agenda\n", path=tmp_path / "agenda.pptx", pictures=False).path
    with pytest.raises(InputError, match="slide 2 links to slide 3; remove the link first"):
        delete_slide(agenda, 3)
    for _ in range(4):
        delete_slide(made, 2)
    with pytest.raises(InputError, match="only this slide"):
        delete_slide(made, 1)
