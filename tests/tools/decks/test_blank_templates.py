"""Templates whose layouts have no place for a title and points: exports of Canva, Keynote, Google Slides."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from pptx import Presentation
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.util import Inches

from seedx_sdk import SeedX
from seedx_tools import append_slides, check_deck, make_slides, revise_slide

OUTLINE = """# The plan
For the board
# First part
## Facts
- One fact that is told in a line
- Two
\t- and what follows from it
## Old and new
### Before
- Leased lines
### After
- Own fibre
## Cost
| Year | Spent |
|---|---|
| 2024 | 11 |
## Sites
```chart bar: Sites
Quarter,Sites
Q1,12
Q2,31
```
## A voice
"It works." -- Somebody
## Thank you
Questions?
"""


def _blank(
    path: Path, *, size: tuple[float, float] = (13.333, 7.5), keep: tuple[str, ...] = ("Blank",), ground: str = ""
) -> Path:
    """Save a template with some of python-pptx's layouts, a logo on each, and a background."""
    file = Presentation()
    logo = io.BytesIO()
    Image.new("RGB", (40, 20), "red").save(logo, "PNG")
    for layout in list(file.slide_layouts):
        if layout.name not in keep:
            file.slide_layouts.remove(layout)
            continue
        if layout.name != "Blank":
            continue
        _, relation = layout.part.get_or_add_image_part(logo)
        layout.shapes._spTree.append(
            parse_xml(
                f"<p:pic {nsdecls('p', 'a', 'r')}><p:nvPicPr><p:cNvPr id='77' name='Logo'/><p:cNvPicPr/><p:nvPr/>"
                f"</p:nvPicPr><p:blipFill><a:blip r:embed='{relation}'/></p:blipFill><p:spPr><a:xfrm><a:off x='0' "
                "y='0'/><a:ext cx='400000' cy='200000'/></a:xfrm><a:prstGeom prst='rect'/></p:spPr></p:pic>"
            )
        )
        if ground:
            layout.element.find(qn("p:cSld")).insert(
                0,
                parse_xml(
                    f"<p:bg {nsdecls('p', 'a')}><p:bgPr><a:solidFill><a:srgbClr val='{ground}'/></a:solidFill>"
                    "<a:effectLst/></p:bgPr></p:bg>"
                ),
            )
    file.slide_width, file.slide_height = Inches(size[0]), Inches(size[1])
    file.save(str(path))
    return path


@pytest.mark.parametrize(
    ("size", "ground"), [((13.333, 7.5), ""), ((10, 5.625), "101820"), ((10, 7.5), ""), ((7.5, 10.83), "203040")]
)
def test_a_template_with_blank_layouts_gets_real_titles_and_texts(
    seedx: SeedX, tmp_path: Path, size: tuple[float, float], ground: str
) -> None:
    template = _blank(tmp_path / "template.pptx", size=size, ground=ground)
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=template, pictures=False)
    made = Presentation(str(deck.path))
    assert [slide.shapes.title.text_frame.text for slide in made.slides] == [
        "The plan",
        "First part",
        "Facts",
        "Old and new",
        "Cost",
        "Sites",
        "A voice",
        "Thank you",
    ]
    assert all(any(shape.name == "Logo" for shape in slide.slide_layout.shapes) for slide in made.slides)
    assert "9 were added to it, on the background of its layout 'Blank'" in deck.warnings[0]
    assert check_deck(deck.path).findings == ()
    ids = [entry.get("id") for entry in made.slide_master.element.sldLayoutIdLst]
    assert len(ids) == len(set(ids)) == 10


def test_a_template_with_title_slides_only_keeps_them(seedx: SeedX, tmp_path: Path) -> None:
    template = _blank(tmp_path / "template.pptx", size=(10, 7.5), keep=("Title Slide", "Blank"))
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=template, pictures=False)
    names = [slide.slide_layout.name for slide in Presentation(str(deck.path)).slides]
    assert names[:3] == ["Title Slide", "Section", "Title and Text"]
    assert [layout.name for layout in Presentation(str(deck.path)).slide_layouts].count("Title Slide") == 1


def test_slides_of_a_blank_deck_are_revised_and_continued(seedx: SeedX, tmp_path: Path) -> None:
    file = Presentation(str(_blank(tmp_path / "template.pptx")))
    slide = file.slides.add_slide(file.slide_layouts[0])
    slide.shapes.add_textbox(Inches(1), Inches(1), Inches(6), Inches(1)).text_frame.text = "Big headline"
    file.save(str(tmp_path / "deck.pptx"))
    revise_slide(seedx, tmp_path / "deck.pptx", 1, "## A headline\n- Words\n- More\n", pictures=False)
    deck = append_slides(seedx, tmp_path / "deck.pptx", "## Another\n- Words\n", pictures=False)
    made = Presentation(str(deck.path))
    assert made.slides[1].shapes.title.text_frame.text == "Another"
    assert "A headline" in [shape.text_frame.text for shape in made.slides[0].shapes if shape.has_text_frame]
    assert not [warning for warning in deck.warnings if "were added" in warning]  # the first call added them
