"""Keeping what an edit does not name: the source image stays wherever the model's own plan changes nothing.

A model that plans its edits first lists the objects of the source image, with an empty box after each one that the
instruction means, and then the objects of the edited image with their boxes. The plan says which objects stay; where
an object was removed from, which it does not say, the two images differ.

Shapes: H x W pixels of the grid.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter

from seedx_sdk.tokens import BOX_START, box_to_normalized, clean_text, parse_boxes

__all__ = ["EditPlan", "blend_edit"]

_Box = tuple[float, float, float, float]
_Mask = npt.NDArray[np.bool_]

_ITEM = re.compile(r"(?=\b\d+: )")
_GRID_PX = 128
"""Longer side of the grid on which the change is worked out; the numbers of pixels below are pixels of this grid."""
_DIFFERENCE = 12.0
"""Mean difference of the channels (0..255) from which a pixel counts as changed: four times the root mean square error
of seed-x-nano on the background that it keeps (38.6 dB, before blending)."""
_MARGIN_PX = 2
"""Boxes are widened by this much: they are written in steps of about as many pixels."""
_CORE_PX = 3
"""A changed area that has no room for a square of twice this side is the rim of an object that stays, or a speck."""
_WHOLE_IMAGE = 0.4
"""An edit that changes more than this fraction of what its plan leaves alone is one of the whole image: a new
background changes half of the page at least, a large object that is removed a quarter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EditPlan:
    """What the model wrote before it drew an edited image."""

    kept: tuple[str, ...] = ()
    """Names of the source image's objects that the instruction does not mean."""
    meant: tuple[str, ...] = ()
    """Names of those that it means."""
    layout: tuple[tuple[str, _Box], ...] = ()
    """Names and boxes (x0, y0, x1, y1 as fractions) of the edited image's objects."""

    @classmethod
    def parse(cls, written: str) -> EditPlan:
        """Return the plan in a text with its box tokens; an empty plan if it holds none."""
        kept: list[str] = []
        meant: list[str] = []
        layout: list[tuple[str, _Box]] = []
        for item in _ITEM.split(written)[1:]:
            name = clean_text(item.split("<")[0]).partition(": ")[2].strip()
            boxes = parse_boxes(item.replace(" ", ""))
            if boxes:
                layout.append((name, box_to_normalized(boxes[0])))
            elif not layout:
                (meant if BOX_START in item else kept).append(name)
        return cls(kept=tuple(kept), meant=tuple(meant), layout=tuple(layout))


def blend_edit(source: Image.Image, edited: Image.Image, plan: EditPlan) -> Image.Image:
    """Return the edited image with the pixels of the source wherever the plan changes nothing.

    Args:
        source: The image before the edit, of any size; squeezed to the size of the edited one, as it was to be read.
        edited: The image after the edit, RGB.
        plan: What the model wrote before it drew. If it names no change, or nearly all has changed, such as the
            background, the edited image is returned as it is.
    """
    before = source.convert("RGB").resize(edited.size, Image.Resampling.BICUBIC)
    difference = _difference(before, edited)
    kept, new, gone = _split_layout(plan, difference)
    if not new and not gone:
        return edited
    stays, changes = _inside(kept, difference.shape), _inside(new, difference.shape)
    differs = difference > _DIFFERENCE
    unplanned = ~(stays | changes)
    if np.count_nonzero(differs & unplanned) > _WHOLE_IMAGE * np.count_nonzero(unplanned):
        return edited
    if gone:  # what was there before may reach beyond what is there now
        changes |= _grown(_has_core(differs & ~stays), differs & ~stays)
    mask = _image(changes).filter(ImageFilter.MaxFilter(3)).filter(ImageFilter.GaussianBlur(1))
    return Image.composite(edited, before, mask.resize(edited.size, Image.Resampling.BICUBIC))


def _difference(before: Image.Image, after: Image.Image) -> npt.NDArray[np.float32]:
    """Return the (H, W) mean difference of the channels on the grid, slightly blurred."""
    difference = ImageChops.difference(before, after)
    scale = _GRID_PX / max(difference.size)
    width, height = (max(1, round(side * scale)) for side in difference.size)
    small = difference.resize((width, height), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(1))
    mean: npt.NDArray[np.float32] = np.asarray(small, np.float32).mean(axis=-1)
    return mean


def _split_layout(plan: EditPlan, difference: npt.NDArray[np.float32]) -> tuple[list[_Box], list[_Box], bool]:
    """Return the boxes of objects that stay, those of objects that are new, and whether any object has gone.

    Of equally named objects those stay that were drawn most like the source.
    """
    waiting = list(plan.kept)
    kept: list[_Box] = []
    new: list[_Box] = []
    by_change = sorted(plan.layout, key=lambda item: float(difference[_inside([item[1]], difference.shape)].mean()))
    for label, box in by_change:
        same = next((name for name in waiting if _names(name, label)), None)
        if same is None:
            new.append(box)
        else:
            waiting.remove(same)
            kept.append(box)
    return kept, new, bool(waiting or plan.meant)


def _names(name: str, label: str) -> bool:
    """Return whether a name, with its size or place, is that of an object with this label."""
    return f" {label} " in f" {name} "


def _inside(boxes: Iterable[_Box], shape: tuple[int, ...]) -> _Mask:
    """Return which of the (H, W) pixels lie in one of the boxes, a margin included."""
    mask = np.zeros(shape, bool)
    height, width = shape
    for x0, y0, x1, y1 in boxes:
        rows = slice(max(0, round(y0 * height) - _MARGIN_PX), round(y1 * height) + _MARGIN_PX)
        mask[rows, max(0, round(x0 * width) - _MARGIN_PX) : round(x1 * width) + _MARGIN_PX] = True
    return mask


def _has_core(mask: _Mask) -> _Mask:
    """Return the pixels around which a whole square of the mask lies."""
    return np.asarray(_image(mask).filter(ImageFilter.MinFilter(2 * _CORE_PX + 1))) > 0


def _grown(seeds: _Mask, mask: _Mask) -> _Mask:
    """Return the connected areas of the mask that hold a seed."""
    while True:
        grown = (np.asarray(_image(seeds).filter(ImageFilter.MaxFilter(3))) > 0) & mask
        if (grown == seeds).all():
            return grown
        seeds = grown


def _image(mask: _Mask) -> Image.Image:
    return Image.fromarray(mask.astype(np.uint8) * 255)
