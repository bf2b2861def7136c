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

from seedx_tools.decks.ooxml.layouts import LayoutSlots, slots_of
from seedx_tools.decks.ooxml.sheets import add_layout
from seedx_tools.decks.ooxml.styles import EMU_PER_INCH, TITLES, placeholder_type
from seedx_tools.decks.text.fitting import MIN_POINTS
from seedx_tools.decks.theme.build import body_levels, placeholder_xml
from seedx_tools.decks.theme.designs import DESIGNS, HEIGHT_INCHES, InchBox
from seedx_tools.decks.theme.layouts import LayoutSpec, PlaceholderSpec, deck_layouts, footer_boxes, level1_style
from seedx_tools.decks.theme.legibility import text_color

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
_NONE: InchBox = (0.0, 0.0, 0.0, 0.0)
_FLUSH: InchBox = (0.0, 0.05, 0.0, 0.05)
"""Text starts where tables and pictures do."""
_TITLE = level1_style("", _PLAIN.title_size, "tx1")


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
    color = text_color(layout)
    for offset, placed in enumerate(specs):
        index = 0 if placed.kind in TITLES else 20 + offset
        tree.append(_scaled(layout, placed, number + offset, index, color))


def _footers(spec: LayoutSpec) -> list[PlaceholderSpec]:
    """Return the footer and the slide number of a layout that has them."""
    if spec.footer is None:
        return []
    boxes = footer_boxes(_PLAIN, *spec.footer)
    return [
        PlaceholderSpec(
            kind, boxes[kind], prompt, anchor="ctr", level1=level1_style("", 12, "tx1", align=align), insets=_NONE
        )
        for kind, prompt, align in (("ftr", "Footer", "l"), ("sldNum", "\u2039#\u203a", "r"))
    ]


def _scaled(layout: SlideLayout, spec: PlaceholderSpec, number: int, index: int, text: str) -> Any:
    """Return the element of a placeholder with its frame and type scaled to the page, in a color of this name."""
    width, height = _page(layout.slide_master)
    nominal = 13.333 if width > _WIDE_PAGE * height else 10.0
    across, down = width / EMU_PER_INCH / nominal, height / EMU_PER_INCH / HEIGHT_INCHES
    left, top, wide, high = spec.box
    box: InchBox = (left * across, top * down, wide * across, high * down)
    element = placeholder_xml(
        number, index, replace(spec, box=box, insets=spec.insets or _FLUSH, level1=spec.level1 or _TITLE)
    )
    levels = element.find(f".//{qn('a:lstStyle')}")
    if spec.kind == "body" and "buNone" not in spec.level1:
        first = levels.find(f"{qn('a:lvl1pPr')}/{qn('a:defRPr')}").get("sz")
        levels.clear()
        levels.extend(body_levels(int(first) / 100))
    for level in levels:
        level.set("algn", level.get("algn", "l"))
    for size in levels.iter(qn("a:defRPr")):
        points = max(MIN_POINTS, int(size.get("sz", "1800")) / 100 * min(across, down))
        size.set("sz", str(round(points * 100)))
        for color in size.iter(qn("a:schemeClr")):
            color.set("val", text)
    return element
