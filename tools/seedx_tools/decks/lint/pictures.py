"""Pictures that are stretched or blurred, and charts that cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pptx.oxml.ns import qn

from seedx_tools.decks.lint.findings import Fault
from seedx_tools.decks.lint.page import Item, Page

MIN_PPI = 72
"""Pixels per inch under which a picture looks blurred on a screen."""

MAX_SLICES = 7
"""More slices of a pie cannot be compared or told apart by color."""

_MAX_STRETCH = 0.04
_PIES = ("c:pieChart", "c:pie3DChart", "c:doughnutChart", "c:ofPieChart")


def picture_faults(page: Page) -> Iterator[Fault]:
    """Yield stretched and blurred pictures, and pies with many slices."""
    for item in page.items:
        if item.placed.kind == "picture":
            yield from _shown_pixels(item)
        elif item.placed.kind == "chart":
            yield from _slices(item)


def _shown_pixels(item: Item) -> Iterator[Fault]:
    shape: Any = item.placed.shape
    pixels = num_pixels(shape)
    if pixels is None:
        return
    left, top, right, bottom = item.placed.area
    shown = right - left, bottom - top
    visible = (
        pixels[0] * (1 - shape.crop_left - shape.crop_right),
        pixels[1] * (1 - shape.crop_top - shape.crop_bottom),
    )
    if min(*shown, *visible) <= 0:
        return
    stretch = shown[0] / shown[1] / (visible[0] / visible[1])
    if max(stretch, 1 / stretch) > 1 + _MAX_STRETCH:
        way = "wide" if stretch > 1 else "high"
        yield Fault(
            "stretched_picture",
            item.name,
            f"the picture is shown {max(stretch, 1 / stretch):.2f} times too {way} for its pixels; reset its size or "
            "crop it",
        )
    resolution = max(visible[0] / shown[0], visible[1] / shown[1]) * 72
    if resolution < MIN_PPI - 0.5:
        yield Fault(
            "blurred_picture",
            item.name,
            f"the picture has {resolution:.0f} pixels per inch, which looks blurred; show it smaller or use a larger "
            f"one (at least {MIN_PPI})",
        )


def num_pixels(shape: Any) -> tuple[int, int] | None:
    """Return the width and height of a picture; None for a drawing, or a file that is not in the deck."""
    blip = shape.element.find(f".//{qn('a:blip')}")
    fill = shape.element.find(qn("p:blipFill"))
    is_drawing = blip is not None and any(element.tag.endswith("}svgBlip") for element in blip.iter())
    is_tiled = fill is not None and fill.find(qn("a:tile")) is not None
    if is_drawing or is_tiled:
        return None
    try:
        width, height = shape.image.size
    except Exception:  # linked, in a format such as EMF, or damaged, for which decoders raise many kinds
        return None
    return int(width), int(height)


def _slices(item: Item) -> Iterator[Fault]:
    space = item.placed.shape.chart._chartSpace
    for pie in (found for tag in _PIES for found in space.iter(qn(tag))):
        rings = [ring.findall(f"{qn('c:val')}//{qn('c:pt')}/{qn('c:v')}") for ring in pie.findall(qn("c:ser"))]
        count = max((sum(_is_shown(value.text) for value in values) for values in rings), default=0)
        if count > MAX_SLICES:
            yield Fault(
                "many_slices",
                item.name,
                f"the pie has {count} slices; keep at most {MAX_SLICES}, put small ones together or use bars",
            )


def _is_shown(value: str | None) -> bool:
    try:
        return float(value or 0) != 0
    except ValueError:
        return False
