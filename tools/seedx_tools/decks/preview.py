"""Render a PNG of each slide with Pillow, from the shapes in the deck.

Geometry, text, pictures, fills and the theme are read back from the presentation, so a preview shows what was written.
Solid fills, common shapes, connectors, pictures, text, tables and simple charts are drawn; gradients, effects, SmartArt
and pictures that are damaged or in a format such as EMF are not. PowerPoint may break lines elsewhere.
"""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageDraw
from pptx.oxml.ns import qn
from pptx.presentation import Presentation as PresentationObject
from pptx.slide import Slide

from seedx_sdk.imaging import ALLOWED_FORMATS
from seedx_tools.decks.ooxml.layouts import EmuFrame
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT, inherited
from seedx_tools.decks.preview_charts import draw_chart
from seedx_tools.decks.preview_shapes import draw_shape
from seedx_tools.decks.preview_tables import draw_table
from seedx_tools.decks.shapes import SlideShape, slide_background, slide_shapes
from seedx_tools.decks.text.fonts import drawable, font_for
from seedx_tools.decks.text.layout import Line
from seedx_tools.decks.text.shapes import place_text

RENDERER = "seedx_tools.decks.preview (Pillow)"
"""The renderer that deck results name."""

_WIDTH_PX = 960
_NO_BACKGROUND = "FFFFFF"


def render_slides(deck: PresentationObject) -> list[Image.Image]:
    """Return an image of each slide, 960 pixels wide."""
    return [render_slide(deck, number) for number in range(1, len(deck.slides) + 1)]


def render_slide(deck: PresentationObject, number: int) -> Image.Image:
    """Return an image of one slide, by its number from 1, 960 pixels wide."""
    size = int(deck.slide_width or 1), int(deck.slide_height or 1)
    return _SlideRenderer(deck.slides[number - 1], number, size).draw()


