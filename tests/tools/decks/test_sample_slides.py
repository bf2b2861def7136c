"""Templates whose layouts are plain: their design is drawn on sample slides."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image
from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.shapes import MSO_SHAPE
from pptx.oxml.ns import qn
from pptx.presentation import Presentation as PresentationObject
from pptx.slide import Slide
from pptx.util import Inches, Pt

from seedx_sdk import SeedX
from seedx_tools import check_deck, make_slides

OUTLINE = "# Plan\nFor the board\n# Part\n## Facts\n- One\n- Two\n## Cost\n| a | b |\n|---|---|\n| 1 | 2 |\n"


def _box(slide: Slide, name: str, *frame: float, color: str = "225588") -> None:
    shape = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *(Inches(value) for value in frame))
    shape.name = name
    shape.fill.solid()
    shape.fill.fore_color.rgb = RGBColor.from_string(color)  # type: ignore[no-untyped-call]


def _logo(slide: Slide) -> None:
    data = io.BytesIO()
    Image.new("RGB", (40, 20), "red").save(data, "PNG")
    slide.shapes.add_picture(data, Inches(8.9), Inches(0.2), Inches(0.9)).name = "Logo"


def _template(path: Path, layouts: tuple[int, int]) -> PresentationObject:
    """Save a cover with a band at the left, and two pages with a band at the top, a logo and a shape of their own."""
    file = Presentation()
    for number in range(3):
        slide = file.slides.add_slide(file.slide_layouts[layouts[min(number, 1)]])
        if number == 0:
            _box(slide, "Cover band", 0, 0, 3, 7.5)
        else:
            _box(slide, "Page band", 0, 0, 10, 0.3)
            _box(slide, f"Own {number}", 3 + number, 3, 1, 1)
        _logo(slide)
        if slide.shapes.title is not None:
            slide.shapes.title.text = "Sample headline"
            slide.shapes.title.text_frame.paragraphs[0].runs[0].font.size = Pt(30)
    file.save(str(path))
    return file


def _drawn(slide: Slide) -> list[str]:
    return [shape.name for shape in slide.slide_layout.shapes if not shape.is_placeholder]


def test_what_decorates_sample_slides_is_on_the_layouts(seedx: SeedX, tmp_path: Path) -> None:
    _template(tmp_path / "template.pptx", (0, 1))
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", pictures=False)
    slides = list(Presentation(str(deck.path)).slides)
    assert [_drawn(slide) for slide in slides] == [
        ["Cover band", "Logo"],
        ["Cover band", "Logo"],
        ["Page band", "Logo"],
        ["Page band", "Logo"],
    ]
    for slide in slides[:2]:
        assert all(shape.left >= Inches(3) for shape in slide.placeholders)
    title = slides[2].shapes.title
    assert title.top >= Inches(0.65)  # below band and logo
    assert title.element.find(f".//{qn('a:sz')}") is None
    assert "layouts are blank and its design is drawn on its sample slides: slide 1 and slide 2" in deck.warnings[0]
    assert {finding.kind for finding in check_deck(deck.path).findings} <= {"low_contrast"}  # the template's grey


def test_sample_slides_on_one_blank_layout_give_covers_and_pages(seedx: SeedX, tmp_path: Path) -> None:
    file = _template(tmp_path / "template.pptx", (6, 6))
    for layout in [one for one in file.slide_layouts if one.name != "Blank"]:
        file.slide_layouts.remove(layout)
    for slide in file.slides:
        slide.background.fill.solid()
        slide.background.fill.fore_color.rgb = RGBColor.from_string("103040")  # type: ignore[no-untyped-call]
    file.save(str(tmp_path / "template.pptx"))
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", pictures=False)
    slides = list(Presentation(str(deck.path)).slides)
    assert [slide.shapes.title.text_frame.text for slide in slides] == ["Plan", "Part", "Facts", "Cost"]
    assert [_drawn(slide)[0] for slide in slides] == ["Cover band", "Cover band", "Page band", "Page band"]
    assert check_deck(deck.path).findings == ()


def test_layouts_with_a_design_of_their_own_keep_it(seedx: SeedX, tmp_path: Path) -> None:
    file = _template(tmp_path / "template.pptx", (0, 1))
    band = next(shape for shape in file.slides[1].shapes if shape.name == "Page band")
    band.name = "Master band"
    file.slide_master.shapes._spTree.append(band.element)
    file.save(str(tmp_path / "template.pptx"))
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", pictures=False)
    assert [_drawn(slide) for slide in Presentation(str(deck.path)).slides] == [[], [], [], []]
    assert not any("blank" in warning for warning in deck.warnings)
