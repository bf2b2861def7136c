"""Change the texts of a slide where they stand: title, points, columns, and the labels beside them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from pptx.oxml.ns import qn
from pptx.slide import Slide

from seedx_tools.decks.editing.fit import fit, overlaps, page_bottom, text_height
from seedx_tools.decks.editing.points import edit_points
from seedx_tools.decks.editing.words import rewrite_all
from seedx_tools.decks.ooxml.layouts import frame_of, next_shape_id, remove
from seedx_tools.decks.ooxml.styles import TITLES, placeholder_type
from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.reader import column_shapes, point_paragraphs
from seedx_tools.decks.reading.texts import is_text_box, texts_of
from seedx_tools.decks.shapes import SlideShape, is_empty_placeholder, slide_shapes
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.points import split_points
from seedx_tools.decks.text.strings import clean, clean_point
from seedx_tools.decks.writing.balance import balance_text, release
from seedx_tools.decks.writing.text import write_points
from seedx_tools.decks.writing.titles import REST_NAME

_BODIES = ("body", "obj", "subTitle")


def edit_title(slide: Slide, title: str) -> bool:
    """Write a title where the slide shows its title, else into a new placeholder; return whether it fits."""
    if not clean(plain_text(title)) or any(shape.name == REST_NAME for shape in slide.shapes):
        return False
    placed = texts_of(slide).title or _new_title(slide)
    if placed is None:
        return False
    height = text_height(slide, placed)
    rewrite_all(placed.shape.text_frame.paragraphs, clean(title))
    return fit(slide, placed, height)


def edit_bullets(slide: Slide, before: Sequence[str], after: Sequence[str]) -> bool:
    """Write points where the slide shows its points, else into an empty placeholder; return whether they fit."""
    if not before:
        return _fill_empty(slide, after)
    if not after:
        return _remove_points(slide)
    written = point_paragraphs(slide)
    boxes = [shape for shape, _ in written]
    has_box_each = len({id(shape.element) for shape in boxes}) == len(boxes) > 1
    if len(after) > len(before) and has_box_each and not any(shape.is_placeholder for shape in boxes):
        if not _add_boxes(slide, len(after) - len(before)):
            return False
        written, before = point_paragraphs(slide), (*before, *[before[-1]] * (len(after) - len(before)))
    return _edit_text(slide, written, before, after)


def edit_columns(slide: Slide, before: SlidePlan, after: SlidePlan) -> bool:
    """Write the points and headings of columns; return whether they fit, and the slide has as many columns."""
    if len(before.columns) != len(after.columns) or not before.columns:
        return False
    for column, old, new in zip(column_shapes(slide), before.columns, after.columns, strict=True):
        if (
            bool(old.heading) != bool(new.heading)
            or not new.bullets
            or (old.heading != new.heading and column.heading is None)
        ):
            return False
        if old.heading != new.heading:
            if not _edit_text(slide, _written(column.heading), (old.heading,), (new.heading,)):
                return False
        if old.bullets != new.bullets:
            if not _edit_text(slide, _written(column.body), old.bullets, new.bullets):
                return False
    return True


def is_animated(slide: Slide, shape: Any) -> bool:
    """Return whether an animation of a slide moves or shows a shape, or a group that it is in."""
    ids = {str(shape.shape_id)}
    for parent in shape.element.iterancestors(qn("p:grpSp")):
        ids.add(str(parent.nvGrpSpPr.cNvPr.get("id")))
    return any(target.get("spid") in ids for target in slide.element.iter(qn("p:spTgt")))


def remove_shape(slide: Slide, shape: Any) -> bool:
    """Take a shape off its slide unless it is animated; return whether it is gone."""
    if is_animated(slide, shape):
        return False
    remove(shape)
    return True


def _written(shape: Any) -> list[tuple[Any, Any]]:
    return [(shape, paragraph) for paragraph in shape.text_frame.paragraphs if paragraph.text.strip()]


def _edit_text(slide: Slide, written: Sequence[tuple[Any, Any]], before: Sequence[str], after: Sequence[str]) -> bool:
    """Edit paragraphs, each with its shape; return whether the text still fits where it stands."""
    if len(written) != len(split_points(before)):
        return False
    elements = {id(shape.element) for shape, _ in written}
    shapes = [placed for placed in slide_shapes(slide) if id(placed.shape.element) in elements]
    bodies = [placed.shape for placed in shapes if placed.shape.is_placeholder]
    was_balanced = release(bodies)
    heights = [text_height(slide, placed) for placed in shapes]
    boxes = [placed for placed in shapes if is_text_box(slide, placed)]
    edit_points([paragraph for _, paragraph in written], before, [clean_point(text) for text in after])
    for placed in boxes:
        if not placed.shape.text_frame.text.strip() and not is_animated(slide, placed.shape):
            remove(placed.shape)
    fits = all(
        fit(slide, placed, height)
        for placed, height in zip(shapes, heights, strict=True)
        if placed.shape.element.getparent() is not None
    )
    if fits and was_balanced:
        balance_text(slide, bodies)
    return fits


def _add_boxes(slide: Slide, count: int) -> bool:
    """Add copies of the last of the text boxes that hold a point each, as far below as it is below the one before."""
    *_, above, last = texts_of(slide).points
    step = last.frame[1] - above.frame[1]
    element = last.shape.element
    for number in range(1, count + 1):
        left, top, width, height = last.frame
        frame = left, top + step * number, width, height
        is_free = not any(overlaps(frame, other.frame) for other in slide_shapes(slide))
        if step < height or not is_free or frame[1] + height > page_bottom(slide):
            return False
        added = copy.deepcopy(element)
        added.nvSpPr.cNvPr.set("id", str(next_shape_id(slide)))
        for tag in list(added.iter(qn("a:hlinkClick"))):
            tag.getparent().remove(tag)
        element.addnext(added)
        added.find(f".//{qn('a:off')}").set("y", str(int(added.find(f".//{qn('a:off')}").get("y")) + step * number))
    return True


def _new_title(slide: Slide) -> SlideShape | None:
    """Add the title placeholder of a slide's layout where nothing stands; None if it has none, or there is no room."""
    holders: Any = slide.slide_layout.placeholders
    for holder in holders:
        if placeholder_type(holder.element) in TITLES:
            if any(overlaps(frame_of(holder), placed.frame) for placed in slide_shapes(slide)):
                return None
            slide.shapes.clone_placeholder(holder)
            return texts_of(slide).title
    return None


def _fill_empty(slide: Slide, points: Sequence[str]) -> bool:
    """Write points into the largest empty placeholder for text that nothing covers."""
    shapes = list(slide_shapes(slide))
    shown = [placed for placed in shapes if not is_empty_placeholder(placed.shape)]
    free = [
        placed
        for placed in shapes
        if is_empty_placeholder(placed.shape)
        and placeholder_type(placed.shape.element) in _BODIES
        and not any(overlaps(placed.frame, other.frame) for other in shown)
    ]
    if not free:
        return False
    placed = max(free, key=lambda one: one.frame[2] * one.frame[3])
    is_list = placeholder_type(placed.shape.element) != "subTitle"
    write_points(slide, placed.shape, [clean_point(point) for point in points], bulleted=is_list)
    return fit(slide, placed, 0.0)


def _remove_points(slide: Slide) -> bool:
    points = texts_of(slide).points
    if any(is_animated(slide, placed.shape) for placed in points):
        return False
    for placed in points:
        remove(placed.shape)
    return True
