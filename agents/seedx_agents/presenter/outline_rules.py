"""Outlines of documents and tables without a language model: their own words and numbers, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence

from seedx_agents.presenter.documents import Document
from seedx_tools.decks.outline import (
    DEFAULT_NUM_SLIDES,
    MAX_CATEGORIES,
    MAX_SERIES,
    ChartKind,
    Outline,
    SlidePlan,
    TableData,
)
from seedx_tools.decks.planners.heuristic import OutlinePlanner
from seedx_tools.decks.tables import chart_of, is_number

POINT_CHARS = 140
"""A longer point is cut to its first sentence; the whole stands in the notes."""
POINTS = 5
"""Points on a slide that is made from paragraphs."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_BEFORE = re.compile(r"\A\t*(?:\d{1,3}[.)]\s+)?")
_CLAUSE = re.compile(r"[,;:(]| - | -- ")
_TIME = re.compile(
    r"(\d{4}([-/.]\d{1,2}){0,2}|q[1-4]( \d{4})?|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*)", re.I
)


def document_outline(document: Document, num_slides: int | None) -> Outline:
    """Return the outline of a document: a Markdown one by its headings, any other by its paragraphs.

    Args:
        document: What was read.
        num_slides: Slides with the title slide, where the document has no headings; None: DEFAULT_NUM_SLIDES at most.
    """
    if document.kind == "markdown":
        outline = OutlinePlanner().plan(document.text, num_slides)
        slides = tuple(_with_short_points(slide) for slide in outline.slides)
        return outline.model_copy(update={"slides": slides, "warnings": (*document.warnings, *outline.warnings)})
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", document.text) if part.strip()]
    count = (num_slides or DEFAULT_NUM_SLIDES) - 1
    slides = tuple(_slide(group) for group in _groups(paragraphs, count))
    warnings = [*document.warnings, "planned without a language model: the points are first sentences of paragraphs"]
    if len(slides) < count and num_slides is not None:
        warnings.append(f"'{document.name}' has text for {len(slides) + 1} slides, not {num_slides}")
    if len(paragraphs) > count * POINTS:
        warnings.append("not every paragraph has a point; the notes hold the text")
    return Outline(
        title=document.title,
        notes="" if slides else "\n".join(paragraphs),
        slides=slides,
        sources=(document.name,),
        warnings=tuple(warnings),
    )


def table_outline(table: TableData, title: str, source: str) -> Outline:
    """Return the outline of a table: the table, a chart of its numbers, and what is highest and lowest in each column.

    Args:
        table: Cells; the first column labels the rows.
        title: The deck's title.
        source: Where the numbers come from, or empty.
    """
    slides = [SlidePlan(title="The figures", table=table, picture="")]
    warnings = ["planned without a language model: the table, its chart, and its extremes"]
    numbers = [
        column
        for column in range(1, len(table.header))
        if any(row[column] for row in table.rows) and all(is_number(row[column]) for row in table.rows)
    ]
    if numbers and len(table.rows) <= MAX_CATEGORIES:
        chosen = (0, *numbers[:MAX_SERIES])
        shown = TableData(
            header=tuple(table.header[column] for column in chosen),
            rows=tuple(tuple(row[column] for column in chosen) for row in table.rows),
        )
        in_time = all(_TIME.fullmatch(row[0]) for row in table.rows)
        kind: ChartKind = "line" if in_time and len(table.rows) > 2 else "bar"
        heading = ", ".join(shown.header[1:])
        slides.append(SlidePlan(title=heading, chart=chart_of(shown, kind, "", "the table"), picture=""))
    elif not numbers:
        warnings.append("no column holds numbers only, so there is no chart")
    else:
        warnings.append(f"{len(table.rows)} rows are too many for a chart; {MAX_CATEGORIES} fit")
    if facts := [_extremes(table, column) for column in numbers]:
        slides.append(SlidePlan(title="Highest and lowest", bullets=tuple(facts), picture=""))
    return Outline(title=title, slides=tuple(slides), sources=(source,) if source else (), warnings=tuple(warnings))


def shortened(point: str, chars: int = POINT_CHARS) -> str:
    """Return a point, or its first sentence, clause or words where it has more characters.

    Tabs and a number in front stay.
    """
    text = _BEFORE.sub("", point)
    indent = point.removesuffix(text)
    if len(text) <= chars:
        return point
    for pieces in (_SENTENCE.split(text), _CLAUSE.split(text)):
        if 0 < len(pieces[0].strip()) <= chars:
            return indent + pieces[0].strip().rstrip(".")
    return indent + text[: chars - 3].rsplit(" ", 1)[0] + "..."


def _extremes(table: TableData, column: int) -> str:
    values = (
        chart_of(
            TableData(
                header=(table.header[0], table.header[column]), rows=tuple((row[0], row[column]) for row in table.rows)
            ),
            "bar",
            "",
            "the table",
        )
        .series[0]
        .values
    )
    high, low = values.index(max(values)), values.index(min(values))
    cells = [(row[0], row[column]) for row in table.rows]
    return f"{table.header[column]}: {cells[high][1]} in {cells[high][0]}, {cells[low][1]} in {cells[low][0]}"


def _with_short_points(slide: SlidePlan) -> SlidePlan:
    short = tuple(shortened(point) for point in slide.bullets)
    cut = [point.strip() for point, kept in zip(slide.bullets, short, strict=True) if point != kept]
    if not cut:
        return slide
    notes = "\n".join(filter(None, (slide.notes, *cut)))
    return slide.model_copy(update={"bullets": short, "notes": notes})


def _groups(paragraphs: Sequence[str], count: int) -> list[Sequence[str]]:
    """At most count groups of neighbouring paragraphs, as even as can be."""
    if count < 1:
        return []
    count = min(count, len(paragraphs))
    ends = [round(number * len(paragraphs) / count) for number in range(count + 1)]
    return [paragraphs[start:end] for start, end in zip(ends, ends[1:], strict=False)]


def _slide(paragraphs: Sequence[str]) -> SlidePlan:
    first = paragraphs[0]
    heading = len(first) <= 60 and first[-1] not in ".!?" and len(paragraphs) > 1
    title = first if heading else shortened(_first_sentence(first), 60)
    points = paragraphs[1:] if heading else paragraphs
    bullets = tuple(shortened(_first_sentence(point)) for point in points[:POINTS])
    return SlidePlan(title=title.rstrip(".:"), bullets=bullets, notes="\n".join(paragraphs))


def _first_sentence(text: str) -> str:
    """The first sentence, with a number in front that would read as one of its own."""
    rest = _BEFORE.sub("", text)
    return text.removesuffix(rest) + _SENTENCE.split(rest)[0]
