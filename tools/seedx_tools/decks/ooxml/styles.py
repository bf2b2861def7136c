"""Resolve the effective style of shapes, including everything they inherit.

A placeholder's text inherits from the layout's placeholder, the master's placeholder, the master's text styles and
the presentation's defaults, property by property (ECMA-376 part 1, 19.3.1 and 21.1.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

from PIL import ImageColor
from pptx.opc.constants import RELATIONSHIP_TYPE as RELATION
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.oxml.ns import qn as composed_qn
from pptx.slide import Slide, SlideLayout, SlideMaster

from seedx_tools.decks.ooxml.contrast import contrast, to_linear, to_srgb

DEFAULT_FAMILY = "Arial"
MONOSPACED = "Courier New"
"""The face of code: on Windows, macOS, and in LibreOffice by a metric-compatible font."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TextStyle:
    """The effective style of a paragraph. Lengths are in points."""

    size: float
    family: str
    """The typeface, with theme references resolved."""
    bold: bool
    color: str
    """RRGGBB."""
    align: Literal["l", "ctr", "r"]
    margin: float
    """From the box's inner edge to the text."""
    indent: float
    """From the margin to the bullet or the first line: usually negative."""
    bullet: str
    """The bullet character, or an empty string."""
    bullet_color: str
    space_before: float
    line_spacing: float
    """A multiple of LINE_HEIGHT."""
    rtl: bool
    """Whether the paragraph runs right to left: its margin and bullet are then on the right."""


qn = cache(composed_qn)  # it is called for each attribute that is looked up, and composes the name anew
EMU_PER_POINT = 12_700
EMU_PER_INCH = 914_400
TITLES = ("title", "ctrTitle")
"""The kinds of title placeholders, as placeholder_type returns them."""
FOOTERS = ("dt", "ftr", "sldNum")
"""The kinds of placeholders at the bottom of slides: date, footer and slide number."""
_OWN_STYLE = ("dt", "ftr", "hdr", "sldImg", "sldNum")
_DEFAULT_INSETS = {"lIns": 91440, "tIns": 45720, "rIns": 91440, "bIns": 45720}
_NO_TEXT_COLOR = "000000"
_RGB = re.compile(r"[0-9A-Fa-f]{6}")
_SYSTEM_COLORS = {"windowText": "000000", "window": "FFFFFF"}
_LONG_NAMES = {"dk": "dark", "lt": "light", "med": "medium"}
_SHORT_NAME = re.compile(r"^(dk|lt|med)(?=[A-Z])")


def layout_of(sheet: Slide | SlideLayout) -> SlideLayout:
    """Return the layout of a slide; a layout itself. Faster than python-pptx, which sorts all relations each time."""
    if isinstance(sheet, SlideLayout):
        return sheet
    layout: SlideLayout = _related(sheet, RELATION.SLIDE_LAYOUT).slide_layout
    return layout


def master_of(sheet: Slide | SlideLayout) -> SlideMaster:
    """Return the master of a slide or layout, as fast."""
    master: SlideMaster = _related(layout_of(sheet), RELATION.SLIDE_MASTER).slide_master
    return master


def _related(sheet: Slide | SlideLayout, relation_type: str) -> Any:
    relations = sheet.part.rels
    return next(relations[key].target_part for key in relations if relations[key].reltype == relation_type)


def placeholder_type(element: Any) -> str | None:
    """Return the ph type of a shape's element ("title", "body", "pic", "obj", ...); None if not a placeholder."""
    ph = _ph(element)
    return None if ph is None else str(ph.get("type", "obj"))


def inherited(sheet: Slide | SlideLayout, element: Any) -> Iterator[Any]:
    """Yield the element of a shape on a slide or layout, then the placeholders that it inherits from, layout first."""
    yield element
    ph = _ph(element)
    if ph is None:
        return
    kind = ph.get("type", "obj")
    layout = layout_of(sheet)
    if layout is not sheet:
        on_layout = _find(layout, lambda other: other.get("idx", "0") == ph.get("idx", "0"))
        if on_layout is not None:
            yield on_layout
            kind = _ph(on_layout).get("type", "obj")
    wanted = "title" if kind in TITLES else kind if kind in _OWN_STYLE else "body"
    on_master = _find(master_of(layout), lambda other: other.get("type", "obj") == wanted)
    if on_master is not None:
        yield on_master


