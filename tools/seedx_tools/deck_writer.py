"""Writing the slides of a deck: words into placeholders, pictures into frames, notes, alt text, slide numbers.

The writer knows layouts and geometry and nothing of models; what a slide could not get is told through `warn`.
"""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from PIL import Image
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.presentation import Presentation as PresentationObject
from pptx.slide import Slide

from seedx_tools.deck_layouts import Frame, Layouts, Slots, frame_of
from seedx_tools.outline import SlidePlan
from seedx_tools.pptx_style import placeholder_type
from seedx_tools.text_fit import fitting_scale, paragraphs_of, set_scale, shorten, split

MIN_VISIBLE = 0.8
"""A picture is cropped to fill its frame only if this share of it stays visible; else it is fitted inside."""

MIN_PICTURE_PX = 768
"""Smaller pictures are enlarged to at least this side before they are embedded, so that slides show smooth edges."""

_MAX_CONTINUED = 8
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class SlidePicture:
    """A picture to place, and what it shows in words."""

    image: Image.Image
    alt: str


class DeckWriter:
    """Adds slides to an empty presentation.

    Args:
        deck: A presentation without slides, with at least one layout that has a title and a body.
        warn: Called with one sentence for everything that a slide could not get.
    """

    def __init__(self, deck: PresentationObject, warn: Callable[[str], None]) -> None:
        self.deck = deck
        self._layouts = Layouts(deck)
        self._warn = warn
        self._footer = ""

    @property
    def cover_takes_picture(self) -> bool:
        """Whether the title slide's layout has a place for a picture."""
        return self._layouts.cover(picture=True).picture is not None

    def add_cover(self, title: str, subtitle: str, notes: str, picture: SlidePicture | None) -> Slide:
        """Add the title slide and return it."""
        slots = self._layouts.cover(picture=picture is not None)
        slide: Slide = self.deck.slides.add_slide(slots.layout)
        self._footer = clean(title)
        notes = self._write_title(slide, slots, title, notes)
        second = slots.subtitle if slots.subtitle is not None else slots.bodies[0] if slots.bodies else None
        if subtitle and second is not None:
            self._write_body(slide, _placeholder(slide, second), [clean(subtitle)], bulleted=True)
        elif subtitle:
            self._warn(f"slide 1: the layout has no place for the subtitle '{subtitle}'; it is in the notes")
            notes = f"{subtitle}\n{notes}".strip()
        if picture is not None and slots.picture is not None:
            self._place_picture(slide, slots, picture)
        self._finish(slide, notes)
        return slide

    def add_slide(self, plan: SlidePlan, picture: SlidePicture | None) -> list[Slide]:
        """Add a slide, and continued slides if its points need more room; return them."""
        bullets = [clean(bullet, keep_tabs=True) for bullet in plan.bullets if bullet.strip()]
        slides: list[Slide] = []
        title, notes = plan.title, plan.notes
        while bullets or not slides:
            slide, bullets = self._add_part(title, bullets, notes, picture, last=len(slides) == _MAX_CONTINUED)
            slides.append(slide)
            title, notes, picture = f"{plan.title} (continued)", "", None
        if len(slides) > 1:
            number = len(self.deck.slides) - len(slides) + 1
            self._warn(f"slide {number}: its text is too long for one slide; it continues on {len(slides) - 1} more")
        return slides

    def _add_part(
        self, title: str, bullets: list[str], notes: str, picture: SlidePicture | None, *, last: bool
    ) -> tuple[Slide, list[str]]:
        choose = self._layouts.points if bullets else self._layouts.heading
        slots = choose(picture=picture is not None)
        slide: Slide = self.deck.slides.add_slide(slots.layout)
        notes = self._write_title(slide, slots, title, notes)
        if picture is not None:
            self._place_picture(slide, slots, picture)
        rest: list[str] = []
        if bullets:
            body = _placeholder(slide, slots.bodies[0])
            if fitting_scale(slide, body, paragraphs_of(bullets)) is None:
                bullets, rest = split(slide, body, bullets)
            if last and rest:
                self._warn(f"slide {len(self.deck.slides)}: the rest of its text is only in the speaker notes")
                notes, rest = "\n".join([notes, *rest]).strip(), []
            self._write_body(slide, body, bullets, bulleted=len(bullets) > 1)
        self._finish(slide, notes)
        return slide, rest

    def _write_title(self, slide: Slide, slots: Slots, title: str, notes: str) -> str:
        """Write the title; return the notes, with the whole title if it had to be shortened."""
        shape = _placeholder(slide, slots.title)
        title = clean(title) or "Untitled"
        short = shorten(slide, shape, title)
        shape.text_frame.text = short
        set_scale(shape, fitting_scale(slide, shape, [(short, 0)]) or 0.8)
        if short == title:
            return notes
        self._warn(f"slide {len(self.deck.slides)}: its title was shortened; the whole title is in the notes")
        return f"{title}\n{notes}".strip()

    def _write_body(self, slide: Slide, shape: Any, bullets: list[str], *, bulleted: bool) -> None:
        paragraphs = paragraphs_of(bullets)
        frame = shape.text_frame
        for number, (text, level) in enumerate(paragraphs):
            paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
            paragraph.text = text
            if level:
                paragraph.level = level
            if not bulleted:
                properties = paragraph._p.get_or_add_pPr()
                properties.set("marL", "0")
                properties.set("indent", "0")
                properties.append(parse_xml(f"<a:buNone {nsdecls('a')}/>"))
        set_scale(shape, fitting_scale(slide, shape, paragraphs) or 0.8)

    def _place_picture(self, slide: Slide, slots: Slots, picture: SlidePicture) -> None:
        data = _png(picture.image)
        size = picture.image.size
        if slots.picture is not None:
            placeholder: Any = _placeholder(slide, slots.picture)
            frame = frame_of(placeholder)
            shape = placeholder.insert_picture(data)
            if _visible(size, frame) < MIN_VISIBLE:
                shape.crop_left = shape.crop_right = shape.crop_top = shape.crop_bottom = 0
                shape.left, shape.top, shape.width, shape.height = contain(size, frame)
        else:
            room = self._make_room(slide, slots)
            if room is None:
                self._warn(f"slide {len(self.deck.slides)}: its layout has no room for the picture; it was left out")
                return
            shapes: Any = slide.shapes
            shape = shapes.add_picture(data, *contain(size, room))
        properties = shape._element.nvPicPr.cNvPr
        properties.set("descr", clean(picture.alt))
        properties.set("name", f"Picture {properties.get('id')}")

    def _make_room(self, slide: Slide, slots: Slots) -> Frame | None:
        """Where a picture goes in a layout without a picture placeholder: EMU, clear of title and body."""
        if len(slots.bodies) > 1:
            second = _placeholder(slide, slots.bodies[1])
            frame = frame_of(second)
            _remove(second)
            return frame
        if slots.bodies:
            body = _placeholder(slide, slots.bodies[0])
            left, top, width, height = frame_of(body)
            words = width * 55 // 100
            body.left, body.top, body.width, body.height = left, top, words, height
            gap = width * 4 // 100
            return left + words + gap, top, width - words - gap, height
        left, top, width, height = frame_of(_placeholder(slide, slots.title))
        page = int(self.deck.slide_height or 0)
        start = top + height + page // 40
        room = page * 93 // 100 - start
        return (left, start, width, room) if room > page // 5 else None

    def _finish(self, slide: Slide, notes: str) -> None:
        """Notes, footer, slide number; and no empty placeholder stays behind."""
        for shape in list(slide.placeholders):
            if placeholder_type(shape.element) == "pic" and shape.element.tag == qn("p:pic"):
                continue
            if not (shape.has_text_frame and shape.text_frame.text.strip()):
                _remove(shape)
        _copy_footer(slide, self._footer)
        if notes.strip():
            frame = slide.notes_slide.notes_text_frame
            if frame is None:
                self._warn(
                    f"slide {len(self.deck.slides)}: the template's notes page has no text; the notes were left out"
                )
            else:
                frame.text = clean(notes, keep_lines=True)


