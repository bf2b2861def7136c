"""A scene as an image: flat things with dark contours on a quiet background, drawn by Pillow alone."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageDraw

from seedx_finetune.world.drawings import Tone, drawing_of
from seedx_finetune.world.scene import Scene, Thing
from seedx_finetune.world.vocabulary import BACKGROUNDS, COLORS, RGB

_OVERSAMPLING = 3
"""Pages are drawn this many times larger and averaged down, which smooths every edge."""
_CONTOUR = 0.03
"""Width of the dark contour as a fraction of the thing's longest side."""
_INK: RGB = (44, 38, 50)
_CREAM: RGB = (253, 249, 240)
_STONE: RGB = (128, 122, 118)


def render(scene: Scene, size: int = 128) -> Image.Image:
    """Return the image of a scene: RGB, `size` x `size` pixels, the same for the same scene every time.

    Pixels outside the things' boxes are exactly those of the empty background.
    """
    page = _background(scene.background, size * _OVERSAMPLING).copy()
    draw = ImageDraw.Draw(page)
    for thing in scene.things:
        _draw_thing(draw, thing, size * _OVERSAMPLING)
    return page.reduce(_OVERSAMPLING)


def _draw_thing(draw: ImageDraw.ImageDraw, thing: Thing, side: int) -> None:
    x0, y0, x1, y1 = (c * side for c in thing.box)
    contour = max(round(_CONTOUR * max(x1 - x0, y1 - y0)), 3)
    pad = (contour + 1) / 2
    x0, y0, width, height = x0 + pad, y0 + pad, x1 - x0 - 2 * pad, y1 - y0 - 2 * pad
    tones = _tones(COLORS[thing.color])
    for patch in drawing_of(thing.kind).patches:
        points = [(x0 + x * width, y0 + y * height) for x, y in patch.points]
        draw.polygon(points, fill=tones[patch.tone])
        if patch.outlined:
            draw.line([*points, points[0], points[1]], fill=_INK, width=contour, joint="curve")


def _tones(body: RGB) -> dict[Tone, RGB]:
    shade = (round(body[0] * 0.84), round(body[1] * 0.84), round(body[2] * 0.84))
    tint = (round(body[0] * 0.8 + 51), round(body[1] * 0.8 + 51), round(body[2] * 0.8 + 51))
    return {"body": body, "shade": shade, "tint": tint, "cream": _CREAM, "ink": _INK, "stone": _STONE}


@lru_cache(maxsize=16)
def _background(name: str, side: int) -> Image.Image:
    """Return the empty page at drawing size. Callers copy it before they draw."""
    sky, ground, detail, soft = BACKGROUNDS[name].fills
    page = Image.new("RGB", (side, side), sky)
    draw = ImageDraw.Draw(page)

    def oval(x0: float, y0: float, x1: float, y1: float, fill: RGB) -> None:
        draw.ellipse((x0 * side, y0 * side, x1 * side, y1 * side), fill=fill)

    def rectangle(x0: float, y0: float, x1: float, y1: float, fill: RGB) -> None:
        draw.rectangle((x0 * side, y0 * side, x1 * side, y1 * side), fill=fill)

    if name == "meadow":
        for x, y, r in _CLOUDS:
            oval(x - r, y - r * 0.6, x + r, y + r * 0.6, soft)
        oval(0.35, 0.52, 1.5, 1.3, detail)
        oval(-0.7, 0.58, 1.1, 1.7, ground)
    elif name == "beach":
        rectangle(0, 0.45, 1, 1, detail)
        for x, y in ((0.1, 0.5), (0.5, 0.54), (0.8, 0.5)):
            rectangle(x, y, x + 0.14, y + 0.012, soft)
        oval(-0.5, 0.6, 1.7, 1.9, ground)
    elif name == "night sky":
        oval(0.8, 0.06, 0.93, 0.19, detail)
        oval(0.765, 0.045, 0.89, 0.17, sky)
        for x, y in _SPECKS:
            oval(x - 0.006, y - 0.006, x + 0.006, y + 0.006, soft)
        oval(-0.4, 0.8, 1.4, 1.8, ground)
    elif name == "snow":
        oval(0.3, 0.5, 1.6, 1.5, detail)
        oval(-0.8, 0.6, 1.2, 1.8, ground)
        for x, y in _FLAKES:
            oval(x - 0.011, y - 0.011, x + 0.011, y + 0.011, soft)
    else:
        for x in (0.1, 0.3, 0.5, 0.7, 0.9):
            rectangle(x - 0.04, 0, x + 0.04, 0.68, soft)
        rectangle(0, 0.72, 1, 1, ground)
        rectangle(0, 0.68, 1, 0.72, detail)
    return page


_CLOUDS = ((0.12, 0.17, 0.06), (0.2, 0.14, 0.08), (0.28, 0.17, 0.06), (0.74, 0.26, 0.05), (0.81, 0.24, 0.06))
_SPECKS = ((0.08, 0.1), (0.3, 0.22), (0.52, 0.08), (0.66, 0.36), (0.14, 0.44), (0.9, 0.48), (0.42, 0.5), (0.24, 0.68))
_FLAKES = ((0.1, 0.12), (0.27, 0.3), (0.45, 0.1), (0.6, 0.34), (0.78, 0.14), (0.92, 0.38), (0.08, 0.48), (0.4, 0.46))
