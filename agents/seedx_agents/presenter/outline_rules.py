"""Outlines of documents and tables without a language model: their own text and numbers, and nothing else."""

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

BULLET_CHARS = 140
"""A longer bullet is cut to its first sentence; the notes hold all of it."""
MAX_BULLETS = 5
"""Maximum number of bullets on a slide made from paragraphs."""
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
        num_slides: Slides including the title slide, if the document has no headings; None: at most DEFAULT_NUM_SLIDES.
    """
    if document.kind == "markdown":
        outline = OutlinePlanner().plan(document.text, num_slides)
        slides = tuple(_with_short_points(slide) for slide in outline.slides)
        return outline.model_copy(update={"slides": slides, "warnings": (*document.warnings, *outline.warnings)})
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", document.text) if part.strip()]
    count = (num_slides or DEFAULT_NUM_SLIDES) - 1
    slides = tuple(_slide(group) for group in _groups(paragraphs, count))
    warnings = [*document.warnings, "planned without a language model: the bullets are first sentences of paragraphs"]
    if len(slides) < count and num_slides is not None:
        warnings.append(f"'{document.name}' has text for {len(slides) + 1} slides, not {num_slides}")
    if len(paragraphs) > count * MAX_BULLETS:
        warnings.append("not every paragraph has a bullet; the notes hold the text")
    return Outline(
        title=document.title,
        notes="" if slides else "\n".join(paragraphs),
        slides=slides,
        sources=(document.name,),
        warnings=tuple(warnings),
    )


def table_outline(table: TableData, title: str, source: str) -> Outline:
    """Return the outline of a table: the table, a chart of its numbers, and the extremes of each column.

    Args:
        table: Cells; the first column labels the rows.
        title: The deck's title.
        source: Source of the numbers, or empty.
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
        warnings.append("no column holds only numbers, so there is no chart")
    else:
        warnings.append(
            f"a chart holds at most {MAX_CATEGORIES} rows; the table has {len(table.rows)}, so there is no chart"
        )
    if facts := [_extremes(table, column) for column in numbers]:
        slides.append(SlidePlan(title="Highest and lowest", bullets=tuple(facts), picture=""))
    return Outline(title=title, slides=tuple(slides), sources=(source,) if source else (), warnings=tuple(warnings))


def shorten(point: str, chars: int = BULLET_CHARS) -> str:
    """Return a bullet, or its first sentence, clause or words if it has more characters.

    Leading tabs and a leading number stay.
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
    short = tuple(shorten(point) for point in slide.bullets)
    cut = [point.strip() for point, kept in zip(slide.bullets, short, strict=True) if point != kept]
    if not cut:
        return slide
    notes = "\n".join(filter(None, (slide.notes, *cut)))
    return slide.model_copy(update={"bullets": short, "notes": notes})


def _groups(paragraphs: Sequence[str], count: int) -> list[Sequence[str]]:
    """Return at most count groups of adjacent paragraphs, as even as possible."""
    if count < 1:
        return []
    count = min(count, len(paragraphs))
    ends = [round(number * len(paragraphs) / count) for number in range(count + 1)]
    return [paragraphs[start:end] for start, end in zip(ends, ends[1:], strict=False)]


def _slide(paragraphs: Sequence[str]) -> SlidePlan:
    first = paragraphs[0]
    heading = len(first) <= 60 and first[-1] not in ".!?" and len(paragraphs) > 1
    title = first if heading else shorten(_first_sentence(first), 60)
    points = paragraphs[1:] if heading else paragraphs
    bullets = tuple(shorten(_first_sentence(point)) for point in points[:MAX_BULLETS])
    return SlidePlan(title=title.rstrip(".:"), bullets=bullets, notes="\n".join(paragraphs))


def _first_sentence(text: str) -> str:
    """Return the first sentence; a leading number is part of it, not a sentence of its own."""
    rest = _BEFORE.sub("", text)
    return text.removesuffix(rest) + _SENTENCE.split(rest)[0]
