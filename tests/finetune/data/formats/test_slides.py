"""Slides of decks that python-pptx writes here."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml.ns import qn
from pptx.slide import Slide
from pptx.util import Emu, Inches

from seedx_finetune.data.documents import DrawImage
from seedx_finetune.data.formats.slides import Slides
from seedx_finetune.errors import DataError
from seedx_sdk import prompts
from seedx_sdk.imaging import open_image
from tests.support.training_records import Script, answers, faults, image_bytes, left_out, rows, transcript, write

Fill = Callable[[Any], None]


def deck(path: Path, *fills: Fill) -> Path:
    """Write a deck of 10 x 7.5 inches with a slide, titled or filled, for each function."""
    presentation = Presentation()
    for fill in fills:
        slide = presentation.slides.add_slide(presentation.slide_layouts[6])
        fill(slide)
    presentation.save(str(path))
    return path


def text(slide: Any, words: str, left: float = 1, top: float = 1, width: float = 4, height: float = 1.5) -> None:
    box = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(width), Inches(height))
    box.text_frame.text = words


def picture(shapes: Any, caption: str, left: float = 5, top: float = 3, data: bytes | None = None) -> Any:
    file = io.BytesIO(image_bytes(320, 240) if data is None else data)
    shape = shapes.add_picture(file, Inches(left), Inches(top), Inches(2.5), Inches(1.5))
    shape._element.nvPicPr.cNvPr.set("descr", caption)
    return shape


def garden(slide: Any) -> None:
    text(slide, "3 trees\nA pond")
    picture(slide.shapes, "a garden  with 2 trees")
    text(slide, "Open all year", top=6)


def test_the_answer_is_the_layout_and_then_the_images(tmp_path: Path) -> None:
    deck(tmp_path / "decks.pptx", garden)
    (row,) = rows(Slides(), tmp_path)
    document = Slides().document(row, Script())
    answer = (
        "1 text <box_start><loc-67><loc-52><loc-90><loc-45><box_end>\n"
        "3 picture <box_start><loc-140><loc-112><loc-56><loc-45><box_end>: a garden with 2 trees\n"
        "2 text <box_start><loc-67><loc-202><loc-90><loc-45><box_end>"
    )
    name = "decks.pptx:ppt/media/image1.jpg"
    assert transcript(document) == [
        "[INST] Lay out a slide:\n1: 3 trees / A pond\n2: Open all year [/INST]\n",
        f"+{answer}",
        f"+<{name}>",
    ]
    (said,) = answers(document)
    boxes = [((67, 52, 90, 45), ""), ((140, 112, 56, 45), "a garden with 2 trees"), ((67, 202, 90, 45), "")]
    parsed = prompts.parse_slide_answer(said, 2)
    assert [(block.number, block.kind) for block in parsed] == [(1, "text"), (3, "picture"), (2, "text")]
    assert [(block.box, block.caption) for block in parsed] == boxes


def test_a_picture_is_read_from_the_file_by_its_member(tmp_path: Path) -> None:
    path = deck(tmp_path / "decks.pptx", garden)
    drawn = Slides().document(rows(Slides(), path)[0], Script())[-1]
    assert isinstance(drawn, DrawImage)
    image = drawn.image
    assert (image.path, image.member, image.offset, image.length) == (path, "ppt/media/image1.jpg", 0, None)
    with zipfile.ZipFile(path) as archive:
        assert open_image(archive.read("ppt/media/image1.jpg")).size == (image.width, image.height) == (320, 240)


def test_titles_tables_and_charts_are_blocks_and_footers_are_not(tmp_path: Path) -> None:
    presentation = Presentation()
    slide: Any = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "Our harvest"
    table = slide.shapes.add_table(2, 2, Inches(0), Inches(0), Inches(5), Inches(1)).table
    for cell, words in zip(table.iter_cells(), ("Fruit", "Crates", "Pears", "7"), strict=True):
        cell.text = words
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["May"]
    data.add_series("Crates", (7,))
    size = (Inches(0), Inches(3), Inches(5), Inches(2))
    for title in ("Crates a month", None):
        chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *size, data).chart
        chart.has_title = title is not None
        if title is not None:
            chart.chart_title.text_frame.text = title
    presentation.save(str(tmp_path / "a.pptx"))
    (row,) = rows(Slides(), tmp_path)
    assert row["texts"] == ["Our harvest", "Fruit / Crates", "Crates a month", "Chart"]
    assert [block.kind for block in row["blocks"]] == ["title", "table", "chart", "chart"]


def test_members_of_a_group_stand_where_they_are_shown(tmp_path: Path) -> None:
    def fill(slide: Any) -> None:
        group = slide.shapes.add_group_shape()
        box = group.shapes.add_textbox(Inches(1), Inches(1), Inches(2), Inches(1))
        box.text_frame.text = "Inside"
        group.shapes.add_textbox(Inches(3), Inches(1), Inches(2), Inches(1)).text_frame.text = "Beside"
        group.left, group.top, group.width, group.height = Inches(5), Inches(3.75), Inches(2), Inches(1)

    deck(tmp_path / "a.pptx", fill)
    (row,) = rows(Slides(), tmp_path)
    # the group is shown at half its width: 5..6 and 6..7 of 10 inches, 3.75..4.75 of 7.5
    assert [block.box for block in row["blocks"]] == [(123, 127, 22, 30), (146, 127, 22, 30)]


def test_a_box_ends_at_the_edge_of_the_slide(tmp_path: Path) -> None:
    deck(tmp_path / "a.pptx", lambda slide: text(slide, "Wide", left=-5, top=0, width=20, height=3.75))
    assert rows(Slides(), tmp_path)[0]["blocks"][0].box == (112, 56, 223, 112)


def test_every_slide_is_a_record(tmp_path: Path) -> None:
    def unnamed(slide: Slide) -> None:
        text(slide, "A pond")
        picture(slide.shapes, "IMG_0001.JPG")

    deck(tmp_path / "a.pptx", garden, lambda _: None, unnamed, garden)
    assert [outcome.name for outcome in Slides().scan(tmp_path)] == [f"a.pptx:{number}" for number in (1, 2, 3, 4)]
    assert left_out(Slides(), tmp_path) == [
        ("a.pptx:2", "the slide has no text"),
        ("a.pptx:3", "a picture has no alternative text"),
    ]


def _unplaced(slide: Any) -> None:
    text(slide, "A pond")
    slide.shapes[0]._element.spPr.remove(slide.shapes[0]._element.spPr.xfrm)


def _linked(slide: Any) -> None:
    text(slide, "A pond")
    shape = picture(slide.shapes, "a pond")
    del shape._element.blipFill.blip.attrib[next(name for name in shape._element.blipFill.blip.attrib)]


def _unsized(slide: Any) -> None:
    text(slide, "A pond")
    slide.shapes[0]._element.spPr.xfrm.find(qn("a:off")).set("x", "far")


@pytest.mark.parametrize(
    ("fill", "reason"),
    [
        (_unsized, "the slide is damaged (ValueError: invalid literal"),
        (lambda slide: text(slide, "A pond", left=11), "lies outside of the slide; delete it"),
        (_unplaced, "shape 'TextBox 1' has no position"),
        (_linked, "the image of 'Picture 2' is not in the file"),
        (lambda slide: text(slide, "See <img>"), "texts.0: the text holds '<img>'"),
    ],
)
def test_a_bad_slide_is_named_with_its_reason(tmp_path: Path, fill: Fill, reason: str) -> None:
    deck(tmp_path / "a.pptx", fill)
    ((name, said),) = faults(Slides(), tmp_path)
    assert name == "a.pptx:1"
    assert reason in said


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    path = deck(tmp_path / "a.pptx", garden)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data[:1500] if name.endswith(".jpg") else data)
    ((name, said),) = faults(Slides(), tmp_path)
    assert name == "a.pptx:1"
    assert "image a.pptx:ppt/media/image1.jpg: the given image file is damaged or cut short" in said


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x03\x04" + bytes(100)])
def test_a_damaged_deck_is_one_bad_record(tmp_path: Path, data: bytes) -> None:
    write(tmp_path / "a.pptx", data)
    deck(tmp_path / "b.pptx", garden)
    bad, good = Slides().scan(tmp_path)
    assert (bad.name, good.name) == ("a.pptx", "b.pptx:1")
    assert "the file is no readable .pptx" in getattr(bad, "reason", "")


def test_a_path_without_decks_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no .pptx file and no directory that holds one"):
        list(Slides().scan(tmp_path))


def test_a_line_is_no_block(tmp_path: Path) -> None:
    def fill(slide: Any) -> None:
        garden(slide)
        slide.shapes.add_connector(1, Emu(0), Emu(0), Inches(2), Inches(2))

    deck(tmp_path / "a.pptx", fill)
    assert len(rows(Slides(), tmp_path)[0]["blocks"]) == 3
