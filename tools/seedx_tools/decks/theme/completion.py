"""Layouts for masters that have none: templates of Canva, Keynote or Google Slides whose layouts are blank.

Their slides get a real title and real text placeholders, which screen readers and the outline view rely on, on the
background and among the drawings of the template's own layout, in its fonts and colors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pptx.oxml.ns import qn
from pptx.slide import SlideLayout, SlideMaster

from seedx_tools.decks.ooxml.contrast import AA_NORMAL, contrast
from seedx_tools.decks.ooxml.layouts import LayoutSlots, slots_of
from seedx_tools.decks.ooxml.sheets import add_layout, copy_element
from seedx_tools.decks.ooxml.styles import color_map, placeholder_type, scheme_color
from seedx_tools.decks.shapes import slide_background
from seedx_tools.decks.text.fitting import MIN_POINTS
from seedx_tools.decks.theme.build import body_levels, placeholder_xml
from seedx_tools.decks.theme.designs import DESIGNS, HEIGHT_INCHES, InchBox
from seedx_tools.decks.theme.layouts import LayoutSpec, PlaceholderSpec, deck_layouts, footer_boxes, level1_style

_EMU_PER_INCH = 914_400
_PLAIN = replace(DESIGNS["ink"], title_anchor="b", footer_top=6.9)
"""The geometry of added layouts; colors, fonts and drawings are the template's."""
_ADDED = (
    "Title Slide",
    "Section",
    "Closing",
    "Title and Text",
    "Text and Picture",
    "Two Columns",
    "Comparison",
    "Quote",
    "Title Only",
)
_COVERS = ("Title Slide", "Section", "Closing")
_WIDE_PAGE = 1.5
_TEXTS = ("tx1", "bg1", "tx2", "bg2")
_NONE: InchBox = (0.0, 0.0, 0.0, 0.0)
_SWAPPED = {"tx1": "bg1", "bg1": "tx1", "tx2": "bg2", "bg2": "tx2"}


def complete_layouts(master: SlideMaster) -> str | None:
    """Add layouts to a master that has none with a title and points, and return a sentence that says so.

    Returns None for a master that has one, which stays as it is.
    """
    found = [slots_of(layout) for layout in master.slide_layouts]
    if any(slots.holds_points for slots in found):
        return None
    base = _plainest(found)
    covered = any(slots.title is not None and slots.role == "cover" for slots in found)
    specs = [spec for spec in _specs(master) if spec.name in _ADDED and not (covered and spec.name == "Title Slide")]
    for spec in specs:
        _fill(add_layout(master, base, spec.name), spec)
    return (
        "the template has no layout with a title and a body placeholder; "
        f"{len(specs)} were added to it, on the background of its layout '{base.name}'"
    )


def _plainest(found: Sequence[LayoutSlots]) -> SlideLayout:
    """Return the layout to put placeholders on: the one that has fewest, of equals the first."""
    return min((slots.layout for slots in found), key=lambda layout: len(list(layout.placeholders)))


def _specs(master: SlideMaster) -> list[LayoutSpec]:
    """Return layouts for the master's page, in inches of a page that is 7.5 inches high."""
    width, height = _page(master)
    return deck_layouts(13.333 if width > _WIDE_PAGE * height else 10.0, _PLAIN)


def _page(master: SlideMaster) -> tuple[int, int]:
    deck = master.part.package.presentation_part.presentation
    return int(deck.slide_width or 1), int(deck.slide_height or 1)


def _fill(layout: SlideLayout, spec: LayoutSpec) -> None:
    """Replace the placeholders of a layout by those of a specification, scaled to the page."""
    layout.element.set("type", spec.kind)
    for shape in list(layout.shapes):
        if placeholder_type(shape.element) is not None:
            shape.element.getparent().remove(shape.element)
    tree = layout.shapes._spTree
    number = max((int(found.get("id")) for found in tree.iter(qn("p:cNvPr"))), default=0) + 1
    specs = [*spec.placeholders, *_footers(spec)]
    color = _stand_out(layout)
    for offset, placed in enumerate(specs):
        index = 0 if placed.kind in ("title", "ctrTitle") else 20 + offset
        tree.append(_scaled(layout, placed, number + offset, index, color))


def _footers(spec: LayoutSpec) -> list[PlaceholderSpec]:
    """Return the footer and the slide number of a layout that has them."""
    if spec.footer is None:
        return []
    boxes = footer_boxes(_PLAIN, *spec.footer)
    return [
        PlaceholderSpec(
            kind, boxes[kind], kind, anchor="ctr", level1=level1_style("", 12, "tx1", align=align), insets=_NONE
        )
        for kind, align in (("ftr", "l"), ("sldNum", "r"))
    ]


def _scaled(layout: SlideLayout, spec: PlaceholderSpec, number: int, index: int, text: str) -> Any:
    """Return the element of a placeholder with its frame and type scaled to the page, in a color of this name."""
    width, height = _page(layout.slide_master)
    nominal = 13.333 if width > _WIDE_PAGE * height else 10.0
    across, down = width / _EMU_PER_INCH / nominal, height / _EMU_PER_INCH / HEIGHT_INCHES
    left, top, wide, high = spec.box
    box: InchBox = (left * across, top * down, wide * across, high * down)
    element = placeholder_xml(number, index, replace(spec, box=box))
    levels = element.find(f".//{qn('a:lstStyle')}")
    if spec.kind == "body" and "buNone" not in spec.level1:
        first = levels.find(f"{qn('a:lvl1pPr')}/{qn('a:defRPr')}").get("sz")
        levels.clear()
        levels.extend(body_levels(int(first) / 100))
    for size in levels.iter(qn("a:defRPr")):
        points = max(MIN_POINTS, int(size.get("sz", "1800")) / 100 * min(across, down))
        size.set("sz", str(round(points * 100)))
        for color in size.iter(qn("a:schemeClr")):
            color.set("val", text)
    return element


def _stand_out(layout: SlideLayout) -> str:
    """Return the scheme color of text on a layout; where the background is dark, it maps text to light colors."""
    grounds = slide_background(layout)
    if not grounds or _least_contrast(layout, "tx1", grounds) >= AA_NORMAL:
        return "tx1"
    if _least_contrast(layout, "bg1", grounds) >= AA_NORMAL:
        _swap_text_and_ground(layout)
        return "tx1"
    return max(_TEXTS, key=lambda name: _least_contrast(layout, name, grounds))


def _least_contrast(layout: SlideLayout, name: str, grounds: Sequence[str]) -> float:
    return min(contrast(scheme_color(layout, name), ground) for ground in grounds)


def _swap_text_and_ground(layout: SlideLayout) -> None:
    """Map text colors to what was the background's, and the reverse, while all that is drawn keeps its color."""
    mapping = color_map(layout)
    slide = layout.element.find(qn("p:cSld"))
    inherited = layout.slide_master.element.find(f"{qn('p:cSld')}/{qn('p:bg')}")
    if slide.find(qn("p:bg")) is None and inherited is not None:
        slide.insert(0, copy_element(inherited, layout.slide_master.part, layout.part))
    for color in slide.iter(qn("a:schemeClr")):
        color.set("val", _SWAPPED.get(color.get("val"), color.get("val")))
    swapped = {name: mapping.get(_SWAPPED.get(name, name), name) for name in mapping}
    override = layout.element.find(qn("p:clrMapOvr"))
    if override is None:
        override = layout.element.makeelement(qn("p:clrMapOvr"), {})
        slide.addnext(override)
    for child in list(override):
        override.remove(child)
    override.append(override.makeelement(qn("a:overrideClrMapping"), swapped))