def body_property(slide: Slide, element: Any, name: str, default: str) -> str:
    """Return a bodyPr attribute of a shape ("anchor", "lIns", ...), its own or inherited."""
    found = _first_attribute(_body_sources(slide, element), name)
    return default if found is None else found


def _body_sources(slide: Slide, element: Any) -> list[Any]:
    bodies = (source.find(f".//{qn('a:bodyPr')}") for source in inherited(slide, element))
    return [body for body in bodies if body is not None]


def insets(slide: Slide, element: Any) -> tuple[float, float, float, float]:
    """Return the margins inside a text box, in points: left, top, right, bottom."""
    bodies = _body_sources(slide, element)
    left, top, right, bottom = (
        int(_first_attribute(bodies, name) or value) / EMU_PER_POINT for name, value in _DEFAULT_INSETS.items()
    )
    return left, top, right, bottom


def text_style(slide: Slide, element: Any, paragraph: Any, level: int, run: Any = None) -> TextStyle:
    """Return the effective style of a paragraph of a shape, or of one of its runs.

    Args:
        slide: The slide that the shape is on.
        element: The shape's element.
        paragraph: Its a:p element; None if it is not written yet.
        level: The paragraph's level, from 0.
        run: The a:r or a:fld element of one run; None: the first.
    """
    ancestry = list(inherited(slide, element))
    kind = placeholder_type(ancestry[-1])
    sources = list(_paragraph_sources(slide, ancestry, kind, paragraph, level))
    runs = list(_run_sources(sources, paragraph if run is None else run))
    size = float(_first_attribute(runs, "sz") or 1800) / 100
    color = next((fill for fill in (run.find(qn("a:solidFill")) for run in runs) if fill is not None), None)
    reference = element.find(f"{qn('p:style')}/{qn('a:fontRef')}")
    if reference is not None and len(reference) and (color is None or element not in color.iterancestors()):
        color = reference  # a drawn shape's own style counts before the master's
    text_color = _NO_TEXT_COLOR if color is None else resolve_color(slide, color)
    bullet, bullet_color = _bullet(slide, sources, text_color)
    number = None if paragraph is None else auto_number(paragraph)
    align = _first_attribute(sources, "algn") or "l"
    spacing = _spacing(sources, "a:lnSpc", size)
    return TextStyle(
        size=size,
        family=_family(slide, runs, is_title=kind in TITLES),
        bold=_first_attribute(runs, "b") in ("1", "true"),
        color=text_color,
        align=_align(align),
        margin=int(_first_attribute(sources, "marL") or 0) / EMU_PER_POINT,
        indent=int(_first_attribute(sources, "indent") or 0) / EMU_PER_POINT,
        bullet=bullet if number is None else f"{number}.",
        bullet_color=bullet_color,
        space_before=_spacing(sources, "a:spcBef", size) or 0.0,
        line_spacing=1.0 if spacing is None else spacing / size,
        rtl=_first_attribute(sources, "rtl") in ("1", "true"),
    )


def level_of(paragraph: Any) -> int:
    """Return the level of a paragraph (a:p), from 0; python-pptx's own getter would add an element to the XML."""
    properties = paragraph.find(qn("a:pPr"))
    return 0 if properties is None else int(properties.get("lvl", "0"))


def auto_number(paragraph: Any) -> int | None:
    """Return the number of a paragraph (a:p) in a numbered list; None for any other paragraph."""
    numbering, level = _numbering(paragraph)
    if numbering is None:
        return None
    before = 0
    for sibling in paragraph.itersiblings(paragraph.tag, preceding=True):
        other, depth = _numbering(sibling)
        if depth > level:
            continue
        if depth < level or other is None or other.attrib != numbering.attrib:
            break
        before += 1
    return int(numbering.get("startAt", "1")) + before


def _numbering(paragraph: Any) -> tuple[Any, int]:
    properties = paragraph.find(qn("a:pPr"))
    if properties is None:
        return None, 0
    return properties.find(qn("a:buAutoNum")), int(properties.get("lvl", "0"))


def resolve_color(slide: Slide | SlideLayout, fill: Any) -> str:
    """Return RRGGBB of a solid fill; theme colors are resolved by the master's color map and the theme."""
    color = next(iter(fill), None)
    if color is None:
        return _NO_TEXT_COLOR
    is_named = color.tag == qn("a:schemeClr")
    return _modify(_theme_color(slide, str(color.get("val"))) if is_named else _own_color(color), color)


