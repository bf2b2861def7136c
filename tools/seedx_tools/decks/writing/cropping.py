"""Where to crop a picture to the shape of its frame: around what it shows, or not at all."""

from __future__ import annotations

from typing import TypeAlias

from PIL import Image, ImageChops, ImageFilter, ImageStat

Crop: TypeAlias = tuple[float, float, float, float]
"""The shares that are cut off: left, top, right, bottom."""

NO_CROP: Crop = (0.0, 0.0, 0.0, 0.0)
_LOOK_PX = 96
"""The longer side of the copy that is looked at."""
_PLAIN = 24
"""Two colors that differ by less, per channel, are the same background."""
_PLAIN_BORDER = 0.9
"""A border of which this share has one color is a background with something in front of it."""
_MIN_VISIBLE = 0.8
"""A photo is cropped only if this share of it stays visible ..."""
_MIN_KEPT = 0.95
"""... or this share of its edges, while half of it stays visible."""
_MIN_VISIBLE_AT_ALL = 0.5


def crop_to(image: Image.Image, aspect: float) -> Crop | None:
    """Return the crop that gives an image this aspect without cutting what it shows; None if there is none.

    An object before a plain background (a logo, a diagram, a product) stays whole. A photo is cropped a little, where
    the fewest edges are lost.

    Args:
        image: The image.
        aspect: Width over height of the frame.
    """
    own = image.width / image.height
    visible = min(own, aspect) / max(own, aspect)
    if visible > 0.999:
        return NO_CROP
    if visible < _MIN_VISIBLE_AT_ALL:
        return None
    look = _flat(image)
    look.thumbnail((_LOOK_PX, _LOOK_PX))
    is_across = own > aspect
    subject = _subject(look)
    if subject is not None:
        side = look.width if is_across else look.height
        first, last = (subject[0], subject[2]) if is_across else (subject[1], subject[3])
        return _cut(_around(first / side, last / side, visible), visible, across=is_across)
    weights = _edge_weights(look, across=is_across)
    start, kept = _best_window(weights, visible)
    if visible < _MIN_VISIBLE and kept < _MIN_KEPT:
        return None
    return _cut(start, visible, across=is_across)


def _flat(image: Image.Image) -> Image.Image:
    if image.mode == "RGBA":
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _subject(look: Image.Image) -> tuple[int, int, int, int] | None:
    """Return the box of what stands before a plain background, a point if nothing does; None without such a ground."""
    border = Image.new("L", look.size, 255)
    border.paste(0, (2, 2, max(3, look.width - 2), max(3, look.height - 2)))
    ground = tuple(round(value) for value in ImageStat.Stat(look, border).median)
    red, green, blue = ImageChops.difference(look, Image.new("RGB", look.size, ground)).split()
    away = ImageChops.lighter(ImageChops.lighter(red, green), blue).point(lambda value: 255 if value >= _PLAIN else 0)
    if ImageStat.Stat(away, border).mean[0] > 255 * (1 - _PLAIN_BORDER):
        return None
    return away.getbbox() or (look.width // 2, look.height // 2) * 2


def _around(start: float, end: float, visible: float) -> float | None:
    """Return where a window of this share starts to hold a span, as central as it can be; None if it does not fit."""
    if end - start > visible:
        return None
    return min(max((1 - visible) / 2, end - visible), start)


def _edge_weights(look: Image.Image, *, across: bool) -> list[float]:
    """Return how much there is to see in each column, or row, of an image; they sum to 1."""
    edges = look.convert("L").filter(ImageFilter.FIND_EDGES)
    edges = edges.crop((1, 1, max(2, look.width - 1), max(2, look.height - 1)))
    line = edges.resize((edges.width, 1) if across else (1, edges.height), Image.Resampling.BOX)
    values = [float(value) + 1.0 for value in line.tobytes()]
    return [value / sum(values) for value in values]


def _best_window(weights: list[float], visible: float) -> tuple[float, float]:
    """Return where the window starts that holds the most, the most central of equals, and how much it holds."""
    wide = max(1, round(len(weights) * visible))
    middle = (len(weights) - wide) / 2
    held = {start: sum(weights[start : start + wide]) for start in range(len(weights) - wide + 1)}
    best = max(held, key=lambda start: (round(held[start], 2), -abs(start - middle)))
    return best / len(weights), held[best]


def _cut(start: float | None, visible: float, *, across: bool) -> Crop | None:
    if start is None:
        return None
    start = min(max(0.0, start), 1 - visible)
    end = max(0.0, 1 - visible - start)
    return (start, 0.0, end, 0.0) if across else (0.0, start, 0.0, end)
