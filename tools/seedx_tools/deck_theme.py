"""Our own slide template: what a deck looks like when the user brings no template.

It is python-pptx's default presentation with another theme (colours, fonts), master and layouts. All looks live
there: a slide only says which placeholder holds what, so a user restyles the whole deck in PowerPoint's master view.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pptx import Presentation
from pptx.opc.oxml import serialize_part_xml
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.presentation import Presentation as PresentationObject
from pptx.util import Inches

DeckSize: TypeAlias = Literal["16:9", "4:3"]

WIDTH_INCHES: dict[DeckSize, float] = {"16:9": 13.333, "4:3": 10.0}
HEIGHT_INCHES = 7.5

_COLORS = {
    "dk1": "22262E",
    "lt1": "FFFFFF",
    "dk2": "1F2A44",
    "lt2": "FBF7F0",
    "accent1": "E4572E",
    "accent2": "2A9D8F",
    "accent3": "F4B942",
    "accent4": "4F7CAC",
    "accent5": "8E6C8A",
    "accent6": "6A994E",
    "hlink": "2A6F97",
    "folHlink": "8E6C8A",
}
_FONT = "Arial"
_MARGIN = 0.75
_Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, width, height in inches."""


@dataclass(frozen=True, slots=True)
class _Holder:
    """A placeholder of a layout."""

    kind: str
    box: _Box
    prompt: str
    anchor: str = "t"
    level1: str = ""
    """XML of the a:lvl1pPr that differs from the master's."""
    rounded: bool = True


def default_template(size: DeckSize) -> PresentationObject:
    """Return an empty presentation in our look, at this size."""
    deck = Presentation()
    width = WIDTH_INCHES[size]
    deck.slide_width, deck.slide_height = Inches(width), Inches(HEIGHT_INCHES)
    _set_theme(deck)
    _set_master(deck, width)
    layouts = _layouts(width)
    for layout, (name, dark, holders) in zip(list(deck.slide_layouts), layouts, strict=False):
        _set_layout(layout, name, dark, holders)
    for layout in list(deck.slide_layouts)[len(layouts) :]:
        deck.slide_layouts.remove(layout)
    return deck


def _layouts(width: float) -> list[tuple[str, bool, list[_Holder]]]:
    wide = width > 12
    side = HEIGHT_INCHES if wide else 4.1
    cover_picture = (width - side, 0.0, side, side) if wide else (width - side - 0.6, 1.7, side, side)
    cover_width = cover_picture[0] - _MARGIN - 0.5
    frame = 4.65 if wide else 3.7
    top = 1.95
    gap = 0.5
    words = width - 2 * _MARGIN - frame - gap
    title = _Holder("title", (_MARGIN, 0.72, width - 2 * _MARGIN, 0.95), "Title", anchor="ctr")
    body_height = 6.6 - top
    picture_top = top + (body_height - frame) / 2
    big = 5.6 if wide else 4.0
    white = _level1("b='1'", 4400 if wide else 3400, "bg1")
    cover_title = _Holder("ctrTitle", (_MARGIN, 1.75, cover_width, 2.2), "Deck title", anchor="b", level1=white)
    lone_title = _Holder("ctrTitle", (_MARGIN, 1.75, width - 2 * _MARGIN, 2.2), "Deck title", anchor="b", level1=white)
    pale = _level1("", 2000 if wide else 1800, "bg2", no_bullet=True)
    words_size = _level1("", 2400 if wide else 2000, "tx1")
    statement = _level1("b='1'", 4000 if wide else 3200, "tx2")
    return [
        (
            "Title Slide with Picture",
            True,
            [
                cover_title,
                _Holder("subTitle", (_MARGIN, 4.25, cover_width, 1.6), "Subtitle", level1=pale),
                _Holder("pic", cover_picture, "Picture", rounded=not wide),
            ],
        ),
        (
            "Title Slide",
            True,
            [lone_title, _Holder("subTitle", (_MARGIN, 4.25, width - 2 * _MARGIN, 1.6), "Subtitle", level1=pale)],
        ),
        (
            "Title, Words and Picture",
            False,
            [
                title,
                _Holder("body", (_MARGIN, top, words, body_height), "Words", anchor="ctr", level1=words_size),
                _Holder("pic", (width - _MARGIN - frame, picture_top, frame, frame), "Picture"),
            ],
        ),
        (
            "Title, Picture and Words",
            False,
            [
                title,
                _Holder(
                    "body",
                    (_MARGIN + frame + gap, top, words, body_height),
                    "Words",
                    anchor="ctr",
                    level1=words_size,
                ),
                _Holder("pic", (_MARGIN, picture_top, frame, frame), "Picture"),
            ],
        ),
        (
            "Title and Words",
            False,
            [title, _Holder("body", (_MARGIN, top, width - 2 * _MARGIN, body_height), "Words", level1=words_size)],
        ),
        (
            "Title and Picture",
            False,
            [
                _Holder(
                    "title",
                    (_MARGIN, 1.2, width - 2 * _MARGIN - big - gap, 2.75),
                    "Title",
                    anchor="b",
                    level1=statement,
                ),
                _Holder("pic", (width - _MARGIN - big, (HEIGHT_INCHES - big) / 2, big, big), "Picture"),
            ],
        ),
        (
            "Title Only",
            False,
            [_Holder("title", (_MARGIN, 1.2, width - 2 * _MARGIN, 2.75), "Title", anchor="b", level1=statement)],
        ),
    ]


