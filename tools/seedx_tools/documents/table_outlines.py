"""Outlines of tables without a language model: their own numbers, and nothing else."""

from __future__ import annotations

import re

from seedx_tools.decks.data.kinds import ChartKind
from seedx_tools.decks.data.numbers import is_number
from seedx_tools.decks.outline import MAX_CATEGORIES, MAX_SERIES, Outline, SlidePlan, TableData
from seedx_tools.decks.tables import chart_of
from seedx_tools.documents.tables import Tables

_TIME = re.compile(
    r"(\d{4}([-/.]\d{1,2}){0,2}|q[1-4]( \d{4})?|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*)", re.I
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
