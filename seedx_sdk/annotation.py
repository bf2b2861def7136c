"""Boxes drawn on an image."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from seedx_sdk.types import Box

__all__ = ["draw_boxes"]


_BOX_COLORS = ("#e6194b", "#1a6fdf", "#2a9d3a", "#f58231", "#911eb4", "#008080")


def draw_boxes(image: Image.Image, boxes: Sequence[Box]) -> Image.Image:
    """Return a copy of the image with each box outlined and labeled, placed by its normalized corners."""
    canvas = image.convert("RGB")
    draw = ImageDraw.Draw(canvas)
    line = max(1, round(min(canvas.size) / 128))
    font = ImageFont.load_default(size=max(9, min(canvas.size) // 28))
    for index, box in enumerate(boxes):
        color = _BOX_COLORS[index % len(_BOX_COLORS)]
        x0, x1 = (value * (canvas.width - 1) for value in (box.normalized[0], box.normalized[2]))
        y0, y1 = (value * (canvas.height - 1) for value in (box.normalized[1], box.normalized[3]))
        draw.rectangle((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), outline=color, width=line)
        if box.label:
            left, top, right, bottom = draw.textbbox((0, 0), box.label, font=font)
            at = (max(0, min(x0, canvas.width - right - 2)), max(0, y0 - bottom - 2))
            draw.rectangle((at[0], at[1], at[0] + right + 2, at[1] + bottom + 2), fill=color)
            draw.text((at[0] + 1, at[1] + 1), box.label, fill="white", font=font)
    return canvas
