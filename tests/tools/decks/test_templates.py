from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER as PH
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide, SlideLayout, SlideMaster
from pptx.util import Emu, Inches

from seedx_sdk import SeedX
from seedx_tools import check_deck, make_slides
from seedx_tools.decks.ooxml.styles import text_style
from seedx_tools.decks.outline import ChartData, ChartSeries, Outline, SlidePlan
from seedx_tools.decks.preview_charts import _drawn, _nice_step
from tests.support.pptx_files import holds, keep_layouts, rezip

OUTLINE = "# Deck\nsub\n## One\n- a\n- b\n![a red boat](draw)\n## Two\n"


def _shuffled(path: str) -> str:
    """python-pptx's own template with the placeholders renumbered, the order turned round and names in no language."""
    file = Presentation()
    for number, layout in enumerate(file.slide_layouts):
        layout.name = f"x{number}"
        tree = layout.shapes._spTree
        shapes = [shape.element for shape in layout.placeholders]  # type: ignore[misc]  # python-pptx types __iter__ as data
        for offset, element in enumerate(shapes):
            ph = element.find(f".//{qn('p:ph')}")
            if ph.get("type") not in ("title", "ctrTitle"):
                ph.set("idx", str(40 - offset * 3))
        for element in reversed(shapes):
            tree.remove(element)
            tree.append(element)
    file.save(path)
    return path


def _texts(slide: Slide, *kinds: PH) -> list[str]:
    return [shape.text_frame.text for shape in slide.placeholders if shape.placeholder_format.type in kinds]


def test_placeholders_are_found_by_type_and_place_when_indices_are_shuffled(seedx: SeedX, tmp_path: Path) -> None:
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=_shuffled(str(tmp_path / "template.pptx")))
    slides = list(Presentation(str(deck.path)).slides)
    assert [slide.shapes.title.text_frame.text for slide in slides] == ["Deck", "One", "Two"]
    assert _texts(slides[0], PH.SUBTITLE) == ["sub"]
    assert "a\nb" in _texts(slides[1], PH.BODY, PH.OBJECT)
    for slide in slides:
        assert all(shape.element.tag == qn("p:pic") or shape.text_frame.text.strip() for shape in slide.placeholders)


@pytest.mark.parametrize(
    "names",
    [
        ("Title and Content",),
        ("Title Slide", "Two Content"),
        ("Title Slide", "Title Only", "Title and Content"),
    ],
)
def test_a_template_without_picture_placeholder_gets_a_fitted_frame(
    seedx: SeedX, tmp_path: Path, names: tuple[str, ...]
) -> None:
    file = Presentation()
    keep_layouts(file, *names)
    file.save(str(tmp_path / "template.pptx"))
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx")
    made = Presentation(str(deck.path))
    one = list(made.slides)[1]
    picture = next(shape for shape in one.shapes if shape.element.tag == qn("p:pic"))
    body = next(shape for shape in one.placeholders if shape.placeholder_format.type == PH.OBJECT)
    assert body.left + body.width <= picture.left
    assert picture.width == picture.height
    assert picture.left + picture.width <= made.slide_width
    assert picture._element.nvPicPr.cNvPr.get("descr")


def test_the_larger_body_gets_the_points(seedx: SeedX, tmp_path: Path) -> None:
    file = Presentation()
    keep_layouts(file, "Comparison")
    file.save(str(tmp_path / "template.pptx"))
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", pictures=False)
    one = list(Presentation(str(deck.path)).slides)[1]
    body = next(shape for shape in one.placeholders if shape.text_frame.text == "a\nb")
    assert body.height > Emu(3_000_000)
    assert _texts(one, PH.BODY, PH.OBJECT) == ["a\nb"]


def test_slides_of_a_template_are_left_out_with_a_warning(seedx: SeedX, tmp_path: Path) -> None:
    file = Presentation()
    file.slides.add_slide(file.slide_layouts[0]).shapes.title.text = "old"
    file.save(str(tmp_path / "template.pptx"))
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", size="16:9")
    made = Presentation(str(deck.path))
    assert len(made.slides) == 3
    assert (made.slide_width, made.slide_height) == (file.slide_width, file.slide_height)
    assert deck.warnings[:2] == (
        "the template's own 1 slides were left out; its masters and layouts are used",
        "the template sets the page size; 16:9 was ignored",
    )
    with zipfile.ZipFile(deck.path) as package:
        assert len(package.namelist()) == len(set(package.namelist()))
        assert sum(name.startswith("ppt/slides/slide") for name in package.namelist()) == 3


def _names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as package:
        return package.namelist()


