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
from seedx_tools.decks.ooxml.styles import placeholder_type
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
from seedx_tools.decks.shapes import ShapeKind, SlideShape, slide_shapes
from seedx_tools.decks.text.footnotes import FOOTNOTES_NAME
from seedx_tools.decks.text.points import join_points
from seedx_tools.decks.text.reading import inline_text
from seedx_tools.decks.text.strings import runs_right_to_left
from seedx_tools.decks.writing.code import CODE_NAME
from seedx_tools.decks.writing.frames import SOURCE_NAME
from seedx_tools.decks.writing.points.bullets import read_paragraphs
from seedx_tools.decks.writing.points.columns import ColumnShapes, columns_on
from seedx_tools.illustration.illustrator import ALT_PREFIX

_DASH = "\u2014"
_FOOTNOTE = re.compile(r"\[\^\d+\]\s*")
"""The mark before a footnote."""
_MAX_LINES = 2
"""Lines under the title of a section or closing slide; a slide with more is a content slide."""
_NOT_BODY_TEXT = ("title", "ctrTitle", "dt", "ftr", "sldNum")
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
    title = slide.shapes.title
    tables, charts, pictures = (shapes_of(slide, kind) for kind in ("table", "chart", "picture"))
    boxes = [placed for placed in shapes_of(slide, "text") if placed.name == SOURCE_NAME and _points(placed.shape)]
    texts, programs = _texts(slide)
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
        title="" if title is None else " ".join(map(inline_text, title.text_frame.paragraphs)),
        kind="content" if has_more else _kind(slide, slots),
        bullets=bullets,
        columns=columns,
        table=_table(tables[0].shape) if tables else None,
        chart=chart_data_of(charts[0].shape.chart) if charts else None,
        visual=visual,
        code=CodeBlock(text="\n\n".join(placed.shape.text_frame.text for placed in programs)) if programs else None,
        quote=quote,
        picture=pictures[0].alt_text.removeprefix(ALT_PREFIX) or None if pictures else "",
        footnotes=tuple(_FOOTNOTE.sub("", inline_text(paragraph)) for paragraph in footnote_paragraphs(slide)),
        source=" ".join(_points(boxes[0].shape)) if boxes else "",
        notes="" if notes is None else notes.text,
    )


def shapes_of(slide: Slide, kind: ShapeKind) -> list[SlideShape]:
    """Return the shapes of a slide with one kind of content, without those of a drawing."""
    return [placed for placed in slide_shapes(slide) if placed.kind == kind and not is_drawn(placed.name)]


def point_paragraphs(slide: Slide) -> list[tuple[Any, Any]]:
    """Return the paragraphs that the points of a slide's plan are read from, in their order, each with its shape."""
    return [
        (placed.shape, paragraph)
        for placed in _texts(slide)[0]
        for paragraph in placed.shape.text_frame.paragraphs
        if paragraph.text.strip()
    ]


def footnote_paragraphs(slide: Slide) -> list[Any]:
    """Return the paragraphs of the footnotes of a slide, in their order."""
    boxes = [placed.shape for placed in shapes_of(slide, "text") if placed.name == FOOTNOTES_NAME]
    return [paragraph for paragraph in boxes[0].text_frame.paragraphs if paragraph.text.strip()] if boxes else []


def column_shapes(slide: Slide) -> list[ColumnShapes]:
    """Return the shapes of the columns of a slide that has no text outside them; empty for any other slide."""
    shapes = [placed.shape for placed in _texts(slide)[0]]
    text = " ".join(point for shape in shapes for point in _points(shape))
    return columns_on(slide, shapes, right_to_left=runs_right_to_left(text))


def is_cover(slide: Slide) -> bool:
    """Return whether a slide is the title slide of its deck: the first, on a title layout."""
    return slots_of(slide.slide_layout).role == "cover" and _is_first(slide)


def unsupported_content(slide: Slide) -> str | None:
    """Return the first content of a slide that a plan cannot hold, or a picture that it would lose, or None."""
    return unsupported_shape(slide) or (_lost_picture(slide) if shapes_of(slide, "picture") else None)


def unsupported_shape(slide: Slide) -> str | None:
    """Return the first content of a slide that a plan cannot hold, such as "a second picture", or None."""
    tables, charts, pictures = (shapes_of(slide, kind) for kind in ("table", "chart", "picture"))
    if any(chart_data_of(placed.shape.chart) is None for placed in charts):
        return "a chart of an unsupported kind"
    if any(_table(placed.shape) is None for placed in tables):
        return f"a table without headings or with more than {MAX_COLUMNS} columns or {MAX_ROWS} rows"
    readable = read_visual(slide) is not None
    foreign = (placed for placed in slide_shapes(slide) if not (readable and is_drawn(placed.name)))
    drawn = next((placed for placed in foreign if _is_drawing(placed)), None)
    if drawn is not None:
        return f"{_UNSUPPORTED.get(drawn.shape.element.tag, 'an object')} ('{drawn.name}')"
    if next(slide.shapes._spTree.iter(_ALTERNATIVES), None) is not None:
        return "an object that only some versions of PowerPoint show"
    if any(_is_media(placed) for placed in pictures):
        return "a video or a sound"
    for name, found in (("table", tables), ("chart", charts), ("picture", pictures)):
        if len(found) > 1:
            return f"a second {name}"
    return None


def first_picture(slide: Slide, warn: Callable[[str], None]) -> tuple[Image.Image, str] | None:
    """Return the first picture on a slide whose data is in the file, with its alt text, or None.

    Raises:
        ImageError: If it is damaged or in an unsupported format, such as EMF.
    """
    for placed in shapes_of(slide, "picture"):
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


def _is_drawing(placed: SlideShape) -> bool:
    """Return whether a shape is a drawing: not a placeholder, text box, picture, table or chart."""
    element = placed.shape.element
    if placed.kind != "text":
        return placed.kind == "other"
    is_box = element.tag == qn("p:sp") and element.nvSpPr.cNvSpPr.get("txBox") in ("1", "true")
    return not (placed.shape.is_placeholder or is_box)


def _is_media(placed: SlideShape) -> bool:
    return next(placed.shape.element.iter(*_MEDIA), None) is not None


def _is_first(slide: Slide) -> bool:
    slides = slide.part.package.presentation_part.presentation.slides
    return bool(slides[0].slide_id == slide.slide_id)


def _texts(slide: Slide) -> tuple[list[SlideShape], list[SlideShape]]:
    """Return the shapes with the points of a slide, and its boxes of program text."""
    texts = [
        placed
        for placed in shapes_of(slide, "text")
        if placeholder_type(placed.shape.element) not in _NOT_BODY_TEXT
        and _points(placed.shape)
        and placed.name not in (SOURCE_NAME, FOOTNOTES_NAME)
    ]
    programs = [placed for placed in texts if placed.name.split(" ")[0] == CODE_NAME]
    return [placed for placed in texts if placed not in programs], programs


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
