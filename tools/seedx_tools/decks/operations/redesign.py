"""Put a slide on a layout of another design: its content stays, its placeholders follow the new layout."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from pptx.enum.shapes import PP_PLACEHOLDER as PH
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.slide import Slide, SlideMaster

from seedx_tools.decks.drawing.reading import is_drawn
from seedx_tools.decks.editing.carry_over import redirect
from seedx_tools.decks.ooxml.layouts import EmuFrame, LayoutSlots, frame_of
from seedx_tools.decks.ooxml.styles import FOOTERS, TITLES, placeholder_type
from seedx_tools.decks.operations.moving import (
    Move,
    contained,
    drop_frame,
    has_own_frame,
    scale_text,
    set_frame,
)
from seedx_tools.decks.operations.relayout import (
    Content,
    content_of,
    frames_of,
    in_reading_order,
    is_inside,
    nearest_layout,
    without_place,
)
from seedx_tools.decks.text.fitting import set_scale
from seedx_tools.decks.text.shapes import place_text
from seedx_tools.decks.writing.balance import balance_text, release
from seedx_tools.decks.writing.frames import SOURCE_NAME

_LEAST_SCALE, _STEP = 0.5, 0.05
_MOST_CROPPED = 0.3
"""A picture that would lose more of its sides to fill its placeholder keeps its proportions in it."""
_BALANCED = {qn("a:spcBef"), qn("a:defRPr")}
_DRAWINGS = (qn("p:sp"), qn("p:cxnSp"), qn("p:grpSp"))


class Redesigned:
    """A slide that changes to a layout of another master.

    Args:
        slide: The slide.
        master: The master of the new design, in the deck already.
        page: From the old page to the new one.
    """

    def __init__(self, slide: Slide, master: SlideMaster, page: Move) -> None:
        self._slide, self._page = slide, page
        self._changes: list[str] = []
        self._content: Content = content_of(slide)
        self._slots: LayoutSlots = nearest_layout(self._content, master)
        self._old_frames = self._content.areas
        self._new_frames = frames_of(self._slots.layout)
        self._frames: dict[int, EmuFrame] = {shape.shape_id: frame_of(shape) for shape in slide.shapes}
        self._was_balanced = [shape.shape_id for shape in slide.placeholders if _is_balanced(shape)]

    def apply(self) -> list[str]:
        """Put the slide on the new layout; return a sentence for everything that changes beyond its place and look."""
        old_layout = self._slide.slide_layout
        places = self._places()
        moves = {
            index: Move(frame, self._new_frames[places[index]])
            for index, frame in self._old_frames.items()
            if index in places
        }
        shapes: Any = list(self._slide.shapes)
        placeholders = [shape for shape in shapes if shape.is_placeholder]
        loose = [shape for shape in shapes if not shape.is_placeholder]
        indexes = {shape.shape_id: shape.placeholder_format.idx for shape in placeholders}
        kinds = {shape.shape_id: placeholder_type(shape.element) for shape in placeholders}
        _follow_colors(self._slide, old_layout, self._slots.layout)
        redirect(self._slide.part, old_layout.part, self._slots.layout.part)
        self._move_loose(loose, moves)
        for shape in placeholders:
            if kinds[shape.shape_id] in FOOTERS:
                self._move_footer(shape, str(kinds[shape.shape_id]))
            else:
                self._move_placeholder(shape, indexes[shape.shape_id], places, moves)
        self._fit()
        return self._changes

    def _places(self) -> dict[int, int]:
        """Return the idx on the new layout for each idx of the old one that has a counterpart there."""
        old, new = self._content.slots, self._slots
        places: dict[int, int] = {}
        if old.title is not None and new.title is not None:
            places[old.title] = new.title
        bodies = list(in_reading_order(self._new_frames, new.bodies))
        captions = list(in_reading_order(self._new_frames, new.captions))
        if old.subtitle is not None:
            second = [index for index in (new.subtitle,) if index is not None] or captions or bodies
            places |= {old.subtitle: second[0]} if second else {}
        if not new.bodies and new.subtitle is not None:
            bodies = [new.subtitle]
        others = without_place(self._content, new)
        for name in ("picture", "table", "chart"):
            source, target = getattr(old, name), getattr(new, name)
            if source is not None and target is not None:
                places[source] = target
        wanted = in_reading_order(self._old_frames, [*self._content.bodies, *self._content.free, *others])
        places |= dict(zip(wanted, [index for index in bodies if index not in places.values()], strict=False))
        left = [index for index in captions if index not in places.values()]
        places |= dict(zip(self._content.captions, left, strict=False))
        return places

    def _move_loose(self, shapes: Sequence[Any], moves: dict[int, Move]) -> None:
        """Move shapes that are in no placeholder, each with the place of the old layout that it stands in.

        A drawing moves as one, with its labels, and keeps its proportions.
        """
        drawn = [shape for shape in shapes if shape.element.tag in _DRAWINGS and not _is_source(shape)]
        if all(_is_text_box(shape) and not is_drawn(shape.name) for shape in drawn):
            drawn = []
        whole = _union([self._frames[shape.shape_id] for shape in drawn])
        for shape in shapes:
            before = self._frames[shape.shape_id]
            is_part = shape in drawn
            move = self._move_of(whole if is_part else before, moves)
            if is_part:
                target = (move or self._page).scaled(before)
                scale_text([shape.element], (move or self._page).scale)
            else:
                target = self._page.scaled(before) if move is None else move.stretched(before)
            if shape.element.tag == qn("p:pic"):
                target = contained(before, target)
            elif _is_text_box(shape) and not is_part:
                scale_text([shape.element], self._page.scale)
                target = (*target[:3], max(target[3], before[3]))
            if target != before:
                set_frame(shape, target)

    def _move_of(self, frame: EmuFrame, moves: dict[int, Move]) -> Move | None:
        """Return where the place of the old layout went that holds a frame; None if none does."""
        return next((move for index, move in moves.items() if is_inside(frame, self._old_frames[index])), None)

    def _move_footer(self, shape: Any, kind: str) -> None:
        layout: Any = self._slots.layout
        found = next((one for one in layout.placeholders if placeholder_type(one.element) == kind), None)
        if found is None:
            if kind == "ftr" and shape.has_text_frame and shape.text_frame.text.strip():
                self._changes.append(f"the new layout has no place for its footer '{shape.text_frame.text.strip()}'")
            shape.element.getparent().remove(shape.element)
            return
        _point_to(shape, found)
        drop_frame(shape.element)

    def _move_placeholder(self, shape: Any, index: int, places: dict[int, int], moves: dict[int, Move]) -> None:
        layout: Any = self._slots.layout
        before = self._frames[shape.shape_id]
        target = next((one for one in layout.placeholders if one.placeholder_format.idx == places.get(index)), None)
        if target is None:
            self._make_loose(shape, before)
            return
        own, move = has_own_frame(shape.element), moves[index] if index in moves else self._page
        _point_to(shape, target)
        if shape.element.tag == qn("p:pic"):
            self._fill(shape, before, frame_of(target))
        elif shape.element.tag == qn("p:graphicFrame"):
            set_frame(shape, move.stretched(before))
        elif own:
            if before == self._old_frames.get(index):
                drop_frame(shape.element)
            else:
                set_frame(shape, move.stretched(before))

    def _make_loose(self, shape: Any, before: EmuFrame) -> None:
        """Turn a placeholder without a counterpart into a shape of its own, in the look of the new body text."""
        ph = next(shape.element.iter(qn("p:ph")))
        what = "text" if shape.element.tag == qn("p:sp") else "content"
        if shape.element.tag == qn("p:sp") and not shape.text_frame.text.strip():
            shape.element.getparent().remove(shape.element)
            return
        ph.getparent().remove(ph)
        if shape.element.tag == qn("p:sp"):
            shape.element.nvSpPr.cNvSpPr.set("txBox", "1")
        target = self._page.stretched(before)
        set_frame(shape, contained(before, target) if shape.element.tag == qn("p:pic") else target)
        if shape.element.tag == qn("p:sp") and shape.element.spPr.find(qn("a:prstGeom")) is None:
            box = parse_xml(f"<a:prstGeom {nsdecls('a')} prst='rect'><a:avLst/></a:prstGeom>")
            shape.element.spPr.find(qn("a:xfrm")).addnext(box)
        self._changes.append(
            f"the new layout has no place for the {what} in '{shape.name}'; it stays where it was, as a box"
        )

    def _fill(self, shape: Any, before: EmuFrame, place: EmuFrame) -> None:
        """Let a picture fill its placeholder if little is cut off its sides for that."""
        ratio = (before[2] / max(1, before[3])) / (place[2] / max(1, place[3]))
        lost = 1 - min(ratio, 1 / ratio)
        if lost > _MOST_CROPPED:
            set_frame(shape, contained(before, place))
            return
        left, right, top, bottom = shape.crop_left, shape.crop_right, shape.crop_top, shape.crop_bottom
        if ratio > 1:
            cut = (1 - left - right) * lost / 2
            shape.crop_left, shape.crop_right = left + cut, right + cut
        elif ratio < 1:
            cut = (1 - top - bottom) * lost / 2
            shape.crop_top, shape.crop_bottom = top + cut, bottom + cut
        drop_frame(shape.element)

    def _fit(self) -> None:
        """Fit the type of texts to their new places, as far as it was fitted to the old ones."""
        shapes: Any = self._slide.placeholders
        texts = [
            shape
            for shape in shapes
            if shape.element.tag == qn("p:sp")
            and placeholder_type(shape.element) not in FOOTERS
            and shape.text_frame.text.strip()
        ]
        for shape in texts:
            if shape.shape_id in self._was_balanced:
                release([shape])
            body = shape.text_frame._txBody.find(qn("a:bodyPr"))
            for fit in body.findall(qn("a:normAutofit")):
                body.remove(fit)
            scale = 1.0
            placed = place_text(self._slide, shape)
            while placed.height > placed.room + 0.5 and scale - _STEP >= _LEAST_SCALE - 1e-6:
                scale -= _STEP
                set_scale(shape, scale)
                placed = place_text(self._slide, shape)
        bodies = [shape for shape in texts if shape.placeholder_format.type not in (PH.TITLE, PH.CENTER_TITLE)]
        grown = [shape for shape in bodies if shape.shape_id in self._was_balanced]
        if grown:
            balance_text(self._slide, grown)


def _is_text_box(shape: Any) -> bool:
    element = shape.element
    return element.tag == qn("p:sp") and element.nvSpPr.cNvSpPr.get("txBox") in ("1", "true")


def _is_source(shape: Any) -> bool:
    return bool(shape.name == SOURCE_NAME)


def _union(frames: Sequence[EmuFrame]) -> EmuFrame:
    """Return the smallest frame around several."""
    if not frames:
        return 0, 0, 0, 0
    left, top = min(frame[0] for frame in frames), min(frame[1] for frame in frames)
    right, bottom = max(frame[0] + frame[2] for frame in frames), max(frame[1] + frame[3] for frame in frames)
    return left, top, right - left, bottom - top


def _is_balanced(shape: Any) -> bool:
    """Return whether the type of a placeholder was set by balance_text, and not by a user."""
    if shape.element.tag != qn("p:sp"):
        return False
    text = shape.text_frame._txBody
    styles = text.find(qn("a:lstStyle"))
    levels = list(styles) if styles is not None else []
    own = [child for level in levels for child in level]
    if any(child.tag not in _BALANCED or set(child.attrib) - {"sz"} for child in own):
        return False
    if any(len(child) for child in own if child.tag == qn("a:defRPr")):
        return False
    is_body = placeholder_type(shape.element) not in (*TITLES, *FOOTERS)
    return is_body and (bool(levels) or "tIns" in text.find(qn("a:bodyPr")).attrib)


def _point_to(shape: Any, target: Any) -> None:
    """Let a placeholder of a slide follow a placeholder of its layout."""
    ph = next(shape.element.iter(qn("p:ph")))
    source = next(target.element.iter(qn("p:ph")))
    for name in ("type", "orient", "sz", "idx"):
        value = source.get(name)
        if value is not None:
            ph.set(name, value)
        else:
            ph.attrib.pop(name, None)


def _follow_colors(slide: Slide, old: Any, new: Any) -> None:
    """Map the colors of a slide as its new layout does, unless it had a map of its own."""
    own = slide.element.find(qn("p:clrMapOvr"))
    was, now = (layout.element.find(qn("p:clrMapOvr")) for layout in (old, new))
    if own is None:
        return
    mine, theirs = own.find(qn("a:overrideClrMapping")), None if was is None else was.find(qn("a:overrideClrMapping"))
    if mine is not None and (theirs is None or dict(mine.attrib) != dict(theirs.attrib)):
        return
    override = None if now is None else now.find(qn("a:overrideClrMapping"))
    own[:] = [own.makeelement(qn("a:masterClrMapping")) if override is None else copy.deepcopy(override)]