def _link(sheet: SlideLayout | SlideMaster, slide: Slide, tag: str) -> None:
    """Return a shape on a layout, master or slide with a link to a slide."""
    relation = sheet.part.relate_to(slide.part, RT.SLIDE)
    sheet.shapes._spTree.append(
        parse_xml(
            f"<p:sp {nsdecls('p', 'a', 'r')}><p:nvSpPr><p:cNvPr id='99' name='Home'><a:{tag} r:id='{relation}' "
            "action='ppaction://hlinksldjump'/></p:cNvPr><p:cNvSpPr/><p:nvPr userDrawn='1'/></p:nvSpPr><p:spPr>"
            "<a:prstGeom prst='rect'/></p:spPr></p:sp>"
        )
    )


def test_slides_of_a_template_are_gone_though_links_shows_and_sections_lead_to_them(
    seedx: SeedX, tmp_path: Path
) -> None:
    file = Presentation()
    for _ in range(3):
        file.slides.add_slide(file.slide_layouts[0]).shapes.title.text = "old secret"
    _link(file.slide_layouts[1], file.slides[1], "hlinkClick")
    _link(file.slide_masters[0], file.slides[2], "hlinkHover")
    root = file.part._element
    relation, number = root.sldIdLst[0].rId, root.sldIdLst[0].id
    root.find(qn("p:notesSz")).addnext(
        parse_xml(
            f"<p:custShowLst {nsdecls('p', 'r')}><p:custShow name='x' id='0'><p:sldLst><p:sld r:id='{relation}'/>"
            "</p:sldLst></p:custShow></p:custShowLst>"
        )
    )
    root.append(
        parse_xml(
            f"<p:extLst {nsdecls('p')}><p:ext uri='{{521415D9-36F7-43E2-AB2F-B90AF26B5E84}}'><s:sectionLst "
            "xmlns:s='http://schemas.microsoft.com/office/powerpoint/2010/main'><s:section name='Old'><s:sldIdLst>"
            f"<s:sldId id='{number}'/></s:sldIdLst></s:section></s:sectionLst></p:ext></p:extLst>"
        )
    )
    file.save(str(tmp_path / "template.pptx"))
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", pictures=False)
    names = _names(deck.path)
    assert sorted(names) == sorted(set(names))
    assert [name for name in names if name.startswith("ppt/slides/slide")] == [
        f"ppt/slides/slide{number}.xml" for number in (1, 2, 3)
    ]
    assert not any(holds(deck.path, words) for words in (b"secret", b"hlinksldjump", b"custShow", b"sectionLst"))
    made = Presentation(str(deck.path))
    assert [slide.shapes.title.text_frame.text for slide in made.slides] == ["Deck", "One", "Two"]
    assert made.slide_layouts[1].shapes[-1].name == "Home"


EMF = b"\x01\0\0\0\x6c\0\0\0" + bytes(32) + b" EMF" + bytes(64)


@pytest.mark.parametrize("blob", [EMF, b"\x89PNG\r\n\x1a\n damaged"])
def test_a_picture_that_cannot_be_drawn_is_left_out_of_the_preview(seedx: SeedX, tmp_path: Path, blob: bytes) -> None:
    file = Presentation()
    part = Part(PackURI("/ppt/media/logo1.emf"), "image/x-emf", file.part.package, blob)
    relation = file.slide_masters[0].part.relate_to(part, RT.IMAGE)
    file.slide_masters[0].shapes._spTree.append(
        parse_xml(
            f"<p:pic {nsdecls('p', 'a', 'r')}><p:nvPicPr><p:cNvPr id='77' name='Logo'/><p:cNvPicPr/><p:nvPr/>"
            f"</p:nvPicPr><p:blipFill><a:blip r:embed='{relation}'/><a:stretch/></p:blipFill><p:spPr><a:xfrm>"
            "<a:off x='0' y='0'/><a:ext cx='914400' cy='914400'/></a:xfrm><a:prstGeom prst='rect'/></p:spPr></p:pic>"
        )
    )
    file.save(str(tmp_path / "template.pptx"))
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", pictures=False)
    assert deck.warnings == ()
    assert deck.previews[0].getpixel((5, 5)) == (255, 255, 255)
    assert holds(deck.path, blob)


