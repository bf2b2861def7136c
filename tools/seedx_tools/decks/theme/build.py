"""Build the template of a deck for which the user brings none.

It is python-pptx's default presentation with another theme (colors, fonts), master and layouts. All styling is there:
slides only fill placeholders, so users can restyle the whole deck in PowerPoint's master view.
"""

from __future__ import annotations

import copy
from typing import Any, Literal, TypeAlias

from pptx import Presentation
from pptx.opc.constants import RELATIONSHIP_TYPE as RELATION
from pptx.opc.oxml import serialize_part_xml
from pptx.opc.packuri import PackURI
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.parts.slide import SlideLayoutPart
from pptx.presentation import Presentation as PresentationObject
from pptx.util import Inches

from seedx_tools.decks.ooxml.styles import placeholder_type
from seedx_tools.decks.theme.layouts import (
    HEIGHT_INCHES,
    MARGIN,
    InchBox,
    LayoutSpec,
    PlaceholderSpec,
    deck_layouts,
    footer_boxes,
    level1_style,
)
from seedx_tools.decks.theme.palettes import PALETTES, DeckTheme, Palette

DeckSize: TypeAlias = Literal["16:9", "4:3"]

WIDTH_INCHES: dict[DeckSize, float] = {"16:9": 13.333, "4:3": 10.0}

_QUIET = (
    f"<a:solidFill {nsdecls('a')}><a:schemeClr val='tx1'><a:lumMod val='65000'/><a:lumOff val='35000'/></a:schemeClr>"
    "</a:solidFill>"
)
"""The color of footers: softer than the text, but readable."""


def default_template(size: DeckSize, theme: DeckTheme = "paper") -> PresentationObject:
    """Return an empty presentation with a built-in theme at this size."""
    deck = Presentation()
    palette = PALETTES[theme]
    width = WIDTH_INCHES[size]
    deck.slide_width, deck.slide_height = Inches(width), Inches(HEIGHT_INCHES)
    _set_theme(deck, theme, palette)
    _set_master(deck, width, palette)
    for layout, wanted in zip(
        _with_layouts(deck, len(deck_layouts(width, palette))), deck_layouts(width, palette), strict=True
    ):
        _set_layout(layout, wanted, palette)
    return deck


def _with_layouts(deck: PresentationObject, count: int) -> list[Any]:
    """Return this many layouts of a deck, adding copies of the last or removing some."""
    master = deck.slide_master
    for layout in list(master.slide_layouts)[count:]:
        master.slide_layouts.remove(layout)
    package = master.part.package
    while len(master.slide_layouts) < count:
        last = master.slide_layouts[-1]
        part = SlideLayoutPart(
            PackURI(f"/ppt/slideLayouts/slideLayout{len(master.slide_layouts) + 1}.xml"),
            last.part.content_type,
            package,
            copy.deepcopy(last.element),
        )
        part.relate_to(master.part, RELATION.SLIDE_MASTER)
        entries = master.element.get_or_add_sldLayoutIdLst()
        entry = entries._add_sldLayoutId()
        entry.rId = master.part.relate_to(part, RELATION.SLIDE_LAYOUT)
        entry.set("id", str(1 + max(int(other.get("id", 0)) for other in entries)))
    return list(master.slide_layouts)


def _set_theme(deck: PresentationObject, name: str, palette: Palette) -> None:
    part = next(rel.target_part for rel in deck.slide_master.part.rels.values() if rel.reltype.endswith("/theme"))
    theme = parse_xml(part.blob)
    theme.set("name", f"SeedX {name}")
    for color, rgb in palette.colors.items():
        entry = theme.find(f".//{qn('a:clrScheme')}/{qn('a:' + color)}")
        for child in list(entry):
            entry.remove(child)
        entry.append(entry.makeelement(qn("a:srgbClr"), {"val": rgb}))
    for which, face in (("a:majorFont", palette.title_font), ("a:minorFont", palette.text_font)):
        theme.find(f".//{qn(which)}/{qn('a:latin')}").set("typeface", face)
    part._blob = serialize_part_xml(theme)