def set_properties(deck: PresentationObject, title: str) -> None:
    """Write the file's own title and dates, in place of the template's."""
    now = datetime.now(UTC).replace(tzinfo=None)
    properties = deck.core_properties
    properties.title, properties.author, properties.last_modified_by = clean(title), "", ""
    properties.created = properties.modified = now
    properties.revision = 1


def clean(text: str, *, keep_tabs: bool = False, keep_lines: bool = False) -> str:
    """Return text that XML can hold, on one line unless keep_lines; keep_tabs keeps the tabs in front."""
    text = _ILLEGAL.sub("", text)
    if keep_lines:
        return text.strip()
    tabs = text[: len(text) - len(text.lstrip("\t"))] if keep_tabs else ""
    return tabs + " ".join(text.split())


def contain(size: tuple[int, int], frame: Frame) -> Frame:
    """Return the largest place of a picture inside a frame, centred, in its own proportions."""
    left, top, width, height = frame
    scale = min(width / size[0], height / size[1])
    wide, high = round(size[0] * scale), round(size[1] * scale)
    return left + (width - wide) // 2, top + (height - high) // 2, wide, high


def _visible(size: tuple[int, int], frame: Frame) -> float:
    own, wanted = size[0] / size[1], frame[2] / frame[3]
    return min(own, wanted) / max(own, wanted)


def _placeholder(slide: Slide, index: int | None) -> Any:
    return next(shape for shape in slide.placeholders if shape.placeholder_format.idx == index)


def _remove(shape: Any) -> None:
    shape.element.getparent().remove(shape.element)


def _png(image: Image.Image) -> io.BytesIO:
    factor = -(-MIN_PICTURE_PX // max(image.size))
    if factor > 1:
        image = image.resize((image.width * factor, image.height * factor), Image.Resampling.BICUBIC)
    data = io.BytesIO()
    image.save(data, "PNG")
    data.seek(0)
    return data


def _copy_footer(slide: Slide, footer: str) -> None:
    """python-pptx leaves the layout's footer and slide number out; take them over with their text."""
    placeholders: Any = slide.slide_layout.placeholders
    for shape in placeholders:
        kind = placeholder_type(shape.element)
        if kind not in ("ftr", "sldNum") or (kind == "ftr" and not footer):
            continue
        element = copy.deepcopy(shape.element)
        for child in list(element.spPr):
            element.spPr.remove(child)
        element.nvSpPr.cNvPr.set("id", str(max(int(s.shape_id) for s in slide.shapes) + 1))
        text = element.find(qn("p:txBody"))
        for paragraph in text.findall(qn("a:p")):
            text.remove(paragraph)
        text.append(_footer_paragraph(kind, footer))
        slide.shapes._spTree.append(element)


def _footer_paragraph(kind: str, footer: str) -> Any:
    if kind == "sldNum":
        return parse_xml(
            f"<a:p {nsdecls('a')}><a:fld id='{{C1FF6DA9-008F-8B48-92A6-B652298478BF}}' type='slidenum'>"
            "<a:rPr lang='en-US'/><a:t>&#8249;#&#8250;</a:t></a:fld></a:p>"
        )
    paragraph = parse_xml(f"<a:p {nsdecls('a')}><a:r><a:rPr lang='en-US'/><a:t/></a:r></a:p>")
    paragraph.find(f".//{qn('a:t')}").text = footer
    return paragraph
