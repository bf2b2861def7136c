"""Text that stands out from the background of a layout, whatever a template maps text to."""

from __future__ import annotations

from collections.abc import Sequence

from pptx.oxml.ns import qn
from pptx.slide import SlideLayout

from seedx_tools.decks.ooxml.contrast import AA_NORMAL, contrast
from seedx_tools.decks.ooxml.sheets import copy_element
from seedx_tools.decks.ooxml.styles import color_map, placeholder_type, scheme_color
from seedx_tools.decks.shapes import slide_background

_TEXTS = ("tx1", "bg1", "tx2", "bg2")
_SWAPPED = {"tx1": "bg1", "bg1": "tx1", "tx2": "bg2", "bg2": "tx2"}


def text_color(layout: SlideLayout) -> str:
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
    drawn = [child for child in layout.shapes._spTree if placeholder_type(child) is None]
    for found in (*slide.findall(qn("p:bg")), *drawn):
        for color in found.iter(qn("a:schemeClr")):
            color.set("val", _SWAPPED.get(color.get("val"), color.get("val")))
    swapped = {name: mapping.get(_SWAPPED.get(name, name), name) for name in mapping}
    override = layout.element.find(qn("p:clrMapOvr"))
    if override is None:
        override = layout.element.makeelement(qn("p:clrMapOvr"), {})
        slide.addnext(override)
    for child in list(override):
        override.remove(child)
    override.append(override.makeelement(qn("a:overrideClrMapping"), swapped))
