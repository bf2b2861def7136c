"""Fit text into a placeholder: scale it down, continue it on another slide, or shorten it.

Text is never scaled below MIN_SCALE of the template's size or below MIN_POINTS. The scale is set as PowerPoint sets it
(normAutofit with a font scale), so PowerPoint continues from there when the user edits the text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from pptx.oxml.ns import qn
from pptx.slide import Slide

from seedx_tools.decks.ooxml.layouts import frame_of
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, TextStyle, insets, text_style
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.layout import height_of, lay_out
from seedx_tools.decks.text.points import hanging_growth, shift_of, split_points
from seedx_tools.decks.text.sharing import POINT_GAP, share_points

MIN_SCALE = 0.8
"""The smallest font scale, relative to the template's size."""

MIN_POINTS = 12.0
"""The smallest font size in points: smaller text cannot be read in a room, and the linter reports it."""

_STEP = 0.05
_SIZES = ((240.0, 18.0), (170.0, 16.0), (0.0, 14.0))
"""The largest type of a column that is at least so many points wide."""


def paragraphs_of(bullets: Sequence[str]) -> list[tuple[str, int]]:
    """Return (text, level) for each paragraph of points, their numbers and the marks of tasks included."""
    return [(one.mark + one.text, one.depth) for one in split_points(bullets)]


def column_size(width: float) -> float:
    """Return the largest type size for a column of this width; both are in points."""
    return next(size for least, size in _SIZES if width >= least)


def fitting_scale(
    slide: Slide, shape: Any, paragraphs: Sequence[tuple[str, int]], *, least: float | None = None
) -> float | None:
    """Return the largest font scale (from `least`, or least_scale) at which paragraphs fit a shape, or None."""
    scale = 1.0
    least = least_scale(slide, shape, paragraphs) if least is None else least
    while scale >= least - 1e-6:
        if fits(slide, shape, paragraphs, scale):
            return scale
        scale -= _STEP
    return None


def least_scale(slide: Slide, shape: Any, paragraphs: Sequence[tuple[str, int]]) -> float:
    """Return the smallest font scale that these paragraphs may have in a shape."""
    sizes = [text_style(slide, shape.element, None, level).size for _, level in paragraphs]
    return min(1.0, max(MIN_SCALE, MIN_POINTS / min(sizes))) if sizes else 1.0


def fits(slide: Slide, shape: Any, paragraphs: Sequence[tuple[str, int]], scale: float = 1.0) -> bool:
    """Return whether paragraphs fit the height of a shape at this font scale."""
    return text_height(slide, shape, paragraphs, scale) <= room_for_text(slide, shape) + 0.5


def text_height(slide: Slide, shape: Any, paragraphs: Sequence[tuple[str, int]], scale: float = 1.0) -> float:
    """Return the height in points that paragraphs need in the width of a shape at this font scale."""
    left, _, right, _ = insets(slide, shape.element)

    @cache
    def style_of(level: int) -> TextStyle:
        return text_style(slide, shape.element, None, level)

    marks = [(level, split_points([text])[0].mark.strip() if text.strip() else "") for text, level in paragraphs]
    growth = {level: max(0.0, wider) for level, wider in hanging_growth(marks, style_of).items()}
    styled = [
        (plain_text(text), replace(style_of(level), margin=style_of(level).margin + shift_of(growth, level)))
        for text, level in paragraphs
    ]
    return height_of(lay_out(styled, frame_of(shape)[2] / EMU_PER_POINT - left - right, scale))


def room_for_text(slide: Slide, shape: Any) -> float:
    """Return the height in points that a shape has for text."""
    _, top, _, bottom = insets(slide, shape.element)
    return frame_of(shape)[3] / EMU_PER_POINT - top - bottom


def split(slide: Slide, shape: Any, bullets: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the bullets that fit a shape at full size, at least part of one, and the rest."""
    count = 0
    while count < len(bullets) and fits(slide, shape, paragraphs_of(bullets[: count + 1])):
        count += 1
    while 1 < count < len(bullets) and bullets[count].startswith("\t"):
        count -= 1  # a point stays together with those indented under it
    if count:
        return list(bullets[:count]), list(bullets[count:])
    pieces = bullets[0].split(" ")
    kept = _longest(pieces, lambda part: fits(slide, shape, paragraphs_of([" ".join(part)])))
    tabs = bullets[0][: len(bullets[0]) - len(bullets[0].lstrip("\t"))]
    rest = [f"{tabs}\n{' '.join(pieces[kept:])}"] if kept < len(pieces) else []  # it goes on without a bullet
    return [" ".join(pieces[:kept])], [*rest, *bullets[1:]]


def share_evenly(slide: Slide, bodies: Sequence[Any], points: Sequence[str]) -> list[list[str]] | None:
    """Return the points of each body, shared out as evenly as they fit, in type as large as that allows.

    Returns None if they do not fit the bodies, or there are too few for all.
    """
    rooms = [room_for_text(slide, body) for body in bodies]
    for scale in (1.0, 0.9, MIN_SCALE):
        heights = [text_height(slide, bodies[-1], paragraphs_of([point]), scale) + POINT_GAP for point in points]
        shares = share_points(points, heights, rooms)
        if shares and all(
            fitting_scale(slide, body, paragraphs_of(share)) for body, share in zip(bodies, shares, strict=True)
        ):
            return shares
    return None


def shorten(slide: Slide, shape: Any, text: str) -> str:
    """Return the text, or as much of its start as fits the shape at the smallest scale, followed by three dots."""
    least = least_scale(slide, shape, [(text, 0)])
    if fits(slide, shape, [(text, 0)], least):
        return text
    letters = text[: _longest(text, lambda part: fits(slide, shape, [("".join(part) + " ...", 0)], least))]
    whole_words = letters.rpartition(" ")[0] or letters
    return f"{whole_words.rstrip()} ..."


def _longest(parts: Sequence[str], good: Callable[[Sequence[str]], bool]) -> int:
    """Return how many of the first parts are good together, at least 1; if some are not, more are not either."""
    low, high = 1, len(parts)
    while low < high:
        middle = (low + high + 1) // 2
        if good(parts[:middle]):
            low = middle
        else:
            high = middle - 1
    return low


def set_scale(shape: Any, scale: float) -> None:
    """Set the font scale of a shape; 1.0 keeps the inherited properties."""
    if scale > 0.999:
        return
    body = shape.text_frame._txBody.find(qn("a:bodyPr"))
    for child in list(body):
        body.remove(child)
    fit = body.makeelement(qn("a:normAutofit"), {"fontScale": str(round(scale * 100000))})
    body.append(fit)