def _level1(attributes: str, size: int, color: str, *, no_bullet: bool = False) -> str:
    bullet = "<a:buNone/>" if no_bullet else ""
    margins = "marL='0' indent='0'" if no_bullet else ""
    fill = f"<a:solidFill><a:schemeClr val='{color}'/></a:solidFill>"
    return f"<a:lvl1pPr {margins}>{bullet}<a:defRPr sz='{size}' {attributes}>{fill}</a:defRPr></a:lvl1pPr>"


def _set_theme(deck: PresentationObject) -> None:
    part = next(rel.target_part for rel in deck.slide_master.part.rels.values() if rel.reltype.endswith("/theme"))
    theme = parse_xml(part.blob)
    theme.set("name", "SeedX")
    for name, rgb in _COLORS.items():
        entry = theme.find(f".//{qn('a:clrScheme')}/{qn('a:' + name)}")
        for child in list(entry):
            entry.remove(child)
        entry.append(entry.makeelement(qn("a:srgbClr"), {"val": rgb}))
    for which in ("a:majorFont", "a:minorFont"):
        theme.find(f".//{qn(which)}/{qn('a:latin')}").set("typeface", _FONT)
    part._blob = serialize_part_xml(theme)


def _set_master(deck: PresentationObject, width: float) -> None:
    master: Any = deck.slide_master.element
    _set_background(master, "bg2")
    places = {
        "title": (_MARGIN, 0.72, width - 2 * _MARGIN, 0.95),
        "body": (_MARGIN, 1.95, width - 2 * _MARGIN, 4.65),
        "dt": (width / 2 - 1.0, 6.92, 2.0, 0.36),
        "ftr": (_MARGIN, 6.92, width * 0.4, 0.36),
        "sldNum": (width - _MARGIN - 1.2, 6.92, 1.2, 0.36),
    }
    for shape in deck.slide_master.placeholders:
        kind = str(shape.element.find(f".//{qn('p:ph')}").get("type"))
        left, top, wide, high = (Inches(value) for value in places[kind])
        shape.left, shape.top, shape.width, shape.height = left, top, wide, high
        properties = shape.element.find(f".//{qn('a:bodyPr')}")
        for name in ("lIns", "rIns"):
            properties.set(name, "0")
        if kind == "ftr":
            shape.element.find(f".//{qn('a:lvl1pPr')}").set("algn", "l")
    tree = master.find(f".//{qn('p:spTree')}")
    tree.insert(2, _shape_xml(90, "Accent bar", (_MARGIN, 0.5, 0.62, 0.09), "accent1"))
    styles = master.find(qn("p:txStyles"))
    master.replace(styles, parse_xml(_text_styles()))


def _shape_xml(number: int, name: str, box: _Box, color: str) -> Any:
    return parse_xml(
        f"<p:sp {nsdecls('p', 'a')}><p:nvSpPr><p:cNvPr id='{number}' name='{name}'/><p:cNvSpPr/>"
        f"<p:nvPr userDrawn='1'/></p:nvSpPr><p:spPr>{_xfrm(box)}<a:prstGeom prst='rect'><a:avLst/></a:prstGeom>"
        f"<a:solidFill><a:schemeClr val='{color}'/></a:solidFill><a:ln><a:noFill/></a:ln></p:spPr></p:sp>"
    )


