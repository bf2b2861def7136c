"""Read a slide of a saved deck into a plan that can be changed and written again."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image
from pptx.oxml.ns import qn
from pptx.slide import Slide
from pydantic import ValidationError

from seedx_sdk.errors import ImageError
from seedx_sdk.imaging import ImageLimits, open_image
from seedx_tools.decks.drawing.reading import is_drawn, read_visual
from seedx_tools.decks.ooxml.chart_data import chart_data_of
from seedx_tools.decks.ooxml.layouts import LayoutSlots, slots_of
from seedx_tools.decks.outline import (
    MAX_COLUMNS,
    MAX_ROWS,
    CodeBlock,
    Column,
    Quote,
    SlideKind,
    SlidePlan,
    TableData,
)
from seedx_tools.decks.reading.diagrams import diagrams_of
from seedx_tools.decks.reading.texts import is_text_box, texts_of
from seedx_tools.decks.shapes import ShapeKind, SlideShape, slide_shapes
from seedx_tools.decks.text.footnotes import FOOTNOTES_NAME
from seedx_tools.decks.text.languages.direction import slide_is_mirrored
from seedx_tools.decks.text.points import join_points
from seedx_tools.decks.text.reading import inline_text, unmarked_text
from seedx_tools.decks.writing.frames import SOURCE_NAME
from seedx_tools.decks.writing.points.bullets import read_paragraphs
from seedx_tools.decks.writing.points.columns import ColumnShapes, columns_on
from seedx_tools.decks.writing.titles import REST_MARK, REST_NAME
from seedx_tools.illustration.illustrator import ALT_PREFIX

_DASH = "\u2014"
_FOOTNOTE = re.compile(r"\[\^\d+\]\s*")
"""The mark before a footnote."""
_SMALL = 0.25
"""A picture with less than this share of the area of the largest is a logo or an icon beside it."""
_MAX_LINES = 2
"""Lines under the title of a section or closing slide; a slide with more is a content slide."""
_UNSUPPORTED = {
    qn("p:sp"): "a drawn shape",
    qn("p:cxnSp"): "a drawn line",
    qn("p:graphicFrame"): "a diagram or an embedded object",
}
_MEDIA = tuple(qn(f"a:{name}") for name in ("audioCd", "wavAudioFile", "audioFile", "videoFile", "quickTimeFile"))
_ALTERNATIVES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_ANY_ASPECT = ImageLimits(max_aspect=math.inf)


def read_slide(slide: Slide) -> SlidePlan:
    """Return the content of a slide; what a plan cannot hold is left out, and `unsupported_content` names it."""
    tables, charts, pictures = (shapes_of(slide, kind) for kind in ("table", "chart", "picture"))
    picture = main_picture(slide)
    boxes = [placed for placed in shapes_of(slide, "text") if placed.name == SOURCE_NAME and _points(placed.shape)]
    found = texts_of(slide)
    title, texts, programs = found.title, found.points, found.programs
    slots = slots_of(slide.slide_layout)
    columns = tuple(
        Column(
            heading="" if column.heading is None else " ".join(_points(column.heading)),
            bullets=tuple(_points(column.body)),
        )
        for column in column_shapes(slide)
    )
    quote = None if columns or pictures else _quote(slots, texts)
    bullets = () if columns or quote else tuple(point for placed in texts for point in _points(placed.shape))
    visual = read_visual(slide)
    has_more = visual or programs or columns or quote or tables or charts or pictures or len(bullets) > _MAX_LINES
    notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    return SlidePlan(
        title=_title_text(slide, title),
        kind="content" if has_more else _kind(slide, slots),
        bullets=bullets,
        columns=columns,
        table=_table(tables[0].shape) if tables else None,
        chart=chart_data_of(charts[0].shape.chart) if charts else None,
        visual=visual,
        code=CodeBlock(text="\n\n".join(placed.shape.text_frame.text for placed in programs)) if programs else None,
        quote=quote,
        picture="" if picture is None else picture.alt_text.removeprefix(ALT_PREFIX) or None,
        footnotes=tuple(_FOOTNOTE.sub("", inline_text(paragraph)) for paragraph in footnote_paragraphs(slide)),
        source=" ".join(_points(boxes[0].shape)) if boxes else "",
        labels=(
            *map(unmarked_text, label_paragraphs(slide)),
            *(unmarked_text(paragraph) for diagram in diagrams_of(slide) for paragraph in diagram.paragraphs),
        ),
        notes="" if notes is None else notes.text,
    )


def shapes_of(slide: Slide, kind: ShapeKind) -> list[SlideShape]:
    """Return the shapes of a slide with one kind of content, without those of a drawing."""
    return [placed for placed in slide_shapes(slide) if placed.kind == kind and not is_drawn(placed.name)]


def main_picture(slide: Slide) -> SlideShape | None:
    """Return the picture of a slide's plan: the first that is not small beside another, or None if there is none."""
    return next(iter(large_pictures(slide)), None)


