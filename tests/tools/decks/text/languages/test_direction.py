"""Slides in right-to-left languages are mirrored, with the foreign words, numbers, charts and drawings on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pptx import Presentation
from pptx.oxml.ns import qn

from seedx_sdk import SeedX
from seedx_tools import check_deck, make_slides
from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.reader import read_slide
from seedx_tools.decks.text.languages.direction import plan_is_mirrored, slide_is_mirrored
from seedx_tools.decks.text.strings import runs_right_to_left

MARKDOWN = """# تقرير الربع
## KPI النتائج[^1]
- ارتفعت المبيعات
- Microsoft Azure
- Excel هو برنامج الجداول
## المقارنة
### AWS
- EC2
### بعد
- آلي
## الأرقام
| SKU | Sales | النمو |
| --- | --- | --- |
| الرياض | 120 | 12% |
| Jeddah | 95 | 8% |

Source: ERP
## الرسم
```chart bar
Q,المبيعات,التكاليف
Q1,120,90
Q2,95,80
```
## خطوط
```chart horizontal bar
Q,المبيعات
Riyadh,120
Jeddah,95
```
## الخط الزمني
```timeline
2023: Start
2024: Launch
```
## Report in English
- One
- Two

[^1]: التقرير السنوي
"""


@pytest.mark.parametrize(
    ("text", "is_mirrored"),
    [
        ("ارتفعت المبيعات", True),
        ("Excel هو برنامج الجداول", True),
        ("שלום Microsoft Azure", True),
        ("The word שלום means hello", False),
        ("12 % 2026", False),
        ("Sales", False),
    ],
)
def test_the_direction_of_a_text(text: str, is_mirrored: bool) -> None:
    assert runs_right_to_left(text) is is_mirrored


def test_the_direction_of_a_plan() -> None:
    assert plan_is_mirrored(SlidePlan(title="AWS", bullets=("خادم سريع", "EC2")))
    assert plan_is_mirrored(SlidePlan(title="المنتجات", bullets=("Microsoft Azure", "Google Cloud")))
    assert not plan_is_mirrored(SlidePlan(title="Greetings", bullets=("Say hello in Arabic: مرحبا", "b")))


def test_slides_are_mirrored(seedx: SeedX, tmp_path: Path) -> None:
    deck = make_slides(seedx, MARKDOWN, path=tmp_path / "deck.pptx", pictures=False)
    assert deck.warnings == () and not check_deck(deck.path).findings
    slides = list(Presentation(str(deck.path)).slides)
    assert [slide_is_mirrored(slide) for slide in slides] == [True] * 7 + [False]
    _check_text(slides[1])
    _check_columns(slides[2])
    _check_table(slides[3])
    _check_charts(slides[4], slides[5])
    _check_drawing(slides[6])
    assert 'rtl="1"' not in slides[7].shapes.title.text_frame._txBody.xml


def _check_text(slide: Any) -> None:
    shapes = [shape for shape in slide.shapes if shape.has_text_frame and "Footer" not in shape.name]
    paragraphs = [p for shape in shapes for p in shape.text_frame.paragraphs if any(map(str.isalpha, p.text))]
    assert len(paragraphs) == 5  # the title, three points and a footnote
    assert {(p._p.pPr.get("rtl"), p._p.pPr.get("algn")) for p in paragraphs} == {("1", "r")}


def _check_columns(slide: Any) -> None:
    lefts = {shape.text_frame.text: shape.left for shape in slide.placeholders}
    assert lefts["AWS"] > lefts["بعد"] and lefts["EC2"] > lefts["آلي"]
    assert [column.heading for column in read_slide(slide).columns] == ["AWS", "بعد"]


def _check_table(slide: Any) -> None:
    (table,) = (shape.table for shape in slide.shapes if shape.has_table)
    assert table._tbl.tblPr.get("rtl") == "1"
    assert table.cell(0, 0).text_frame.paragraphs[0]._p.pPr.get("algn") == "r"
    source = next(shape for shape in slide.shapes if shape.name == "Source")
    assert source.text_frame.paragraphs[0]._p.pPr.get("algn") == "r"


def _check_charts(upright: Any, lying: Any) -> None:
    charts = [shape.chart for slide in (upright, lying) for shape in slide.shapes if shape.has_chart]
    assert charts[0].category_axis.reverse_order and not charts[0].value_axis.reverse_order
    assert charts[1].value_axis.reverse_order
    assert charts[0].value_axis._element.find(qn("c:axPos")).get("val") == "r"
    assert charts[1].category_axis._element.find(qn("c:axPos")).get("val") == "r"


def _check_drawing(slide: Any) -> None:
    dots = [shape for shape in slide.shapes if ", dot " in shape.name]
    assert len(dots) == 2 and dots[0].left > dots[1].left
    visual = read_slide(slide).visual
    assert visual is not None and [item.label for item in visual.items] == ["Start", "Launch"]


def test_the_preview_shows_the_first_bar_at_the_right(seedx: SeedX, tmp_path: Path) -> None:
    text = "# T\n## الرسم\n```chart bar\nQ,المبيعات\nQ1,200\nQ2,20\n```\n"
    deck = make_slides(seedx, text, path=tmp_path / "deck.pptx", pictures=False)
    image = deck.previews[1].convert("RGB")
    red = [x for x in range(image.width) for y in (image.height // 2,) if _is_red(image, x, y)]
    assert red and min(red) > image.width // 2


def _is_red(image: Image.Image, x: int, y: int) -> bool:
    red, green, blue = image.getpixel((x, y))  # type: ignore[misc]
    return red > 200 and green < 120 and blue < 90