class _SlideRenderer:
    def __init__(self, slide: Slide, number: int, size: tuple[int, int]) -> None:
        self._slide = slide
        self._number = number
        self._scale = _WIDTH_PX / size[0]
        self._image = Image.new(
            "RGB", (_WIDTH_PX, round(size[1] * self._scale)), f"#{(slide_background(slide) or [_NO_BACKGROUND])[0]}"
        )
        self._pen = ImageDraw.Draw(self._image)

    def draw(self) -> Image.Image:
        layout = self._slide.slide_layout
        if self._slide.element.get("showMasterSp") != "0":
            if layout.element.get("showMasterSp") != "0":
                self._decorations(layout.slide_master)
            self._decorations(layout)
        for placed in slide_shapes(self._slide):
            self._shape(placed)
        return self._image

    def _decorations(self, sheet: Any) -> None:
        for placed in slide_shapes(sheet):
            if not placed.shape.is_placeholder:
                self._shape(placed)

    def _shape(self, placed: SlideShape) -> None:
        shape = placed.shape
        if shape.element.tag == qn("p:pic"):
            self._picture(shape, placed.frame)
        elif placed.kind == "table":
            draw_table(self._slide, shape, placed.area, self._pen, self._scale * EMU_PER_POINT, self._line)
        elif placed.kind == "chart":
            draw_chart(self._slide, shape, placed.area, self._pen, self._scale * EMU_PER_POINT)
        else:
            pixels = self._scale * EMU_PER_POINT
            draw_shape(self._slide, shape, self._box(placed.frame), self._image, pixels)
            if shape.has_text_frame and shape.text_frame.text.strip():
                self._text(shape, placed.frame)

    def _picture(self, shape: Any, frame: EmuFrame) -> None:
        image = _decoded(shape)
        if image is None:
            return
        left, top, right, bottom = self._box(frame)
        across = _shown((left, right), image.width, shape.crop_left, shape.crop_right, self._image.width)
        down = _shown((top, bottom), image.height, shape.crop_top, shape.crop_bottom, self._image.height)
        if across is None or down is None:
            return
        left, top = across[0], down[0]
        size = max(1, round(across[1] - left)), max(1, round(down[1] - top))
        box = (across[2], down[2], across[3], down[3])
        image = image.resize(size, Image.Resampling.LANCZOS, box=box)
        corner = self._corner(shape)
        mask = image.getchannel("A")
        if corner:
            mask = _rounded(size, corner * min(size))
        self._image.paste(image.convert("RGB"), (round(left), round(top)), mask)

    def _corner(self, shape: Any) -> float:
        """Return the corner radius of a picture as a share of its shorter side; 0 for a rectangle."""
        for source in inherited(self._slide, shape.element):
            geometry = source.find(f"{qn('p:spPr')}/{qn('a:prstGeom')}")
            if geometry is not None:
                guide = geometry.find(f".//{qn('a:gd')}")
                radius = 0.16667 if guide is None else int(str(guide.get("fmla")).split()[-1]) / 100000
                return radius if geometry.get("prst") == "roundRect" else 0.0
        return 0.0

    def _text(self, shape: Any, frame: EmuFrame) -> None:
        placed = place_text(self._slide, shape, frame, number=self._number)
        for line in placed.lines:
            self._line(line, placed.left, placed.top, placed.scale)

    def _line(self, line: Line, left: float, top: float, scale: float = 1.0) -> None:
        pixels = self._scale * EMU_PER_POINT
        baseline = (top + line.top + line.height * 0.79) * pixels
        style = line.style

        def put(text: str, x: float, width: float | None, color: str) -> None:
            text = drawable(text)
            if not text.strip():
                return
            size = style.size * scale * pixels
            font, is_bold = font_for(text, size, style.family, style.bold)
            drawn = font.getlength(text)
            if width is not None and drawn > width * pixels:  # the substitute font is wider than the one the deck names
                size *= width * pixels / drawn
                font, is_bold = font_for(text, size, style.family, style.bold)
            stroke = size * 0.022 if style.bold and not is_bold else 0.0
            self._pen.text((x * pixels, baseline), text, font=font, fill=f"#{color}", anchor="ls", stroke_width=stroke)

        bullet = left + style.margin + style.indent
        if style.rtl:
            bullet = left + line.x + line.width - style.indent - style.size * 0.35
        put(line.bullet, bullet, None, style.bullet_color)
        put(line.text, left + line.x, line.width, style.color)

    def _box(self, frame: EmuFrame) -> tuple[float, float, float, float]:
        left, top, width, height = (value * self._scale for value in frame)
        return left, top, left + width, top + height


def _decoded(shape: Any) -> Image.Image | None:
    """Return a picture as RGBA; None if it is linked, damaged or in a format such as EMF."""
    try:
        with Image.open(io.BytesIO(shape.image.blob), formats=ALLOWED_FORMATS) as opened:
            return opened.convert("RGBA")
    except Exception:  # decoders of damaged files raise many kinds
        return None


def _shown(
    frame: tuple[float, float], pixels: int, crop_start: float, crop_end: float, page: int
) -> tuple[float, float, float, float] | None:
    """Return the visible span of a picture along one side of the page, on the page and in the picture.

    Args:
        frame: Where its frame starts and ends on the page, in pixels.
        pixels: Pixels of the picture along this side.
        crop_start: The share cropped at the start; below 0 the picture starts inside its frame.
        crop_end: The share cropped at the end, likewise.
        page: The length of the page in pixels.

    Returns:
        Start and end on the page, then start and end in the picture; None if none of it is on the page.
    """
    first, last = crop_start * pixels, pixels - crop_end * pixels
    if frame[1] <= frame[0] or last <= first:
        return None
    scale = (frame[1] - frame[0]) / (last - first)
    zero = frame[0] - first * scale
    start, end = max(frame[0], zero, 0.0), min(frame[1], zero + pixels * scale, float(page))
    if start >= end:
        return None
    return start, end, max(0.0, (start - zero) / scale), min(float(pixels), (end - zero) / scale)


def _rounded(size: tuple[int, int], radius: float) -> Image.Image:
    fine = 2
    mask = Image.new("L", (size[0] * fine, size[1] * fine), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), radius * fine, fill=255)
    return mask.resize(size, Image.Resampling.LANCZOS)
