"""Place images as PowerPoint pictures: never stretched, cropped around what they show, as large as is sensible."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml.ns import qn
from pptx.slide import Slide
from pptx.util import Emu, Pt

from seedx_tools.decks.layout.regions import Frame, SlideDesign
from seedx_tools.decks.ooxml.layouts import EmuFrame, Layouts, LayoutSlots, frame_of, placeholder, remove
from seedx_tools.decks.ooxml.styles import EMU_PER_INCH, EMU_PER_POINT
from seedx_tools.decks.ooxml.vector import embed_svg
from seedx_tools.decks.outline import PictureSide
from seedx_tools.decks.text.fitting import fitting_scale, paragraphs_of
from seedx_tools.decks.text.languages.direction import slide_is_mirrored
from seedx_tools.decks.text.metrics import text_width
from seedx_tools.decks.text.strings import clean
from seedx_tools.decks.writing.cropping import NO_CROP, Crop, crop_to
from seedx_tools.decks.writing.gallery import gallery_frames, shown_area
from seedx_tools.illustration.illustrator import Illustration
from seedx_tools.illustration.image_files import embeddable

MIN_PICTURE_PX = 768
"""Generated images that are smaller are enlarged to this longer side, so that slides show smooth edges."""

MIN_PPI = 96
"""Pixels per inch below which a picture from a file looks blurred: a small one is shown small."""

_GAP = EMU_PER_INCH // 4
_CAPTION = EMU_PER_INCH * 4 // 10
_CAPTION_POINTS = 14
_CAPTION_WORDS = 4
_AS_GOOD_ALONE, _AS_GOOD_BESIDE = 0.7, 0.5
"""A picture placeholder is used if it shows at least this share of the size that a picture could have elsewhere, alone
on the slide or beside text."""
_TEXT_HEIGHTS = (0.25, 0.35, 0.45, 0.55)
_TEXT_WIDTHS = (0.4, 0.5, 0.55)
Warn = Callable[[str], None]


def picture_slots(
    layouts: Layouts, pictures: Sequence[Illustration], *, points: bool, side: PictureSide
) -> LayoutSlots:
    """Return the layout that shows pictures, beside points or alone, at their best."""
    text = layouts.points(picture=False)
    if len(pictures) > 1:
        return text
    made = (layouts.points if points else layouts.heading)(picture=True, side=side)
    if side != "auto" or not text.bodies:
        return made
    if made.picture is None:
        return made if points else text
    size = pictures[0].image.size
    frame = _layout_frame(made, made.picture)
    there = frame if crop_to(pictures[0].image, frame[2] / frame[3]) else contain(size, frame)
    left, top, width, height = _layout_frame(text, text.bodies[0])
    beside = contain(size, (left, top, round(width * (1 - _TEXT_WIDTHS[0])) - _GAP, height))
    above = contain(size, (left, top, width, round(height * (1 - _TEXT_HEIGHTS[1])) - _GAP))
    alone = contain(size, (left, top, width, height))
    here = max(shown_area([beside]), shown_area([above])) if points else shown_area([alone])
    enough = (_AS_GOOD_BESIDE if points else _AS_GOOD_ALONE) * here
    return made if shown_area([there]) >= enough else text


def place_pictures(
    slide: Slide,
    slots: LayoutSlots,
    pictures: Sequence[Illustration],
    bullets: Sequence[str],
    page_height: int,
    warn: Warn,
) -> bool:
    """Place pictures in the layout's picture placeholder, else where there is room; return whether they were placed.

    Args:
        slide: A slide whose title is written and whose points are not.
        slots: Its layout.
        pictures: At least one.
        bullets: The points that the body will hold.
        page_height: In EMU.
        warn: Called with one sentence for each picture that has too few pixels for its place.
    """
    if slots.picture is not None and len(pictures) == 1:
        fill_picture_placeholder(placeholder(slide, slots.picture), pictures[0], warn)
        return True
    room = _make_room(slide, slots, pictures, bullets, page_height)
    if room is None:
        return False
    captions = _captions(pictures)
    below = _CAPTION if captions else 0
    sizes = [picture.image.size for picture in pictures]
    frames = gallery_frames(sizes, room, gap=_GAP, below=below)
    for number, (picture, frame) in enumerate(zip(pictures, frames, strict=True)):
        _add(slide, picture, _within_pixels(picture, frame, warn))
        if captions:
            _add_caption(slide, captions[number], frame)
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
    for box, illustration in design.pictures:
        _add(slide, illustration, contain(illustration.image.size, frame(box)))


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


def fill_picture_placeholder(holder: Any, picture: Illustration, warn: Warn) -> None:
    """Put a picture into a picture placeholder: cropped around what it shows, or whole in its middle."""
    crop, shown = _crop_and_frame(picture, frame_of(holder), warn)
    is_moved = holder.element.spPr.find(qn("a:xfrm")) is not None  # which the picture in it would not inherit
    shape = holder.insert_picture(_data(picture, shown, crop or NO_CROP))
    shape.crop_left, shape.crop_top, shape.crop_right, shape.crop_bottom = crop or NO_CROP
    if crop is None or is_moved:
        shape.left, shape.top, shape.width, shape.height = shown
    _describe(shape, picture)


def replace_image(shape: Any, picture: Illustration, warn: Warn) -> None:
    """Show another image in the frame of a picture, cropped around what it shows, or whole in its middle."""
    frame = frame_of(shape)
    crop, shown = _crop_and_frame(picture, frame, warn)
    part, blip = shape.part, shape._element.blipFill.find(qn("a:blip"))
    olds = [blip.attrib.pop(name, None) for name in (qn("r:embed"), qn("r:link"))]
    for vector in blip.findall(qn("a:extLst")):
        blip.remove(vector)  # the SVG of the image before
    blip.set(qn("r:embed"), part.get_or_add_image_part(_data(picture, shown, crop or NO_CROP))[1])
    shape.crop_left, shape.crop_top, shape.crop_right, shape.crop_bottom = crop or NO_CROP
    if shown != frame:
        shape.left, shape.top, shape.width, shape.height = shown
    name = shape.name
    _describe(shape, picture)
    shape.name = name
    for old in filter(None, olds):
        if not any(old in element.attrib.values() for element in part._element.iter()):
            part.rels.pop(old)


def _crop_and_frame(picture: Illustration, frame: EmuFrame, warn: Warn) -> tuple[Crop | None, EmuFrame]:
    """Return the crop with which a picture fills a frame, and that frame; else None, and the place of the whole one."""
    crop = crop_to(picture.image, frame[2] / frame[3])
    if crop is not None and _largest_inches(picture) * EMU_PER_INCH >= max(frame[2:]):
        return crop, frame
    return None, _within_pixels(picture, contain(picture.image.size, frame), warn)


def _add(slide: Slide, picture: Illustration, frame: EmuFrame) -> None:
    shapes: Any = slide.shapes
    _describe(shapes.add_picture(_data(picture, frame, NO_CROP), *frame), picture)


def _describe(shape: Any, picture: Illustration) -> None:
    properties = shape._element.nvPicPr.cNvPr
    properties.set("descr", clean(picture.alt))
    properties.set("name", f"Picture {properties.get('id')}")
    if picture.file is not None and picture.file.svg:
        embed_svg(shape, picture.file.svg)


def _data(picture: Illustration, shown: EmuFrame, crop: Crop) -> io.BytesIO:
    """Return the image file to embed for a picture in a frame, of which a crop hides a part."""
    if picture.file is not None:
        inches = (
            shown[2] / EMU_PER_INCH / (1 - crop[0] - crop[2]),
            shown[3] / EMU_PER_INCH / (1 - crop[1] - crop[3]),
        )
        return io.BytesIO(embeddable(picture.image, picture.file, inches))
    image = picture.image
    factor = -(-MIN_PICTURE_PX // max(image.size))
    if factor > 1:
        image = image.resize((image.width * factor, image.height * factor), Image.Resampling.BICUBIC)
    data = io.BytesIO()
    image.save(data, "PNG")
    data.seek(0)
    return data


def _largest_inches(picture: Illustration) -> float:
    """Return the longer side that a picture may have without looking blurred."""
    return 1000.0 if picture.file is None or picture.file.svg else max(picture.file.size) / MIN_PPI


def _within_pixels(picture: Illustration, frame: EmuFrame, warn: Warn) -> EmuFrame:
    """Return a frame, or a smaller one in its middle if the picture has too few pixels for it."""
    most = _largest_inches(picture) * EMU_PER_INCH
    longer = max(frame[2:])
    if longer <= most:
        return frame
    width, height = picture.file.size if picture.file is not None else picture.image.size
    warn(
        f"its picture has only {width} x {height} pixels, so it is shown small "
        f"({most / EMU_PER_INCH:.1f} inches); use a larger one"
    )
    left, top, wide, high = frame
    small = round(wide * most / longer), round(high * most / longer)
    return left + (wide - small[0]) // 2, top + (high - small[1]) // 2, *small


def _layout_frame(slots: LayoutSlots, index: int) -> EmuFrame:
    placeholders: Any = slots.layout.placeholders
    return frame_of(next(shape for shape in placeholders if shape.placeholder_format.idx == index))


def _make_room(
    slide: Slide, slots: LayoutSlots, pictures: Sequence[Illustration], bullets: Sequence[str], page_height: int
) -> EmuFrame | None:
    """Return a frame for pictures in a layout without a picture placeholder, clear of title and body, in EMU."""
    if len(slots.bodies) > 1 and bullets:
        second = placeholder(slide, slots.bodies[1])
        frame = frame_of(second)
        remove(second)
        return frame
    if not slots.bodies:
        return room_below_title(slide, slots, page_height)
    body = placeholder(slide, slots.bodies[0])
    if bullets:
        return _divide(slide, body, pictures, bullets)
    frame = frame_of(body)
    remove(body)
    return frame


def _divide(slide: Slide, body: Any, pictures: Sequence[Illustration], bullets: Sequence[str]) -> EmuFrame:
    """Move the body to where its text leaves the most room for pictures, and return that room.

    The text is above or beside the pictures, with the least room in which it fits at its full size.
    """
    whole = left, top, width, height = frame_of(body)
    sizes = [picture.image.size for picture in pictures]
    to_left = slide_is_mirrored(slide)
    above = [((left, top, width, round(height * share)), share) for share in _TEXT_HEIGHTS]
    beside = [
        ((left + (width - round(width * share) if to_left else 0), top, round(width * share), height), share)
        for share in _TEXT_WIDTHS
    ]
    options: list[tuple[EmuFrame, EmuFrame]] = []
    for texts in (above, beside):
        fitting = (text for text, _ in texts if _holds(slide, body, text, bullets))
        text = next(fitting, None)
        if text is not None:
            options.append((text, _rest(whole, text)))
    text, room = max(
        options or [(beside[-1][0], _rest(whole, beside[-1][0]))],
        key=lambda option: shown_area(gallery_frames(sizes, option[1], gap=_GAP)),
    )
    body.left, body.top, body.width, body.height = text
    return room


def _holds(slide: Slide, body: Any, frame: EmuFrame, bullets: Sequence[str]) -> bool:
    body.left, body.top, body.width, body.height = frame
    scale = fitting_scale(slide, body, paragraphs_of(bullets))
    return scale is not None and scale > 0.99


def _rest(whole: EmuFrame, text: EmuFrame) -> EmuFrame:
    """Return what a text at the top or at a side of a frame leaves of it."""
    left, top, width, height = whole
    if text[3] < height:
        return left, top + text[3] + _GAP, width, height - text[3] - _GAP
    room = width - text[2] - _GAP
    return (left if text[0] > left else left + text[2] + _GAP), top, room, height


def _captions(pictures: Sequence[Illustration]) -> list[str]:
    """Return the captions of several pictures: what they show, if that is a few words for each of them."""
    texts = [clean(picture.alt) for picture in pictures]
    telling = all(text and len(text.split()) <= _CAPTION_WORDS for text in texts) and len(set(texts)) == len(texts)
    return [text[:1].upper() + text[1:] for text in texts] if telling and len(texts) > 1 else []


def _add_caption(slide: Slide, text: str, above: EmuFrame) -> None:
    """Write a caption under a picture, if it fits on one line there."""
    left, top, width, height = above
    room = width + _GAP * 3 // 4
    if text_width(text, _CAPTION_POINTS) * EMU_PER_POINT > room:
        return
    shapes: Any = slide.shapes
    box = shapes.add_textbox(Emu(left - (room - width) // 2), Emu(top + height), Emu(room), Emu(_CAPTION))
    box.name = f"Caption {box.shape_id}"
    frame = box.text_frame
    frame.word_wrap, frame.vertical_anchor = True, MSO_ANCHOR.MIDDLE
    frame.margin_left = frame.margin_right = 0
    frame.text = text
    frame.paragraphs[0].alignment = PP_ALIGN.CENTER
    frame.paragraphs[0].runs[0].font.size = Pt(_CAPTION_POINTS)
