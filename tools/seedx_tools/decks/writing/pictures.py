"""Place images as PowerPoint pictures: never stretched, cropped only a little, with alt text."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image
from pptx.slide import Slide

from seedx_tools.decks.design import Frame, SlideDesign
from seedx_tools.decks.ooxml.layouts import EmuFrame, LayoutSlots, frame_of, placeholder, remove
from seedx_tools.decks.text.strings import clean
from seedx_tools.illustration.illustrator import Illustration

MIN_VISIBLE = 0.8
"""An image is cropped to fill its frame only if this share of it stays visible; else it is fitted inside."""

MIN_PICTURE_PX = 768
"""Smaller images are enlarged to this longer side before they are embedded, so that slides show smooth edges."""


def place_picture(slide: Slide, slots: LayoutSlots, illustration: Illustration, page_height: int) -> bool:
    """Place an image in the layout's picture placeholder, else where there is room; return whether it was placed."""
    data = _png(illustration.image)
    size = illustration.image.size
    if slots.picture is not None:
        holder: Any = placeholder(slide, slots.picture)
        frame = frame_of(holder)
        shape = holder.insert_picture(data)
        if _visible(size, frame) < MIN_VISIBLE:
            shape.crop_left = shape.crop_right = shape.crop_top = shape.crop_bottom = 0
            shape.left, shape.top, shape.width, shape.height = contain(size, frame)
    else:
        room = _make_room(slide, slots, page_height)
        if room is None:
            return False
        shapes: Any = slide.shapes
        shape = shapes.add_picture(data, *contain(size, room))
    _describe(shape, illustration)
    return True


def place_design(slide: Slide, slots: LayoutSlots, design: SlideDesign, page_width: int, page_height: int) -> None:
    """Move the placeholders of an empty slide to where a design has them, and add its pictures."""

    def frame(box: Frame) -> EmuFrame:
        x0, y0, x1, y1 = box
        left, top = round(x0 * page_width), round(y0 * page_height)
        return left, top, round(x1 * page_width) - left, round(y1 * page_height) - top

    places = {slots.title: design.title} | ({slots.bodies[0]: design.body} if slots.bodies and design.body else {})
    for index, box in places.items():
        shape = placeholder(slide, index)
        shape.left, shape.top, shape.width, shape.height = frame(box)
    shapes: Any = slide.shapes
    for box, illustration in design.pictures:
        place = contain(illustration.image.size, frame(box))
        _describe(shapes.add_picture(_png(illustration.image), *place), illustration)


def _describe(picture: Any, illustration: Illustration) -> None:
    properties = picture._element.nvPicPr.cNvPr
    properties.set("descr", clean(illustration.alt))
    properties.set("name", f"Picture {properties.get('id')}")


def contain(size: tuple[int, int], frame: EmuFrame) -> EmuFrame:
    """Return the largest frame with an image's proportions, centered inside a frame."""
    left, top, width, height = frame
    scale = min(width / size[0], height / size[1])
    wide, high = round(size[0] * scale), round(size[1] * scale)
    return left + (width - wide) // 2, top + (height - high) // 2, wide, high


def room_below_title(slide: Slide, slots: LayoutSlots, page_height: int) -> EmuFrame | None:
    """Return the free area of a slide that has only a title, in EMU; None if it is too small."""
    left, top, width, height = frame_of(placeholder(slide, slots.title))
    start = top + height + page_height // 40
    room = page_height * 90 // 100 - start
    return (left, start, width, room) if room > page_height // 5 else None


def _make_room(slide: Slide, slots: LayoutSlots, page_height: int) -> EmuFrame | None:
    """Return a frame for an image in a layout without a picture placeholder, clear of title and body, in EMU."""
    if len(slots.bodies) > 1:
        second = placeholder(slide, slots.bodies[1])
        frame = frame_of(second)
        remove(second)
        return frame
    if slots.bodies:
        body = placeholder(slide, slots.bodies[0])
        left, top, width, height = frame_of(body)
        text_width = width * 55 // 100
        body.left, body.top, body.width, body.height = left, top, text_width, height
        gap = width * 4 // 100
        return left + text_width + gap, top, width - text_width - gap, height
    return room_below_title(slide, slots, page_height)


def _visible(size: tuple[int, int], frame: EmuFrame) -> float:
    own, wanted = size[0] / size[1], frame[2] / frame[3]
    return min(own, wanted) / max(own, wanted)


def _png(image: Image.Image) -> io.BytesIO:
    factor = -(-MIN_PICTURE_PX // max(image.size))
    if factor > 1:
        image = image.resize((image.width * factor, image.height * factor), Image.Resampling.BICUBIC)
    data = io.BytesIO()
    image.save(data, "PNG")
    data.seek(0)
    return data
