"""Markdown of foreign text: what readers write, so that a document of any kind is one Markdown text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from seedx_tools.decks.text.inline import escape_inline

_BLOCK = re.compile(r"\A(?:[#>+|=-]|\d{1,9}(?=[.)](?:\s|\Z)))")
"""What would begin a heading, a quotation, a list, a table or a rule."""
_UNDERLINE = re.compile(r"={3,}|-{3,}|~{3,}|_{3,}")
_CAPITALS = re.compile(r"(?=.*[^\W\d_]{3})[^a-z\u00df-\u00ff]{4,60}(?<![.!?,;])")
"""A line in capitals, with a word of three letters; only letters that have capitals tell."""


def escape_text(text: str) -> str:
    """Return Markdown that shows exactly this text, also at the start of a line."""
    escaped = escape_inline(" ".join(text.split()))
    found = _BLOCK.match(escaped)
    if found is None:
        return escaped
    at = found.end() if found[0][-1].isdigit() else 0
    return f"{escaped[:at]}\\{escaped[at:]}"


def plain_text_as_markdown(text: str) -> str:
    """Return a text without marks as Markdown: lines in capitals, and lines that are underlined, are headings."""
    lines = [line.strip() for line in text.splitlines()]
    made: list[str] = []
    for number, line in enumerate(lines):
        below = lines[number + 1] if number + 1 < len(lines) else ""
        if _UNDERLINE.fullmatch(line) and number and lines[number - 1]:
            continue
        is_heading = _CAPITALS.fullmatch(line) or (line and _UNDERLINE.fullmatch(below))
        made += ["", heading(2, escape_inline(line.rstrip(":"))), ""] if is_heading else [escape_inline(line)]
    return "\n".join(made)


def heading(level: int, text: str) -> str:
    """Return a heading of Markdown text on one line."""
    return f"{'#' * min(6, level)} {text}"


def list_item(text: str, level: int = 0, number: str = "") -> str:
    """Return an item of a list; items of one list follow each other without empty lines."""
    return f"{'    ' * level}{f'{number}.' if number else '-'} {text}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table of raw cells, the header first; short rows are padded with empty cells."""
    width = max(len(row) for row in rows)
    lines = ["| " + " | ".join([_cell(cell) for cell in row] + [""] * (width - len(row))) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * width)
    return "\n".join(lines)


def picture(file: str, alt: str) -> str:
    """Return a paragraph that shows a picture file."""
    return f"![{escape_inline(' '.join(alt.split()))}]({file})"


def _cell(text: str) -> str:
    return escape_inline(" ".join(text.split())).replace("|", "\\|")
