"""What a slide that is already in a file holds, as a plan that can be changed and written again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml.ns import qn
from pptx.slide import Slide
from pydantic import ValidationError

from seedx_sdk.errors import ImageError
from seedx_sdk.imaging import ImageLimits, open_image
from seedx_tools.decks.content import MAX_COLUMNS, MAX_ROWS, ChartData, ChartKind, ChartSeries, Column, Quote, TableData
from seedx_tools.decks.ooxml.layouts import Slots, slots_of
from seedx_tools.decks.ooxml.styles import auto_number, placeholder_type
from seedx_tools.decks.outline import SlideKind, SlidePlan
from seedx_tools.decks.shapes import Holds, Placed, placed_shapes
from seedx_tools.decks.writing.text import runs_right_to_left
from seedx_tools.illustration.illustrator import ALT_PREFIX

_DASH = "\u2014"
_MAX_LINES = 2
"""What stands under the title of a section or of the end; a slide with more is one of points."""
_NOT_WORDS = ("title", "ctrTitle", "dt", "ftr", "sldNum")
_CHART_KINDS: dict[XL_CHART_TYPE, ChartKind] = {
    XL_CHART_TYPE.COLUMN_CLUSTERED: "bar",
    XL_CHART_TYPE.LINE: "line",
    XL_CHART_TYPE.LINE_MARKERS: "line",
    XL_CHART_TYPE.PIE: "pie",
}
_DRAWN = {
    qn("p:sp"): "a drawn shape",
    qn("p:cxnSp"): "a drawn line",
    qn("p:graphicFrame"): "a diagram or an embedded object",
}
_MEDIA = tuple(qn(f"a:{name}") for name in ("audioCd", "wavAudioFile", "audioFile", "videoFile", "quickTimeFile"))
_ALTERNATIVES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_ANY_ASPECT = ImageLimits(max_aspect=math.inf)


def read_slide(slide: Slide) -> SlidePlan:
    """Return what a slide holds; what a plan cannot hold is missing, and `left_out` says so."""
    title = slide.shapes.title
    tables, charts, pictures = (_all(slide, holds) for holds in ("table", "chart", "picture"))
    texts = [
        placed
        for placed in _all(slide, "text")
        if placeholder_type(placed.shape.element) not in _NOT_WORDS and _points(placed.shape)
    ]
    slots = slots_of(slide.slide_layout)
    columns = _columns(slots, texts)
    quote = None if columns or pictures else _quote(slots, texts)
    bullets = () if columns or quote else tuple(point for placed in texts for point in _points(placed.shape))
    has_more = columns or quote or tables or charts or pictures or len(bullets) > _MAX_LINES
    notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    return SlidePlan(
        title="" if title is None else title.text_frame.text,
        kind="content" if has_more else _kind(slide, slots),
        bullets=bullets,
        columns=columns,
        table=_table(tables[0].shape) if tables else None,
        chart=_chart(charts[0].shape) if charts else None,
        quote=quote,
        picture=pictures[0].alt_text.removeprefix(ALT_PREFIX) or None if pictures else "",
        notes="" if notes is None else notes.text,
    )


def is_cover(slide: Slide) -> bool:
    """Whether a slide is the title slide of its deck: the first, on a layout that is made for one."""
    return slots_of(slide.slide_layout).role == "cover" and _is_first(slide)


def left_out(slide: Slide) -> str | None:
    """Return something on a slide that a plan cannot hold, such as "a second picture", or None."""
    tables, charts, pictures = (_all(slide, holds) for holds in ("table", "chart", "picture"))
    if any(_chart(placed.shape) is None for placed in charts):
        return "a chart of a kind that is not written here"
    if any(_table(placed.shape) is None for placed in tables):
        return f"a table without headings, or of more than {MAX_COLUMNS} columns or {MAX_ROWS} rows"
    drawn = next((placed for placed in placed_shapes(slide) if _is_drawing(placed)), None)
    if drawn is not None:
        return f"{_DRAWN.get(drawn.shape.element.tag, 'an object')} ('{drawn.name}')"
    if next(slide.shapes._spTree.iter(_ALTERNATIVES), None) is not None:
        return "an object that only some versions of PowerPoint show"
    if any(_is_media(placed) for placed in pictures):
        return "a video or a sound"
    for name, found in (("table", tables), ("chart", charts), ("picture", pictures)):
        if len(found) > 1:
            return f"a second {name}"
    return _lost_picture(slide) if pictures else None


def first_picture(slide: Slide, warn: Callable[[str], None]) -> tuple[Image.Image, str] | None:
    """Return the first picture on a slide that is in the file, with its alt text, or None.

    Raises:
        ImageError: It is damaged, or of a format that is not opened, such as EMF.
    """
    for placed in _all(slide, "picture"):
        if placed.shape.element.tag == qn("p:pic"):
            try:
                blob = bytes(placed.shape.image.blob)
            except (AttributeError, KeyError, ValueError):  # a linked picture has no bytes in the file
                continue
            return open_image(blob, limits=_ANY_ASPECT, on_warning=warn), placed.alt_text
    return None


def _lost_picture(slide: Slide) -> str | None:
    """Say why the picture of a slide would not come back when the slide is written again; None if it would."""
    if not read_slide(slide).wants_picture:
        return "a picture beside what leaves no room for one"
    if is_cover(slide) and slots_of(slide.slide_layout).picture is None:
        return "a picture on a title slide without a place for one"
    try:
        found = first_picture(slide, lambda _: None)
    except ImageError:
        found = None
    return "a picture that cannot be opened here" if found is None else None


def _is_drawing(placed: Placed) -> bool:
    """Whether a shape is no placeholder, and is more than words, a picture, a table or a chart."""
    element = placed.shape.element
    if placed.holds != "text":
        return placed.holds == "other"
    is_box = element.tag == qn("p:sp") and element.nvSpPr.cNvSpPr.get("txBox") in ("1", "true")
    return not (placed.shape.is_placeholder or is_box)


def _is_media(placed: Placed) -> bool:
    return next(placed.shape.element.iter(*_MEDIA), None) is not None


def _is_first(slide: Slide) -> bool:
    slides = slide.part.package.presentation_part.presentation.slides
    return bool(slides[0].slide_id == slide.slide_id)


def _all(slide: Slide, holds: Holds) -> list[Placed]:
    return [placed for placed in placed_shapes(slide) if placed.holds == holds]


def _points(shape: Any) -> list[str]:
    return ["\t" * p.level + _number(p) + p.text for p in shape.text_frame.paragraphs if p.text.strip()]


def _number(paragraph: Any) -> str:
    number = auto_number(paragraph._p)
    return "" if number is None else f"{number}. "


def _kind(slide: Slide, slots: Slots) -> SlideKind:
    if slots.role == "section":
        return "section"
    # the last slide of a template without a layout for it stands on that of the title slide
    is_end = slots.role == "closing" or (slots.role == "cover" and not _is_first(slide))
    return "closing" if is_end else "content"


def _quote(slots: Slots, texts: Sequence[Placed]) -> Quote | None:
    """The quote of a slide that has no other text: on a layout that is made for one, or in quotation marks."""
    captions = [placed for placed in texts if _index(placed) in slots.captions]
    others = [placed for placed in texts if placed not in captions]
    lines = [point.strip() for placed in (*others, *captions) for point in _points(placed.shape)]
    is_signed = len(lines) > 1 and (bool(captions) or lines[-1].startswith(_DASH))
    words = lines[:-1] if is_signed else lines
    text = " ".join(words)
    is_marked = text.startswith("\u201c") and text.endswith("\u201d")
    if not words or not (slots.role == "quote" or (is_marked and len(words) == 1)):
        return None
    return Quote(text=text[1:-1] if is_marked else text, by=lines[-1].removeprefix(_DASH).strip() if is_signed else "")


def _index(placed: Placed) -> int | None:
    return placed.shape.placeholder_format.idx if placed.shape.is_placeholder else None


def _columns(slots: Slots, texts: Sequence[Placed]) -> tuple[Column, ...]:
    """The columns of a slide whose text is nowhere else; empty for any other slide."""
    points = {_index(placed): _points(placed.shape) for placed in texts if placed.shape.is_placeholder}
    is_mirrored = runs_right_to_left(" ".join(point for lines in points.values() for point in lines))
    columns = slots.columns(right_to_left=is_mirrored)
    places = {index for column in columns for index in column}
    if len(points) < len(texts) or not points.keys() <= places or any(body not in points for body, _ in columns):
        return ()
    return tuple(
        Column(heading=" ".join(points.get(caption, ())), bullets=tuple(points[body])) for body, caption in columns
    )


def _table(shape: Any) -> TableData | None:
    rows = [tuple(cell.text for cell in row.cells) for row in shape.table.rows]
    try:
        return TableData(header=rows[0], rows=tuple(rows[1:])) if rows and any(rows[0]) else None
    except ValidationError:
        return None


def _chart(shape: Any) -> ChartData | None:
    chart = shape.chart
    try:
        (plot,) = chart.plots
        if plot.categories.depth > 1:
            return None
        has_title = chart.has_title and chart.chart_title.has_text_frame
        return ChartData(
            kind=_CHART_KINDS[chart.chart_type],
            title=chart.chart_title.text_frame.text if has_title else "",
            categories=tuple(str(category) for category in plot.categories),
            series=tuple(ChartSeries(name=one.name, values=tuple(one.values)) for one in plot.series),
        )
    except (KeyError, NotImplementedError, ValueError):  # python-pptx knows no 3-D, stock or surface charts
        return None
