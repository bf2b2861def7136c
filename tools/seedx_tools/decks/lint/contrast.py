"""Text that does not stand out from what lies under it: panels, pictures, the template's design, the background."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image
from pptx.oxml.ns import qn

from seedx_sdk.imaging import ALLOWED_FORMATS
from seedx_tools.decks.lint.findings import Fault
from seedx_tools.decks.lint.page import Item, Page, share_within
from seedx_tools.decks.lint.text import from_template, quoted
from seedx_tools.decks.ooxml.contrast import contrast, least_contrast
from seedx_tools.decks.shapes import Run, slide_background
from seedx_tools.decks.text.shapes import PointRect

_MAX_LOST = 0.2
"""The share of a picture under text that may lack contrast: letters are read around a few spots."""
_SAMPLES = (48, 16)
"""Pixels of a picture that are looked at under a text, across and down."""
_WHOLE = 0.98
_PART = 0.2
"""A shape under less of a text is not its ground."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What is behind a text, or behind a part of it."""

    colors: tuple[str, ...]
    """RRGGBB; several for a picture."""
    picture: str = ""
    """The picture's name."""


def contrast_faults(page: Page) -> Iterator[Fault]:
    """Yield text whose contrast is below level AA of the Web Content Accessibility Guidelines."""
    for index, item in enumerate(page.items):
        if not item.runs:
            continue
        grounds = grounds_under(page, index)
        pale: dict[tuple[str, Ground], Run] = {}
        for run in item.runs:
            for ground in [Ground((run.ground,))] if run.ground else grounds:
                if not is_readable(run, ground):
                    pale.setdefault((run.color, ground), run)
        for (color, ground), run in pale.items():
            from_layout = from_template(item, "solidFill") and not ground.picture
            yield Fault(
                "low_contrast",
                item.name,
                _message(run, ground),
                f"{item.role} {color} {ground.colors}" if from_layout else "",
            )


def is_readable(run: Run, ground: Ground) -> bool:
    """Return whether a run stands out from a ground, apart from a few spots of a picture."""
    return _lost(run, ground) <= (_MAX_LOST if ground.picture else 0)


def _lost(run: Run, ground: Ground) -> float:
    """Return the share of a ground on which a run lacks contrast."""
    least = least_contrast(run.size, bold=run.bold) - 0.005
    return sum(contrast(run.color, color) < least for color in ground.colors) / len(ground.colors)


def _message(run: Run, ground: Ground) -> str:
    least = f"{least_contrast(run.size, bold=run.bold):.1f} (WCAG AA)"
    if ground.picture:
        return (
            f"{quoted(run.text)} is #{run.color} on '{ground.picture}', and {_lost(run, ground):.0%} of the picture "
            f"under it is below the contrast of {least}; put a panel between the two or change the color"
        )
    (color,) = ground.colors
    return (
        f"{quoted(run.text)} is #{run.color} on #{color}: contrast {contrast(run.color, color):.1f}, but text of this "
        f"size needs {least}"
    )


def grounds_under(page: Page, index: int) -> list[Ground]:
    """Return what is behind the text of a shape, from front to back down to what is behind all of it."""
    item = page.items[index]
    ink = item.ink or item.area
    veils: list[tuple[str, float]] = []
    found: list[Ground] = []
    for layer in (item, *reversed(page.items[:index]), *reversed(page.backdrop)):
        share = 1.0 if layer is item else share_within(ink, layer.area)
        if share < _PART:
            continue
        if layer.placed.kind == "picture":
            colors = _pixels_under(layer, ink)
            if colors is None:
                return found
            found.append(Ground(_veiled(colors, veils), layer.name))
        elif layer.fill is None:
            continue
        elif layer.fill.opacity < 1:
            if share >= _WHOLE and layer.fill.colors:
                veils.append((layer.fill.colors[0], layer.fill.opacity))
            continue
        else:
            found += [Ground(_veiled((color,), veils)) for color in layer.fill.colors]
        if share >= _WHOLE:
            return found
    picture = _background_picture(page)
    if picture is not None:
        colors = _sampled(picture, ink, (0.0, 0.0, page.width, page.height))
        return [*found, Ground(_veiled(colors, veils), "the background")]
    return [*found, *(Ground(_veiled((color,), veils)) for color in slide_background(page.slide))]


def _veiled(colors: Sequence[str], veils: Sequence[tuple[str, float]]) -> tuple[str, ...]:
    """Return colors as they look under half-transparent layers, given from front to back."""
    for veil, opacity in reversed(veils):
        colors = [
            "".join(
                f"{round(int(veil[i : i + 2], 16) * opacity + int(color[i : i + 2], 16) * (1 - opacity)):02X}"
                for i in (0, 2, 4)
            )
            for color in colors
        ]
    return tuple(colors)


def _pixels_under(item: Item, ink: PointRect) -> tuple[str, ...] | None:
    """Return colors of a picture under a text; None if it cannot be decoded."""
    shape: Any = item.placed.shape
    try:
        image = _decoded(shape.image.blob)
    except (AttributeError, KeyError, ValueError):  # linked
        return None
    if image is None:
        return None
    cut = (
        round(image.width * max(0.0, shape.crop_left)),
        round(image.height * max(0.0, shape.crop_top)),
        round(image.width * (1 - max(0.0, shape.crop_right))),
        round(image.height * (1 - max(0.0, shape.crop_bottom))),
    )
    return _sampled(image.crop(cut), ink, item.area)


def _sampled(image: Image.Image, ink: PointRect, area: PointRect) -> tuple[str, ...]:
    """Return colors of the part of an image, which is shown in an area, that lies under a text."""
    across, down = image.width / (area[2] - area[0]), image.height / (area[3] - area[1])
    box = (
        max(0.0, (ink[0] - area[0]) * across),
        max(0.0, (ink[1] - area[1]) * down),
        min(float(image.width), (ink[2] - area[0]) * across),
        min(float(image.height), (ink[3] - area[1]) * down),
    )
    part = image.resize(_SAMPLES, Image.Resampling.NEAREST, box=box)
    data = part.tobytes()
    return tuple(data[index : index + 3].hex().upper() for index in range(0, len(data), 3))


def _decoded(blob: bytes) -> Image.Image | None:
    """Return an image as RGB, on white where it is transparent; None if it is damaged or in a format such as EMF."""
    try:
        with Image.open(io.BytesIO(blob), formats=ALLOWED_FORMATS) as opened:
            image = opened.convert("RGBA")
    except Exception:  # decoders of damaged files raise many kinds
        return None
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _background_picture(page: Page) -> Image.Image | None:
    """Return the picture that fills the slide's background; None if a color does."""
    layout = page.slide.slide_layout
    for sheet in (page.slide, layout, layout.slide_master):
        background = sheet.element.find(f"{qn('p:cSld')}/{qn('p:bg')}")
        if background is None:
            continue
        blip = background.find(f"{qn('p:bgPr')}/{qn('a:blipFill')}/{qn('a:blip')}")
        target = None if blip is None else blip.get(qn("r:embed"))
        return None if target is None else _decoded(sheet.part.related_part(target).blob)
    return None
