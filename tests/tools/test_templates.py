from __future__ import annotations

import zipfile

import pytest
from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER as PH
from pptx.oxml.ns import qn
from pptx.util import Emu, Inches

from seedx_sdk import TemplateError
from seedx_tools import make_slides

OUTLINE = "# Deck\nsub\n## One\n- a\n- b\n## Two\n"


def _keep_layouts(file, *names):
    for layout in list(file.slide_layouts):
        if layout.name not in names:
            file.slide_layouts.remove(layout)


def _shuffled(path):
    """python-pptx's own template with the placeholders renumbered, the order turned round and names in no language."""
    file = Presentation()
    for number, layout in enumerate(file.slide_layouts):
        layout.name = f"x{number}"
        tree = layout.shapes._spTree
        shapes = [shape.element for shape in layout.placeholders]
        for offset, element in enumerate(shapes):
            ph = element.find(f".//{qn('p:ph')}")
            if ph.get("type") not in ("title", "ctrTitle"):
                ph.set("idx", str(40 - offset * 3))
        for element in reversed(shapes):
            tree.remove(element)
            tree.append(element)
    file.save(path)
    return path


def _texts(slide, *kinds):
    return [shape.text_frame.text for shape in slide.placeholders if shape.placeholder_format.type in kinds]


def test_placeholders_are_found_by_type_and_place_when_indices_are_shuffled(seedx, tmp_path):
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
def test_a_template_without_picture_placeholder_gets_a_fitted_frame(seedx, tmp_path, names):
    file = Presentation()
    _keep_layouts(file, *names)
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


def test_the_larger_body_gets_the_points(seedx, tmp_path):
    file = Presentation()
    _keep_layouts(file, "Comparison")
    file.save(str(tmp_path / "template.pptx"))
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", pictures=False)
    one = list(Presentation(str(deck.path)).slides)[1]
    body = next(shape for shape in one.placeholders if shape.text_frame.text == "a\nb")
    assert body.height > Emu(3_000_000)
    assert _texts(one, PH.BODY, PH.OBJECT) == ["a\nb"]


def test_slides_of_a_template_are_left_out_with_a_warning(seedx, tmp_path):
    file = Presentation()
    file.slides.add_slide(file.slide_layouts[0]).shapes.title.text = "old"
    file.save(str(tmp_path / "template.pptx"))
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", size="16:9")
    made = Presentation(str(deck.path))
    assert len(made.slides) == 3
    assert (made.slide_width, made.slide_height) == (file.slide_width, file.slide_height)
    assert deck.warnings[:2] == (
        "the template's own 1 slides were left out; its masters and layouts are used",
        "the template sets the page size, so 16:9 was not used",
    )
    with zipfile.ZipFile(deck.path) as package:
        assert len(package.namelist()) == len(set(package.namelist()))
        assert sum(name.startswith("ppt/slides/slide") for name in package.namelist()) == 3


def _rezip(source, target, change):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))


def test_potx_templates_work(seedx, tmp_path):
    Presentation().save(str(tmp_path / "t.pptx"))
    kind = b"presentationml.presentation.main+xml", b"presentationml.template.main+xml"
    _rezip(tmp_path / "t.pptx", tmp_path / "t.potx", lambda _name, data: data.replace(*kind))
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "t.potx")
    assert len(Presentation(str(deck.path)).slides) == 3


def _without_layouts(path):
    file = Presentation()
    _keep_layouts(file)
    file.save(str(path))


def _without_bodies(path):
    file = Presentation()
    _keep_layouts(file, "Title Only", "Blank")
    file.save(str(path))


def _bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        package.writestr("ppt/media/big.bin", bytes(30_000_000))


def _macros(path):
    Presentation().save(str(path))
    with zipfile.ZipFile(path, "a") as package:
        package.writestr("ppt/vbaProject.bin", b"x")


def _controls(path):
    Presentation().save(str(path))
    with zipfile.ZipFile(path, "a") as package:
        package.writestr("ppt/activeX/activeX1.xml", b"<x/>")


def _linked(kind, target):
    def make(path):
        file = Presentation()
        reltype = f"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}"
        file.slide_masters[0].part.relate_to(target, reltype, is_external=True)
        file.save(str(path))

    return make


def _sized(width, height):
    def make(path):
        file = Presentation()
        size = file.part._element.sldSz
        size.set("cx", str(Inches(width)))
        size.set("cy", str(Inches(height)))
        file.save(str(path))

    return make


def test_a_link_to_a_web_page_is_no_reason_to_refuse_a_template(seedx, tmp_path):
    _linked("hyperlink", "https://example.org")(tmp_path / "template.pptx")
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx")
    assert len(deck.slides) == 3


def _not_a_deck(path):
    with zipfile.ZipFile(path, "w") as package:
        package.writestr(
            "[Content_Types].xml", "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'/>"
        )


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (_without_layouts, "layout"),
        (_without_bodies, "title and a body"),
        (_bomb, "zip bomb"),
        (_macros, "macros"),
        (_controls, "ActiveX"),
        (_linked("image", "https://evil.example/x.png"), r"links to 'https://evil.example/x.png' outside itself"),
        (_linked("hyperlink", "file:///etc/passwd"), "links to 'file:///etc/passwd'"),
        (_linked("oleObject", "\\\\\\\\server\\\\share\\\\a.xlsx"), "outside itself"),
        (_sized(0.5, 7.5), r"pages of 0.50 x 7.50 inches"),
        (_sized(55, 5), r"no side more than 6 times"),
        (_sized(80, 60), r"1 to 56 inches"),
        (_not_a_deck, "cannot be read"),
        (lambda path: path.write_bytes(b"hello"), "not a .pptx"),
        (lambda path: path.write_bytes(b""), "not a .pptx"),
        (lambda path: path.mkdir(), "no template file"),
        (lambda _path: None, "no template file"),
    ],
)
def test_templates_that_cannot_be_used(seedx, engine, tmp_path, make, told):
    make(tmp_path / "template.pptx")
    with pytest.raises(TemplateError, match=told):
        make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx")
    assert not (tmp_path / "deck.pptx").exists()
    assert engine.requests == []
