"""Outlines of documents and tables without a language model: their own text and numbers, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence

from seedx_tools.decks.data.kinds import ChartKind
from seedx_tools.decks.data.numbers import is_number
from seedx_tools.decks.outline import (
    DEFAULT_NUM_SLIDES,
    MAX_CATEGORIES,
    MAX_SERIES,
    Outline,
    SlidePlan,
    TableData,
)
from seedx_tools.decks.planners.heuristic import OutlinePlanner
from seedx_tools.decks.tables import chart_of
from seedx_tools.decks.text.sentences import first_sentence, shorten, split_sentences
from seedx_tools.documents.document import Document
from seedx_tools.documents.tables import Tables

MAX_BULLETS = 5
"""Maximum number of bullets on a slide made from paragraphs."""
_TIME = re.compile(
    r"(\d{4}([-/.]\d{1,2}){0,2}|q[1-4]( \d{4})?|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*)", re.I
)


def document_outline(document: Document, num_slides: int | None) -> Outline:
    """Return the outline of a document: a Markdown one by its headings, any other by its paragraphs.

    Args:
        document: What was read.
        num_slides: Slides including the title slide and the sources, if the document has no headings; None: at most
            DEFAULT_NUM_SLIDES and the sources.
    """
    if document.kind == "markdown":
        outline = OutlinePlanner().plan(document.text, num_slides)
        slides = tuple(_with_short_points(slide) for slide in outline.slides)
        return outline.model_copy(update={"slides": slides, "warnings": (*document.warnings, *outline.warnings)})
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", document.text) if part.strip()]
    count = (num_slides or DEFAULT_NUM_SLIDES) - 1
    with_sources = num_slides is None or num_slides > 2
    count -= with_sources and num_slides is not None
    if num_slides is not None and len(paragraphs) < count:
        paragraphs = [sentence for part in paragraphs for sentence in split_sentences(part)]
    slides = tuple(_slide(group) for group in _groups(paragraphs, count))
    warnings = [*document.warnings, "planned without a language model: the bullets are first sentences of paragraphs"]
    if len(paragraphs) > count * MAX_BULLETS:
        warnings.append("not every paragraph has a bullet; the notes hold the text")
    return Outline(
        title=document.title,
        subtitle="" if with_sources else document.name,
        notes="" if slides else "\n".join(paragraphs),
        slides=slides,
        sources=(document.name,) if with_sources else (),
        warnings=tuple(warnings),
    )


def tables_outline(found: Tables, num_slides: int | None) -> Outline:
    """Return the outline of tables: each table, a chart of its numbers, and the extremes of each column.

    Args:
        found: The tables; the first column of each labels the rows.
        num_slides: How many slides, including the title slide, at most; None: all. The tables themselves come first.
    """
    warnings = [*found.warnings, "planned without a language model: the table, its chart, and its extremes"]
    parts = [_table_slides(heading, table, warnings) for heading, table in found.tables]
    chosen = {(number, 0) for number in range(len(parts))}
    room = sum(map(len, parts)) if num_slides is None else num_slides - 1 - len(parts)
    more = sorted((place, number) for number, slides in enumerate(parts) for place in range(1, len(slides)))
    chosen |= {(number, place) for place, number in more[: max(0, room)]}
    slides = [
        slide for number, part in enumerate(parts) for place, slide in enumerate(part) if (number, place) in chosen
    ]
    with_sources = bool(found.name) and (num_slides is None or len(slides) + 2 <= num_slides)
    return Outline(
        title=found.title,
        subtitle="" if with_sources else found.name,
        slides=tuple(slides),
        sources=(found.name,) if with_sources else (),
        warnings=tuple(warnings),
    )


def _table_slides(heading: str, table: TableData, warnings: list[str]) -> list[SlidePlan]:
    """Return the slides of a table, the most important one first."""
    slides = [SlidePlan(title=heading or "The figures", table=table, picture="")]
    before = f"{heading}: " if heading else ""
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
        title = f"{before}{', '.join(shown.header[1:])}"
        slides.append(SlidePlan(title=title, chart=chart_of(shown, kind, "", "the table"), picture=""))
    elif not numbers:
        warnings.append(f"{before}no column holds only numbers, so there is no chart")
    else:
        warnings.append(
            f"{before}a chart holds at most {MAX_CATEGORIES} rows; "
            f"the table has {len(table.rows)}, so there is no chart"
        )
    if facts := [_extremes(table, column) for column in numbers]:
        slides.append(SlidePlan(title=f"{before}Highest and lowest", bullets=tuple(facts), picture=""))
    return slides


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
    title = first if heading else shorten(first_sentence(first), 60)
    points = paragraphs[1:] if heading else paragraphs
    bullets = tuple(shorten(first_sentence(point)) for point in points[:MAX_BULLETS])
    return SlidePlan(title=title.rstrip(".:"), bullets=bullets, notes="\n".join(paragraphs))
