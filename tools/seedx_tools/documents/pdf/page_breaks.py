"""Tables of a PDF that go on over pages are one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seedx_tools.documents.pdf.lines import Line

_HEAD = 2
"""Lines of a Markdown table above its rows: the headings and a rule."""


def joined_tables(lines: Sequence[Line]) -> list[Line]:
    """Return lines in which a table at the end of a page and one of as many columns at the start of the next are one.

    Args:
        lines: The lines of all pages in reading order, without running heads and feet.
    """
    joined: list[Line] = []
    last_page = 0
    for line in lines:
        above = joined[-1] if joined else None
        if above is not None and line.page == last_page + 1 and _is_table(above) and _is_table(line):
            head, rows = above.markdown.split("\n")[:_HEAD], line.markdown.split("\n")
            if head[1] == rows[1]:
                more = rows[_HEAD:] if rows[0] == head[0] else [rows[0], *rows[_HEAD:]]
                joined[-1] = replace(above, markdown="\n".join([above.markdown, *more]))
                last_page = line.page
                continue
        joined.append(line)
        last_page = line.page
    return joined


def _is_table(line: Line) -> bool:
    return line.markdown.startswith("|")