def large_pictures(slide: Slide) -> list[SlideShape]:
    """Return the pictures of a slide but logos and icons beside a larger one."""
    pictures = shapes_of(slide, "picture")
    largest = max((placed.frame[2] * placed.frame[3] for placed in pictures), default=0)
    return [placed for placed in pictures if placed.frame[2] * placed.frame[3] >= _SMALL * largest]


def point_paragraphs(slide: Slide) -> list[tuple[Any, Any]]:
    """Return the paragraphs that the points of a slide's plan are read from, in their order, each with its shape."""
    return [
        (placed.shape, paragraph)
        for placed in texts_of(slide).points
        for paragraph in placed.shape.text_frame.paragraphs
        if paragraph.text.strip()
    ]


def label_paragraphs(slide: Slide) -> list[Any]:
    """Return the paragraphs of the labels and remarks of a slide, in order; those of SmartArt are not among them."""
    return [
        paragraph
        for placed in texts_of(slide).labels
        for paragraph in placed.shape.text_frame.paragraphs
        if paragraph.text.strip()
    ]


def footnote_paragraphs(slide: Slide) -> list[Any]:
    """Return the paragraphs of the footnotes of a slide, in their order."""
    boxes = [placed.shape for placed in shapes_of(slide, "text") if placed.name == FOOTNOTES_NAME]
    return [paragraph for paragraph in boxes[0].text_frame.paragraphs if paragraph.text.strip()] if boxes else []


def column_shapes(slide: Slide) -> list[ColumnShapes]:
    """Return the shapes of the columns of a slide that has no text outside them; empty for any other slide."""
    shapes = [placed.shape for placed in texts_of(slide).points]
    return columns_on(slide, shapes, right_to_left=slide_is_mirrored(slide))


def is_cover(slide: Slide) -> bool:
    """Return whether a slide is the title slide of its deck: the first, on a title layout."""
    return slots_of(slide.slide_layout).role == "cover" and _is_first(slide)


def unsupported_content(slide: Slide) -> list[str]:
    """Return the contents of a slide that a plan cannot hold, and its picture if writing the plan would lose it."""
    lost = _lost_picture(slide) if shapes_of(slide, "picture") else None
    return [*unsupported_shapes(slide), *([] if lost is None else [lost])]


def unsupported_shapes(slide: Slide) -> list[str]:
    """Return the contents of a slide that a plan cannot hold, such as "a second picture"."""
    tables, charts, pictures = (shapes_of(slide, kind) for kind in ("table", "chart", "picture"))
    lost = []
    if any(chart_data_of(placed.shape.chart) is None for placed in charts):
        lost.append("a chart of an unsupported kind")
    if any(_table(placed.shape) is None for placed in tables):
        lost.append(f"a table without headings or with more than {MAX_COLUMNS} columns or {MAX_ROWS} rows")
    if any(cell.is_merge_origin for placed in tables for cell in placed.shape.table.iter_cells()):
        lost.append("merged cells")
    readable = read_visual(slide) is not None
    foreign = [placed for placed in slide_shapes(slide) if not (readable and is_drawn(placed.name))]
    labels = texts_of(slide).labels
    for placed in foreign:
        if _is_drawing(slide, placed):
            lost.append(f"{_UNSUPPORTED.get(placed.shape.element.tag, 'an object')} ('{placed.name}')")
        elif placed in labels:
            lost.append(f"a text box beside the points ('{placed.name}')")
    if next(slide.shapes._spTree.iter(_ALTERNATIVES), None) is not None:
        lost.append("an object that only some versions of PowerPoint show")
    if any(is_media(placed) for placed in pictures):
        lost.append("a video or a sound")
    lost += [
        f"a second {name}" for name, found in (("table", tables), ("chart", charts), ("picture", pictures)) if found[1:]
    ]
    return lost


def is_media(placed: SlideShape) -> bool:
    """Return whether a picture is the poster of a video or a sound."""
    return next(placed.shape.element.iter(*_MEDIA), None) is not None


