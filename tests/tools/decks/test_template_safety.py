"""Templates that are hostile, damaged or linked: what is refused, and what is left out."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from pptx import Presentation
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.util import Inches

from seedx_sdk import SeedX, TemplateError
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import append_slides, make_slides
from seedx_tools.decks.ooxml.package import external_links
from tests.support.pptx_files import holds, keep_layouts, rezip

OUTLINE = "# Deck\nsub\n## One\n- a\n- b\n![a red boat](draw)\n## Two\n"


@pytest.mark.parametrize(("suffix", "kind"), [("potx", b"template"), ("ppsx", b"slideshow")])
def test_potx_and_ppsx_templates_work(seedx: SeedX, tmp_path: Path, suffix: str, kind: bytes) -> None:
    Presentation().save(str(tmp_path / "t.pptx"))
    kinds = b"presentationml.presentation.main+xml", b"presentationml.%s.main+xml" % kind
    template = tmp_path / f"t.{suffix}"
    rezip(tmp_path / "t.pptx", template, lambda _name, data: data.replace(*kinds))
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=template)
    assert len(Presentation(str(deck.path)).slides) == 3


def _with_entities(part: str) -> Callable[[Path], None]:
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]>'

    def make(path: Path) -> None:
        plain = path.with_name("plain.pptx")
        Presentation().save(str(plain))
        rezip(plain, path, lambda name, data: data.replace(b"?>", b"?>" + bomb, 1) if name == part else data)

    return make


def _without_layouts(path: Path) -> None:
    file = Presentation()
    keep_layouts(file)
    file.save(str(path))


def _without_bodies(path: Path) -> None:
    file = Presentation()
    keep_layouts(file, "Title Only", "Blank")
    file.save(str(path))


def _bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        package.writestr("ppt/media/big.bin", bytes(30_000_000))


def _macros(path: Path) -> None:
    Presentation().save(str(path))
    with zipfile.ZipFile(path, "a") as package:
        package.writestr("ppt/vbaProject.bin", b"x")


def _controls(path: Path) -> None:
    Presentation().save(str(path))
    with zipfile.ZipFile(path, "a") as package:
        package.writestr("ppt/activeX/activeX1.xml", b"<x/>")


def _linked(kind: str, target: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        file = Presentation()
        reltype = f"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}"
        file.slide_masters[0].part.relate_to(target, reltype, is_external=True)
        file.save(str(path))

    return make


def _related(relation: str, name: str = "ppt/slideLayouts/_rels/slideLayout2.xml.rels") -> Callable[[Path], None]:
    """Return a template with a relation of its own as it is written, and with a part's name in other letters."""

    def make(path: Path) -> None:
        whole = path.with_name("whole.pptx")
        Presentation().save(str(whole))
        end = b"</Relationships>"
        rezip(
            whole,
            path,
            lambda part, data: data.replace(end, relation.encode() + end) if part.lower() == name.lower() else data,
            lambda part: name if part.lower() == name.lower() else part,
        )

    return make


_TYPE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PICTURE = f'<Relationship Id="rId9" Type="{_TYPE}/image" '
_PAGE = f'<Relationship Id="rId9" Type="{_TYPE}/hyperlink" Target="http://evil.example/" TargetMode="External"/>'


def _page_as_picture(path: Path) -> None:
    """Return a template with a hyperlink that is the source of a picture."""
    file = Presentation()
    relation = file.slide_layouts[1].part.relate_to("https://evil.example/x.png", RT.HYPERLINK, is_external=True)
    file.slide_layouts[1].shapes._spTree.append(
        parse_xml(
            f"<p:pic {nsdecls('p', 'a', 'r')}><p:nvPicPr><p:cNvPr id='77' name='Logo'/><p:cNvPicPr/><p:nvPr/>"
            f"</p:nvPicPr><p:blipFill><a:blip r:link='{relation}'/></p:blipFill><p:spPr/></p:pic>"
        )
    )
    file.save(str(path))


def _with_document_type(path: Path) -> None:
    whole = path.with_name("whole.pptx")
    Presentation().save(str(whole))
    kind = b"<!DOCTYPE Relationships [<!ATTLIST Relationship TargetMode CDATA 'External'>]><Relationships "
    rezip(whole, path, lambda name, data: data.replace(b"<Relationships ", kind) if name == "_rels/.rels" else data)


def _flipped(path: Path) -> None:
    """Return a template with wrong bits in a compressed part."""
    Presentation().save(str(path))
    with zipfile.ZipFile(path) as package:
        first = package.infolist()[0]
    data = bytearray(path.read_bytes())
    start = first.header_offset + 30 + len(first.filename)
    data[start + 2 : start + 20] = bytes(byte ^ 0xFF for byte in data[start + 2 : start + 20])
    path.write_bytes(data)


def _sized(width: float, height: float) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        file = Presentation()
        size = file.part._element.sldSz
        size.set("cx", str(Inches(width)))
        size.set("cy", str(Inches(height)))
        file.save(str(path))

    return make


def test_a_link_to_a_web_page_is_no_reason_to_refuse_a_template(seedx: SeedX, tmp_path: Path) -> None:
    _linked("hyperlink", "https://example.org")(tmp_path / "template.pptx")
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx")
    assert len(deck.slides) == 3