def test_a_preview_shows_a_picture_that_is_smaller_or_larger_than_its_frame_and_the_page(
    seedx: SeedX, tmp_path: Path
) -> None:
    Image.new("RGB", (40, 40), "red").save(tmp_path / "red.png")
    file = Presentation()
    master: Any = file.slide_masters[0]
    pictures = master.shapes
    for left in (2, 9):
        _, relation = master.part.get_or_add_image_part(str(tmp_path / "red.png"))
        pictures._spTree.add_pic(left, "Logo", "", relation, Inches(left), Inches(5), Inches(2), Inches(2))
    pictures[-2].crop_left = pictures[-2].crop_top = -0.5
    pictures[-1].crop_left, pictures[-1].crop_right = -0.25, 0.25
    file.save(str(tmp_path / "template.pptx"))
    deck = make_slides(seedx, "# D\n", path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", pictures=False)
    preview = deck.previews[0]
    red, white = (255, 0, 0), (255, 255, 255)
    at = {(x, y): preview.getpixel((round(96 * x), round(96 * y))) for x, y in _LOOKED_AT}
    assert at == dict(zip(_LOOKED_AT, (white, white, red, red, white, red), strict=True))


_LOOKED_AT = ((2.3, 6.8), (3.8, 5.3), (2.8, 5.8), (3.9, 6.9), (9.3, 6.0), (9.9, 6.0))


@pytest.mark.parametrize("kind", ["hdr", "sldImg"])
def test_placeholders_of_notes_pages_on_a_layout_are_skipped(seedx: SeedX, tmp_path: Path, kind: str) -> None:
    Presentation().save(str(tmp_path / "t.pptx"))
    rezip(
        tmp_path / "t.pptx",
        tmp_path / "template.pptx",
        lambda name, data: (
            data.replace(b'type="dt"', f'type="{kind}"'.encode()) if "/slideLayouts/slide" in name else data
        ),
    )
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", pictures=False)
    assert [slide.bullets for slide in deck.slides] == [("sub",), ("a", "b"), ()]


@pytest.mark.parametrize(
    ("color", "shown"),
    [
        ("<a:sysClr val='windowText'/>", "000000"),
        ("<a:sysClr val='window'/>", "FFFFFF"),
        ("<a:sysClr val='window' lastClr='123456'/>", "123456"),
        ("<a:sysClr val='btnFace'/>", "000000"),
        ("<a:prstClr val='tomato'/>", "FF6347"),
        ("<a:prstClr val='dkBlue'/>", "00008B"),
        ("<a:prstClr val='medAquamarine'/>", "66CDAA"),
        ("<a:prstClr val='no colour'/>", "000000"),
        ("<a:hslClr hue='0' sat='100000' lum='50000'/>", "000000"),
    ],
)
def test_theme_colors_of_every_kind_are_read(tmp_path: Path, color: str, shown: str) -> None:
    file = Presentation()
    file.slides.add_slide(file.slide_layouts[5]).shapes.title.text = "A title"
    file.save(str(tmp_path / "t.pptx"))
    dark = b"<a:dk1>" + color.encode() + b"</a:dk1>"
    rezip(
        tmp_path / "t.pptx",
        tmp_path / "deck.pptx",
        lambda name, data: re.sub(b"<a:dk1>.*?</a:dk1>", dark, data, flags=re.DOTALL) if "/theme/" in name else data,
    )
    slide = Presentation(str(tmp_path / "deck.pptx")).slides[0]
    title = slide.shapes.title
    assert text_style(slide, title.element, title.text_frame.paragraphs[0]._p, 0).color == shown
    check_deck(tmp_path / "deck.pptx")


def test_chart_numbers_of_any_size_can_be_drawn(seedx: SeedX, tmp_path: Path) -> None:
    charts = [((1e308, -1e308), "bar"), ((5e-324, 0.0), "line"), ((1e308, 1e308), "pie")]
    slides = tuple(
        SlidePlan(
            title="C",
            chart=ChartData(kind=kind, categories=("a", "b"), series=(ChartSeries(name="s", values=values),)),
        )
        for values, kind in charts
    )
    deck = make_slides(seedx, Outline(title="T", slides=slides), path=tmp_path / "deck.pptx", pictures=False)
    assert [slide.title for slide in deck.slides] == ["T", "C", "C (2)", "C (3)"]
    assert [_nice_step(span) for span in (0.0, 5e-324, 10.0, 2e300)] == [1.0, 1.0, 2.0, 5e299]
    assert [_drawn(value) for value in (None, float("nan"), 1e308, -2.5)] == [None, None, 1e300, -2.5]


def test_placeholders_with_the_same_index_are_told_apart(seedx: SeedX, tmp_path: Path) -> None:
    file = Presentation()
    layout = next(one for one in file.slide_layouts if one.name == "Title and Content")
    for element in layout.element.iter(qn("p:ph")):
        element.attrib.pop("idx", None)
    file.save(str(tmp_path / "template.pptx"))
    deck = make_slides(
        seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", pictures=False, footer="Board"
    )
    slide = Presentation(str(deck.path)).slides[1]
    assert (slide.shapes.title.text_frame.text, _texts(slide, PH.BODY, PH.OBJECT)) == ("One", ["a\nb"])
    assert _texts(slide, PH.FOOTER) == ["Board"]
    told = "several placeholders of the template's layout 'Title and Content' have the same index; they were told apart"
    assert deck.warnings[0] == told