def scheme_color(slide: Slide | SlideLayout, name: str) -> str:
    """Return RRGGBB of a scheme color ("tx1", "accent1") on a slide or layout."""
    return resolve_color(slide, parse_xml(f"<a:solidFill {nsdecls('a')}><a:schemeClr val='{name}'/></a:solidFill>"))


def _family(slide: Slide, runs: list[Any], *, is_title: bool) -> str:
    """Return the Latin typeface; the theme's "+mj-lt" and "+mn-lt" are resolved."""
    named = next((found for found in (run.find(qn("a:latin")) for run in runs) if found is not None), None)
    face = ("+mj-lt" if is_title else "+mn-lt") if named is None else str(named.get("typeface"))
    if not face.startswith("+"):
        return face
    theme = theme_xml(slide)
    return DEFAULT_FAMILY if theme is None else _theme_fonts(theme).get(face[:3], DEFAULT_FAMILY)


def _ph(element: Any) -> Any:
    return element.find(f"./*/{qn('p:nvPr')}/{qn('p:ph')}")


def _find(sheet: Any, matches: Callable[[Any], bool]) -> Any:
    """Return the element of the first placeholder of a layout or master whose ph matches."""
    for ph in sheet.element.iter(qn("p:ph")):
        if matches(ph):
            return ph.getparent().getparent().getparent()
    return None


def _paragraph_sources(
    slide: Slide, ancestry: Sequence[Any], kind: str | None, paragraph: Any, level: int
) -> Iterator[Any]:
    tag = qn(f"a:lvl{level + 1}pPr")
    own = None if paragraph is None else paragraph.find(qn("a:pPr"))
    if own is not None:
        yield own
    for source in ancestry:
        found = source.find(f".//{qn('a:lstStyle')}/{tag}")
        if found is not None:
            yield found
    master = master_of(slide)
    family = (
        "p:otherStyle" if kind is None or kind in _OWN_STYLE else "p:titleStyle" if kind in TITLES else "p:bodyStyle"
    )
    found = master.element.find(f"{qn('p:txStyles')}/{qn(family)}/{tag}")
    if found is not None:
        yield found
    defaults = slide.part.package.presentation_part._element.find(f"{qn('p:defaultTextStyle')}/{tag}")
    if defaults is not None:
        yield defaults


def _run_sources(sources: list[Any], paragraph: Any) -> Iterator[Any]:
    run = None if paragraph is None else paragraph.find(f".//{qn('a:rPr')}")
    if run is not None:
        yield run
    for source in sources:
        properties = source.find(qn("a:defRPr"))
        if properties is not None:
            yield properties


def _first_attribute(sources: list[Any], name: str) -> str | None:
    return next((str(source.get(name)) for source in sources if name in source.attrib), None)


def _align(value: str) -> Literal["l", "ctr", "r"]:
    return "ctr" if value == "ctr" else "r" if value == "r" else "l"


def _bullet(slide: Slide, sources: list[Any], text_color: str) -> tuple[str, str]:
    colored = next((found for found in (source.find(qn("a:buClr")) for source in sources) if found is not None), None)
    color = text_color if colored is None else resolve_color(slide, colored)
    for source in sources:
        if source.find(qn("a:buNone")) is not None:
            return "", color
        character = source.find(qn("a:buChar"))
        if character is not None:
            return str(character.get("char")), color
    return "", color


def _spacing(sources: list[Any], tag: str, size: float) -> float | None:
    """Return a spacing in points; percentages are of the font size."""
    for source in sources:
        spacing = source.find(qn(tag))
        if spacing is not None and len(spacing):
            value = int(str(spacing[0].get("val")).rstrip("%"))
            return value / 100 if spacing[0].tag == qn("a:spcPts") else value / 100000 * size
    return None


def _theme_color(slide: Slide | SlideLayout, name: str) -> str:
    mapped = color_map(slide).get(name, name)
    theme = theme_xml(slide)
    return _NO_TEXT_COLOR if theme is None else _theme_colors(theme).get(mapped, _NO_TEXT_COLOR)


def theme_typefaces(sheet: Slide | SlideLayout) -> tuple[str, ...]:
    """Return the Latin typefaces of titles and of text of a sheet's theme, each once; empty if it names none."""
    theme = theme_xml(sheet)
    return () if theme is None else tuple(dict.fromkeys(_theme_fonts(theme).values()))