def _not_a_deck(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as package:
        package.writestr(
            "[Content_Types].xml", "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'/>"
        )


@pytest.mark.parametrize(
    ("make", "target"),
    [
        (_linked("image", "https://evil.example/x.png"), "https://evil.example/x.png"),
        (_linked("hyperlink", "file:///etc/passwd"), "file:///etc/passwd"),
        (_linked("oleObject", "\\\\\\\\server\\\\share\\\\a.xlsx"), "server"),
        (
            _related(f'{_PICTURE}Target="http://evil.example/hyperlink/a" TargetMode="External"/>'),
            "http://evil.example/hyperlink/a",
        ),
        (_related(f'{_PICTURE}Target="file://evil/a" TargetMode="&#69;xternal"/>'), "file://evil/a"),
        (_related(f'{_PICTURE}Target="file://evil/a?a>b" TargetMode="External"/>'), "file://evil/a?a>b"),
        (_page_as_picture, "https://evil.example/x.png"),
    ],
)
def test_what_a_template_links_to_is_neither_fetched_nor_in_the_deck(
    seedx: SeedX, tmp_path: Path, make: Callable[[Path], object], target: str
) -> None:
    make(tmp_path / "template.pptx")
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", pictures=False)
    (warning,) = (one for one in deck.warnings if "outside itself" in one)
    assert target in warning and "was not fetched, and the link was left out" in warning
    assert external_links(deck.path) == ()
    assert not holds(deck.path, b"evil") and not holds(deck.path, b'TargetMode="External"')
    assert [slide.shapes.title.text_frame.text for slide in Presentation(str(deck.path)).slides] == [
        "Deck",
        "One",
        "Two",
    ]


def test_a_linked_picture_whose_data_is_in_the_template_stays(seedx: SeedX, tmp_path: Path) -> None:
    file = Presentation()
    Image.new("RGB", (4, 4), "red").save(tmp_path / "logo.png")
    layout = file.slide_layouts[1]
    _, embedded = layout.part.get_or_add_image_part(str(tmp_path / "logo.png"))
    linked = layout.part.relate_to("file:///C:/brand/logo.png", RT.IMAGE, is_external=True)
    layout.shapes._spTree.append(
        parse_xml(
            f"<p:pic {nsdecls('p', 'a', 'r')}><p:nvPicPr><p:cNvPr id='77' name='Logo'/><p:cNvPicPr/><p:nvPr/>"
            f"</p:nvPicPr><p:blipFill><a:blip r:embed='{embedded}' r:link='{linked}'/></p:blipFill><p:spPr/></p:pic>"
        )
    )
    file.save(str(tmp_path / "template.pptx"))
    deck = make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx", pictures=False)
    layout = next(one for one in Presentation(str(deck.path)).slide_layouts if one.name == layout.name)
    blip = layout.element.find(f".//{qn('a:blip')}")
    assert blip.get(qn("r:link")) is None and layout.part.related_part(blip.get(qn("r:embed"))) is not None
    assert external_links(deck.path) == ()


def test_a_saved_deck_keeps_its_links_with_a_warning(seedx: SeedX, tmp_path: Path) -> None:
    _linked("image", "https://evil.example/x.png")(tmp_path / "deck.pptx")
    deck = append_slides(seedx, tmp_path / "deck.pptx", "## One\n- a\n", pictures=False)
    told = "the deck links to 'https://evil.example/x.png' outside itself; it stays linked, and was not fetched"
    assert told in deck.warnings
    assert external_links(deck.path) == ("https://evil.example/x.png",)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (_without_layouts, "layout"),
        (_bomb, "zip bomb"),
        (_macros, "macros"),
        (_controls, "ActiveX"),
        (_related(f"{_PAGE}<"), "slideLayout2.xml.rels is not XML"),
        (_with_document_type, "has a DOCTYPE in _rels/.rels"),
        *(
            (_with_entities(part), f"has a DOCTYPE in {part.replace('[', '.').replace(']', '.')}")
            for part in ("[Content_Types].xml", "ppt/presentation.xml", "ppt/theme/theme1.xml", "docProps/core.xml")
        ),
        (
            lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
            "has a password, or is a .ppt",
        ),
        (_flipped, "is damaged or not a .pptx"),
        (_sized(0.5, 7.5), r"pages of 0.50 x 7.50 inches"),
        (_sized(55, 5), r"no side more than 6 times"),
        (_sized(80, 60), r"1 to 56 inches"),
        (_not_a_deck, "cannot be read"),
        (lambda path: path.write_bytes(b"hello"), "not a .pptx"),
        (lambda path: path.write_bytes(b""), "not a .pptx"),
        (lambda path: path.mkdir(), "there is no file"),
        (lambda _path: None, "there is no file"),
    ],
)
def test_templates_that_cannot_be_used(
    seedx: SeedX, engine: ScriptedEngine, tmp_path: Path, make: Callable[[Path], object], told: str
) -> None:
    make(tmp_path / "template.pptx")
    with pytest.raises(TemplateError, match=told):
        make_slides(seedx, OUTLINE, path=tmp_path / "deck.pptx", template=tmp_path / "template.pptx")
    assert not (tmp_path / "deck.pptx").exists()
    assert engine.requests == []
