"""Build the template of a deck for which the user brings none.

It is python-pptx's default presentation with another theme (colors, fonts), master and layouts. All styling is there:
slides only fill placeholders, so users can restyle the whole deck in PowerPoint's master view.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pptx import Presentation
from pptx.opc.oxml import serialize_part_xml
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.presentation import Presentation as PresentationObject
from pptx.slide import SlideLayout
from pptx.util import Inches

from seedx_tools.decks.ooxml.sheets import add_layout
from seedx_tools.decks.ooxml.styles import FOOTERS, placeholder_type
from seedx_tools.decks.text.languages.scripts import FACES
from seedx_tools.decks.theme.designs import DESIGNS, HEIGHT_INCHES, ColoredBox, Design, InchBox
from seedx_tools.decks.theme.layouts import LayoutSpec, PlaceholderSpec, deck_layouts, footer_boxes, level1_style
from seedx_tools.decks.theme.palettes import DeckTheme, Palette

DeckSize: TypeAlias = Literal["16:9", "4:3"]

WIDTH_INCHES: dict[DeckSize, float] = {"16:9": 13.333, "4:3": 10.0}

_QUIET = (
    f"<a:solidFill {nsdecls('a')}><a:schemeClr val='tx1'><a:lumMod val='65000'/><a:lumOff val='35000'/></a:schemeClr>"
    "</a:solidFill>"
)
"""The color of footers: softer than the text, but readable."""


def default_template(size: DeckSize, theme: DeckTheme = "paper") -> PresentationObject:
    """Return an empty presentation with a built-in theme at this size."""
    return themed_template(size, f"SeedX {theme}", DESIGNS[theme])


def themed_template(size: DeckSize, name: str, design: Design) -> PresentationObject:
    """Return an empty presentation with a theme of this name at this size."""
    deck = Presentation()
    width = WIDTH_INCHES[size]
    deck.slide_width, deck.slide_height = Inches(width), Inches(HEIGHT_INCHES)
    _set_theme(deck, name, design.palette)
    _set_master(deck, width, design)
    layouts = deck_layouts(width, design)
    for layout, wanted in zip(_with_layouts(deck, len(layouts)), layouts, strict=True):
        _set_layout(layout, wanted, design)
    return deck


def _with_layouts(deck: PresentationObject, count: int) -> list[SlideLayout]:
    """Return this many layouts of a deck, adding copies of the last or removing some."""
    master = deck.slide_master
    for layout in list(master.slide_layouts)[count:]:
        master.slide_layouts.remove(layout)
    while len(master.slide_layouts) < count:
        add_layout(master, master.slide_layouts[-1], "")
    return list(master.slide_layouts)


def _set_theme(deck: PresentationObject, name: str, palette: Palette) -> None:
    part = next(rel.target_part for rel in deck.slide_master.part.rels.values() if rel.reltype.endswith("/theme"))
    theme = parse_xml(part.blob)
    theme.set("name", name)
    for color, rgb in palette.colors.items():
        entry = theme.find(f".//{qn('a:clrScheme')}/{qn('a:' + color)}")
        for child in list(entry):
            entry.remove(child)
        entry.append(entry.makeelement(qn("a:srgbClr"), {"val": rgb}))
    for which, face in (("a:majorFont", palette.title_font), ("a:minorFont", palette.text_font)):
        theme.find(f".//{qn(which)}/{qn('a:latin')}").set("typeface", face)
        listed = {font.get("script"): font for font in theme.findall(f".//{qn(which)}/{qn('a:font')}")}
        for script, typeface in FACES.values():
            if script in listed:
                listed[script].set("typeface", typeface)
    part._blob = serialize_part_xml(theme)


def _set_master(deck: PresentationObject, width: float, design: Design) -> None:
    master: Any = deck.slide_master.element
    if design.palette.is_dark:
        for number in ("1", "2"):
            master.find(qn("p:clrMap")).set(f"bg{number}", f"dk{number}")
            master.find(qn("p:clrMap")).set(f"tx{number}", f"lt{number}")
    set_background(master, design.page)
    left, right = design.content(width)
    top = design.title_top
    places = {
        "title": (left, top, right - left, design.title_height if not design.panel else 1.1),
        "body": (left, design.body_top, right - left, design.body_bottom - design.body_top),
        **footer_boxes(design, left, right),
    }
    for shape in deck.slide_master.placeholders:
        kind = str(shape.element.find(f".//{qn('p:ph')}").get("type"))
        _place(shape, places[kind])
        properties = shape.element.find(f".//{qn('a:bodyPr')}")
        for name in ("lIns", "rIns"):
            properties.set(name, "0")
        if kind == "title":
            properties.set("anchor", design.title_anchor)
        if kind in FOOTERS:
            old = shape.element.find(f".//{qn('a:lvl1pPr')}/{qn('a:defRPr')}/{qn('a:solidFill')}")
            old.getparent().replace(old, parse_xml(_QUIET))
        if kind in ("ftr", "dt"):
            shape.element.find(f".//{qn('a:lvl1pPr')}").set("algn", "l" if kind == "ftr" else "r")
    tree = master.find(f".//{qn('p:spTree')}")
    for index, box in enumerate(design.page_shapes(width)):
        tree.insert(2 + index, shape_xml(90 + index, box))
    styles = master.find(qn("p:txStyles"))
    master.replace(styles, _text_styles(design))


def _place(shape: Any, box: InchBox) -> None:
    shape.left, shape.top, shape.width, shape.height = (Inches(value) for value in box)


def shape_xml(number: int, shape: ColoredBox) -> Any:
    """Return the element of a rectangle that decorates a master or layout."""
    return parse_xml(
        f"<p:sp {nsdecls('p', 'a')}><p:nvSpPr><p:cNvPr id='{number}' name='{shape.name}'/><p:cNvSpPr/>"
        f"<p:nvPr userDrawn='1'/></p:nvSpPr><p:spPr>{_xfrm(shape.box)}<a:prstGeom prst='rect'><a:avLst/></a:prstGeom>"
        f"<a:solidFill><a:schemeClr val='{shape.color}'/></a:solidFill><a:ln><a:noFill/></a:ln></p:spPr></p:sp>"
    )


def body_levels(points: float) -> list[Any]:
    """Return a:lvl1pPr to a:lvl5pPr of text whose first level has this size, with bullets."""
    sizes = [points, *(min(points, size) for size in (18.0, 16.0, 16.0, 16.0))]
    return [
        parse_xml(_level(number, size, 0.3 * (number - 1), before))
        for number, (size, before) in enumerate(zip(sizes, (1200, 600, 400, 400, 400), strict=True), start=1)
    ]


def _level(number: int, points: float, left: float, before: int) -> str:
    margin, hang = Inches(left + 0.28), Inches(0.28)
    return (
        f"<a:lvl{number}pPr {nsdecls('a')} marL='{margin}' indent='-{hang}' algn='l'><a:lnSpc><a:spcPct val='100000'/>"
        f"</a:lnSpc><a:spcBef><a:spcPts val='{before}'/></a:spcBef>"
        "<a:buClr><a:schemeClr val='accent1'/></a:buClr><a:buFont typeface='Arial'/><a:buChar char='&#8226;'/>"
        f"<a:defRPr sz='{round(points * 100)}' kern='1200'><a:solidFill><a:schemeClr val='tx1'/></a:solidFill>"
        "<a:latin typeface='+mn-lt'/><a:ea typeface='+mn-ea'/><a:cs typeface='+mn-cs'/></a:defRPr>"
        f"</a:lvl{number}pPr>"
    )


def _text_styles(design: Design) -> Any:
    """Return the p:txStyles of a master."""
    styles = parse_xml(
        f"<p:txStyles {nsdecls('p', 'a')}><p:titleStyle><a:lvl1pPr algn='l'><a:lnSpc><a:spcPct val='95000'/></a:lnSpc>"
        f"<a:spcBef><a:spcPct val='0'/></a:spcBef><a:buNone/><a:defRPr sz='{round(design.title_size * 100)}' "
        f"b='{int(design.title_bold)}' kern='1200'><a:solidFill>"
        "<a:schemeClr val='tx2'/></a:solidFill><a:latin typeface='+mj-lt'/><a:ea typeface='+mj-ea'/>"
        "<a:cs typeface='+mj-cs'/></a:defRPr></a:lvl1pPr></p:titleStyle><p:bodyStyle/>"
        "<p:otherStyle><a:lvl1pPr><a:defRPr sz='1800' kern='1200'><a:solidFill><a:schemeClr val='tx1'/></a:solidFill>"
        "<a:latin typeface='+mn-lt'/><a:ea typeface='+mn-ea'/><a:cs typeface='+mn-cs'/></a:defRPr></a:lvl1pPr>"
        "</p:otherStyle></p:txStyles>"
    )
    styles.find(qn("p:bodyStyle")).extend(body_levels(design.text_size))
    return styles


def _set_layout(layout: Any, wanted: LayoutSpec, design: Design) -> None:
    layout.name = wanted.name
    element = layout.element
    element.set("type", wanted.kind)
    element.set("userDrawn", "1")
    tree = element.find(f".//{qn('p:spTree')}")
    kept = FOOTERS if wanted.footer else ()
    for shape in list(tree)[2:]:
        ph = shape.find(f".//{qn('p:ph')}")
        if ph is None or ph.get("type") not in kept:
            tree.remove(shape)
    for shape in layout.placeholders:
        kind = str(placeholder_type(shape.element))
        if wanted.footer is not None:
            _place(shape, footer_boxes(design, *wanted.footer)[kind])
    for number, spec in enumerate(wanted.placeholders):
        index = 0 if "itle" in spec.kind and spec.kind != "subTitle" else 20 + number
        tree.insert(2 + number, placeholder_xml(20 + number, index, spec))
    if wanted.ground:
        set_background(element, wanted.ground)
    if wanted.shapes:
        element.set("showMasterSp", "0")
    for number, shape in enumerate(wanted.shapes):
        tree.insert(2 + number, shape_xml(90 + number, shape))


def placeholder_xml(number: int, index: int, spec: PlaceholderSpec) -> Any:
    """Return the element of a placeholder of a layout."""
    ph = f"<p:ph type='{spec.kind}'" + (f" idx='{index}'/>" if index else "/>")
    shape = "roundRect" if spec.kind == "pic" and spec.rounded else "rect"
    adjust = "<a:gd name='adj' fmla='val 3000'/>" if shape == "roundRect" else ""
    has_shape = spec.kind == "pic" or spec.fill
    geometry = f"<a:prstGeom prst='{shape}'><a:avLst>{adjust}</a:avLst></a:prstGeom>" if has_shape else ""
    color = "bg1" if spec.kind == "pic" else spec.fill
    fill = f"<a:solidFill><a:schemeClr val='{color}'/></a:solidFill>" if color else ""
    level1 = spec.level1 if spec.kind != "pic" else level1_style("", 14, "tx1", no_bullet=True)
    insets = ""
    if spec.insets is not None:
        names = ("lIns", "tIns", "rIns", "bIns")
        insets = " ".join(f"{name}='{Inches(value)}'" for name, value in zip(names, spec.insets, strict=True))
    return parse_xml(
        f"<p:sp {nsdecls('p', 'a')}><p:nvSpPr><p:cNvPr id='{number}' name='{spec.prompt} {number}'/><p:cNvSpPr>"
        f"<a:spLocks noGrp='1'/></p:cNvSpPr><p:nvPr>{ph}</p:nvPr></p:nvSpPr><p:spPr>{_xfrm(spec.box)}{geometry}{fill}"
        f"</p:spPr><p:txBody><a:bodyPr {insets} anchor='{spec.anchor}'><a:normAutofit/></a:bodyPr>"
        f"<a:lstStyle>{level1}</a:lstStyle><a:p><a:r><a:rPr lang='en-US'/><a:t>{spec.prompt}</a:t></a:r></a:p>"
        "</p:txBody></p:sp>"
    )


def _xfrm(box: InchBox) -> str:
    left, top, wide, high = (Inches(value) for value in box)
    return f"<a:xfrm><a:off x='{left}' y='{top}'/><a:ext cx='{wide}' cy='{high}'/></a:xfrm>"


def set_background(element: Any, color: str) -> None:
    """Give a master or layout a background in a scheme color."""
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