def color_map(sheet: Slide | SlideLayout) -> Mapping[str, str]:
    """Return the theme color ("dk1") of each mapped name ("tx1"), as a slide, its layout or its master says."""
    layout = layout_of(sheet)
    own = (one.element.find(f"{qn('p:clrMapOvr')}/{qn('a:overrideClrMapping')}") for one in (sheet, layout))
    override = next((found for found in own if found is not None), None)
    found = master_of(sheet).element.find(qn("p:clrMap")) if override is None else override
    return {} if found is None else {str(name): str(value) for name, value in found.attrib.items()}


def theme_xml(slide: Slide | SlideLayout) -> bytes | None:
    """Return the theme part of a slide or layout; None if it has none."""
    for relation in master_of(slide).part.rels.values():
        if relation.reltype.endswith("/theme"):
            return bytes(relation.target_part.blob)
    return None


@lru_cache(maxsize=8)
def _theme_fonts(theme: bytes) -> Mapping[str, str]:
    """Return the Latin typefaces of a theme part: "+mj" for titles and "+mn" for text."""
    scheme: Any = parse_xml(theme).find(f".//{qn('a:fontScheme')}")
    faces = {}
    for short, name in (("+mj", "a:majorFont"), ("+mn", "a:minorFont")):
        latin = None if scheme is None else scheme.find(f"{qn(name)}/{qn('a:latin')}")
        if latin is not None and latin.get("typeface"):
            faces[short] = str(latin.get("typeface"))
    return faces


@lru_cache(maxsize=8)
def _theme_colors(theme: bytes) -> Mapping[str, str]:
    """Return RRGGBB of each color of a theme part by name ("dk1", "accent1")."""
    scheme: Any = parse_xml(theme).find(f".//{qn('a:clrScheme')}")
    named = {entry.tag.split("}")[1]: entry[0] for entry in (scheme if scheme is not None else ()) if len(entry)}
    return {name: _own_color(color) for name, color in named.items()}


def _own_color(color: Any) -> str:
    """Return RRGGBB of a color that is not a theme color; black for an unsupported kind."""
    value = str(color.get("val"))
    found = ""
    if color.tag == qn("a:srgbClr"):
        found = value
    elif color.tag == qn("a:sysClr"):
        found = str(color.get("lastClr", _SYSTEM_COLORS.get(value)))
    elif color.tag == qn("a:prstClr"):
        found = _preset_color(value)
    return found if _RGB.fullmatch(found) else _NO_TEXT_COLOR


def _preset_color(name: str) -> str:
    """Return RRGGBB of a CSS color name with "dk", "lt" and "med" for "dark", "light" and "medium"."""
    try:
        red, green, blue = ImageColor.getrgb(_SHORT_NAME.sub(lambda found: _LONG_NAMES[found[0]], name))[:3]
    except ValueError:
        return ""
    return f"{red:02X}{green:02X}{blue:02X}"


def _modify(rgb: str, color: Any) -> str:
    """Return the color after lumMod and lumOff (on each channel) and tint and shade (on linear values)."""
    channels = [int(rgb[index : index + 2], 16) / 255 for index in (0, 2, 4)]
    for change in color:
        share = int(str(change.get("val", "100000")).rstrip("%")) / 100000
        if change.tag == qn("a:lumMod"):
            channels = [value * share for value in channels]
        elif change.tag == qn("a:lumOff"):
            channels = [value + share for value in channels]
        elif change.tag == qn("a:shade"):
            channels = [to_srgb(to_linear(value) * share) for value in channels]
        elif change.tag == qn("a:tint"):
            channels = [to_srgb(1 - (1 - to_linear(value)) * share) for value in channels]
        channels = [min(1.0, max(0.0, value)) for value in channels]
    return "".join(f"{round(value * 255):02X}" for value in channels)


def soft_line(slide: Slide) -> str:
    """Return the changes (a:lumMod, a:lumOff) that make the color of text that of rules, which guide and don't shout.

    They are no transparency, which some programs do not show in tables and charts.
    """
    is_dark = contrast(scheme_color(slide, "tx1"), "FFFFFF") > 4.5
    return f"<a:lumMod val='{20000 if is_dark else 45000}'/>" + ("<a:lumOff val='80000'/>" if is_dark else "")