def _set_master(deck: PresentationObject, width: float, palette: Palette) -> None:
    master: Any = deck.slide_master.element
    if palette.is_dark:
        for ground, text in (("1", "1"), ("2", "2")):
            master.find(qn("p:clrMap")).set(f"bg{ground}", f"dk{ground}")
            master.find(qn("p:clrMap")).set(f"tx{text}", f"lt{text}")
    _set_background(master, "bg2")
    places = {
        "title": (MARGIN, 0.72, width - 2 * MARGIN, 0.95),
        "body": (MARGIN, 1.95, width - 2 * MARGIN, 4.65),
        "dt": (width / 2 - 1.0, 6.92, 2.0, 0.36),
        **footer_boxes(width - MARGIN, width * 0.4),
    }
    for shape in deck.slide_master.placeholders:
        kind = str(shape.element.find(f".//{qn('p:ph')}").get("type"))
        _place(shape, places[kind])
        properties = shape.element.find(f".//{qn('a:bodyPr')}")
        for name in ("lIns", "rIns"):
            properties.set(name, "0")
        if kind in ("dt", "ftr", "sldNum"):
            old = shape.element.find(f".//{qn('a:lvl1pPr')}/{qn('a:defRPr')}/{qn('a:solidFill')}")
            old.getparent().replace(old, parse_xml(_QUIET))
        if kind == "ftr":
            shape.element.find(f".//{qn('a:lvl1pPr')}").set("algn", "l")
    tree = master.find(f".//{qn('p:spTree')}")
    tree.insert(2, _shape_xml(90, "Accent bar", (MARGIN, 0.5, 0.62, 0.09), "accent1"))
    styles = master.find(qn("p:txStyles"))
    master.replace(styles, parse_xml(_text_styles()))


def _place(shape: Any, box: InchBox) -> None:
    shape.left, shape.top, shape.width, shape.height = (Inches(value) for value in box)


def _shape_xml(number: int, name: str, box: InchBox, color: str) -> Any:
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


def _set_layout(layout: Any, wanted: LayoutSpec, palette: Palette) -> None:
    layout.name = wanted.name
    element = layout.element
    element.set("type", wanted.kind)
    element.set("userDrawn", "1")
    tree = element.find(f".//{qn('p:spTree')}")
    kept = ("ftr", "sldNum") if not wanted.is_cover else ()
    for shape in list(tree)[2:]:
        ph = shape.find(f".//{qn('p:ph')}")
        if ph is None or ph.get("type") not in kept:
            tree.remove(shape)
    for shape in layout.placeholders:
        transform = shape.element.spPr.find(qn("a:xfrm"))
        if transform is not None:
            shape.element.spPr.remove(transform)
        if wanted.footer_right is not None:
            _place(shape, footer_boxes(wanted.footer_right, wanted.footer_right)[str(placeholder_type(shape.element))])
    for number, spec in enumerate(wanted.placeholders):
        index = 0 if "itle" in spec.kind and spec.kind != "subTitle" else 20 + number
        tree.insert(2 + number, _placeholder_xml(20 + number, index, spec))
    if wanted.is_cover:
        _set_background(element, palette.cover_ground)
    if wanted.placeholders[0].anchor == "b":
        element.set("showMasterSp", "0")
        left, top, _, height = wanted.placeholders[0].box
        tree.insert(2, _shape_xml(91, "Accent bar", (left, top + height + 0.1, 0.9, 0.09), "accent1"))


def _placeholder_xml(number: int, index: int, spec: PlaceholderSpec) -> Any:
    ph = f"<p:ph type='{spec.kind}'" + (f" idx='{index}'/>" if index else "/>")
    shape = "roundRect" if spec.kind == "pic" and spec.rounded else "rect"
    adjust = "<a:gd name='adj' fmla='val 4500'/>" if shape == "roundRect" else ""
    geometry = f"<a:prstGeom prst='{shape}'><a:avLst>{adjust}</a:avLst></a:prstGeom>" if spec.kind == "pic" else ""
    fill = "<a:solidFill><a:schemeClr val='bg1'/></a:solidFill>" if spec.kind == "pic" else ""
    level1 = spec.level1 if spec.kind != "pic" else level1_style("", 1400, "tx1", no_bullet=True)
    return parse_xml(
        f"<p:sp {nsdecls('p', 'a')}><p:nvSpPr><p:cNvPr id='{number}' name='{spec.prompt} {number}'/><p:cNvSpPr>"
        f"<a:spLocks noGrp='1'/></p:cNvSpPr><p:nvPr>{ph}</p:nvPr></p:nvSpPr><p:spPr>{_xfrm(spec.box)}{geometry}{fill}"
        f"</p:spPr><p:txBody><a:bodyPr anchor='{spec.anchor}'><a:normAutofit/></a:bodyPr>"
        f"<a:lstStyle>{level1}</a:lstStyle><a:p><a:r><a:rPr lang='en-US'/><a:t>{spec.prompt}</a:t></a:r></a:p>"
        "</p:txBody></p:sp>"
    )


def _xfrm(box: InchBox) -> str:
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