def _text_styles() -> str:
    def level(number: int, size: int, left: float, before: int) -> str:
        margin, hang = Inches(left + 0.28), Inches(0.28)
        return (
            f"<a:lvl{number}pPr marL='{margin}' indent='-{hang}' algn='l'><a:lnSpc><a:spcPct val='100000'/></a:lnSpc>"
            f"<a:spcBef><a:spcPts val='{before}'/></a:spcBef>"
            "<a:buClr><a:schemeClr val='accent1'/></a:buClr><a:buFont typeface='Arial'/><a:buChar char='&#8226;'/>"
            f"<a:defRPr sz='{size}' kern='1200'><a:solidFill><a:schemeClr val='tx1'/></a:solidFill>"
            "<a:latin typeface='+mn-lt'/><a:ea typeface='+mn-ea'/><a:cs typeface='+mn-cs'/></a:defRPr>"
            f"</a:lvl{number}pPr>"
        )

    body = "".join(
        level(number, size, left, before)
        for number, size, left, before in (
            (1, 2200, 0.0, 1200),
            (2, 1800, 0.3, 600),
            (3, 1600, 0.6, 400),
            (4, 1600, 0.9, 400),
            (5, 1600, 1.2, 400),
        )
    )
    return (
        f"<p:txStyles {nsdecls('p', 'a')}><p:titleStyle><a:lvl1pPr algn='l'><a:lnSpc><a:spcPct val='95000'/></a:lnSpc>"
        "<a:spcBef><a:spcPct val='0'/></a:spcBef><a:buNone/><a:defRPr sz='3200' b='1' kern='1200'><a:solidFill>"
        "<a:schemeClr val='tx2'/></a:solidFill><a:latin typeface='+mj-lt'/><a:ea typeface='+mj-ea'/>"
        f"<a:cs typeface='+mj-cs'/></a:defRPr></a:lvl1pPr></p:titleStyle><p:bodyStyle>{body}</p:bodyStyle>"
        "<p:otherStyle/></p:txStyles>"
    )


def _set_layout(layout: Any, name: str, dark: bool, holders: list[_Holder]) -> None:
    layout.name = name
    element = layout.element
    element.attrib.pop("type", None)
    element.set("userDrawn", "1")
    tree = element.find(f".//{qn('p:spTree')}")
    kept = ("ftr", "sldNum") if not dark else ()
    for shape in list(tree)[2:]:
        ph = shape.find(f".//{qn('p:ph')}")
        if ph is None or ph.get("type") not in kept:
            tree.remove(shape)
    for shape in layout.placeholders:
        transform = shape.element.spPr.find(qn("a:xfrm"))
        if transform is not None:
            shape.element.spPr.remove(transform)
    for number, holder in enumerate(holders):
        index = 0 if "itle" in holder.kind and holder.kind != "subTitle" else 13 if holder.kind == "pic" else number
        tree.insert(2 + number, _holder_xml(20 + number, index, holder))
    if dark:
        _set_background(element, "tx2")
    if holders[0].anchor == "b":
        element.set("showMasterSp", "0")
        tree.insert(2, _shape_xml(91, "Accent bar", (_MARGIN, 4.05, 0.9, 0.09), "accent1"))


def _holder_xml(number: int, index: int, holder: _Holder) -> Any:
    ph = f"<p:ph type='{holder.kind}'" + (f" idx='{index}'/>" if index else "/>")
    shape = "roundRect" if holder.kind == "pic" and holder.rounded else "rect"
    adjust = "<a:gd name='adj' fmla='val 4500'/>" if shape == "roundRect" else ""
    geometry = f"<a:prstGeom prst='{shape}'><a:avLst>{adjust}</a:avLst></a:prstGeom>" if holder.kind == "pic" else ""
    fill = "<a:solidFill><a:schemeClr val='bg1'/></a:solidFill>" if holder.kind == "pic" else ""
    level1 = holder.level1 if holder.kind != "pic" else _level1("", 1400, "tx1", no_bullet=True)
    return parse_xml(
        f"<p:sp {nsdecls('p', 'a')}><p:nvSpPr><p:cNvPr id='{number}' name='{holder.prompt} {number}'/><p:cNvSpPr>"
        f"<a:spLocks noGrp='1'/></p:cNvSpPr><p:nvPr>{ph}</p:nvPr></p:nvSpPr><p:spPr>{_xfrm(holder.box)}{geometry}{fill}"
        f"</p:spPr><p:txBody><a:bodyPr anchor='{holder.anchor}'><a:normAutofit/></a:bodyPr>"
        f"<a:lstStyle>{level1}</a:lstStyle><a:p><a:r><a:rPr lang='en-US'/><a:t>{holder.prompt}</a:t></a:r></a:p>"
        "</p:txBody></p:sp>"
    )


def _xfrm(box: _Box) -> str:
    left, top, wide, high = (Inches(value) for value in box)
    return f"<a:xfrm><a:off x='{left}' y='{top}'/><a:ext cx='{wide}' cy='{high}'/></a:xfrm>"


def _set_background(element: Any, color: str) -> None:
    slide = element.find(qn("p:cSld"))
    old = slide.find(qn("p:bg"))
    if old is not None:
        slide.remove(old)
    slide.insert(
        0,
        parse_xml(
            f"<p:bg {nsdecls('p', 'a')}><p:bgPr><a:solidFill><a:schemeClr val='{color}'/></a:solidFill><a:effectLst/>"
            "</p:bgPr></p:bg>"
        ),
    )