def first_picture(slide: Slide, warn: Callable[[str], None]) -> tuple[Image.Image, str] | None:
    """Return the first picture on a slide whose data is in the file, with its alt text, or None.

    Raises:
        ImageError: If it is damaged or in an unsupported format, such as EMF.
    """
    main = main_picture(slide)
    for placed in sorted(shapes_of(slide, "picture"), key=lambda placed: placed != main):
        if placed.shape.element.tag == qn("p:pic"):
            try:
                blob = bytes(placed.shape.image.blob)
            except (AttributeError, KeyError, ValueError):  # a linked picture has no bytes in the file
                continue
            return open_image(blob, limits=_ANY_ASPECT, on_warning=warn), placed.alt_text
    return None


def _lost_picture(slide: Slide) -> str | None:
    """Return why the picture would be lost when the slide is written again; None if it would not."""
    if not read_slide(slide).wants_picture:
        return "a picture beside content that leaves no room for one"
    if is_cover(slide) and slots_of(slide.slide_layout).picture is None:
        return "a picture on a title slide whose layout has no picture placeholder"
    try:
        found = first_picture(slide, lambda _: None)
    except ImageError:
        found = None
    return "a picture in a format that cannot be opened" if found is None else None


def _is_drawing(slide: Slide, placed: SlideShape) -> bool:
    """Return whether a shape is a drawing: not a placeholder, text box, picture, table or chart."""
    if placed.kind != "text":
        return placed.kind == "other"
    return not (placed.shape.is_placeholder or is_text_box(slide, placed))


def _is_first(slide: Slide) -> bool:
    slides = slide.part.package.presentation_part.presentation.slides
    return bool(slides[0].slide_id == slide.slide_id)


def _title_text(slide: Slide, title: SlideShape | None) -> str:
    """Return the title of a slide, with the part of it that stands in a box of its own."""
    rests = [placed for placed in shapes_of(slide, "text") if placed.name == REST_NAME]
    texts = [
        " ".join(map(unmarked_text, placed.shape.text_frame.paragraphs)).strip() for placed in (title, *rests) if placed
    ]
    return " ".join(text.removeprefix(REST_MARK) if place else text for place, text in enumerate(texts))


def _points(shape: Any) -> list[str]:
    return join_points(read_paragraphs(shape))


def _kind(slide: Slide, slots: LayoutSlots) -> SlideKind:
    if slots.role == "section":
        return "section"
    # without a closing layout, the last slide uses the layout of the title slide
    is_end = slots.role == "closing" or (slots.role == "cover" and not _is_first(slide))
    return "closing" if is_end else "content"


def _quote(slots: LayoutSlots, texts: Sequence[SlideShape]) -> Quote | None:
    """Return the quote of a slide with no other text: on a quote layout, or in quotation marks."""
    captions = [placed for placed in texts if _index(placed) in slots.captions]
    others = [placed for placed in texts if placed not in captions]
    lines = [point.strip() for placed in (*others, *captions) for point in _points(placed.shape)]
    is_signed = len(lines) > 1 and (bool(captions) or lines[-1].startswith(_DASH))
    quoted = lines[:-1] if is_signed else lines
    text = " ".join(quoted)
    is_marked = text.startswith("\u201c") and text.endswith("\u201d")
    if not quoted or not (slots.role == "quote" or (is_marked and len(quoted) == 1)):
        return None
    return Quote(text=text[1:-1] if is_marked else text, by=lines[-1].removeprefix(_DASH).strip() if is_signed else "")


def _index(placed: SlideShape) -> int | None:
    return placed.shape.placeholder_format.idx if placed.shape.is_placeholder else None


def _is_centered(paragraph: Any) -> bool:
    properties = paragraph._p.pPr
    return properties is not None and properties.get("algn") == "ctr"


def _table(shape: Any) -> TableData | None:
    head, *rows = ([cell for cell in row.cells] for row in shape.table.rows)
    if not any(cell.text for cell in head):
        return None
    centered = [_is_centered(cell.text_frame.paragraphs[0]) for cell in head]
    try:
        return TableData(
            header=tuple(" ".join(inline_text(p, bold=False) for p in cell.text_frame.paragraphs) for cell in head),
            rows=tuple(tuple(" ".join(map(inline_text, cell.text_frame.paragraphs)) for cell in row) for row in rows),
            align=tuple("center" if center else "" for center in centered) if any(centered) else (),
        )
    except ValidationError:
        return None
