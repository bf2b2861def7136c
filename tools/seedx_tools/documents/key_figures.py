"""Tables that are a list of key figures, each of its own unit, which are drawn as figures in cards."""

from __future__ import annotations

from seedx_tools.decks.data.numbers import read_numbers, units_of
from seedx_tools.decks.outline import TableData
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.visuals import Visual, VisualItem

_MOST = 6
"""Key figures that stand on a slide in large type."""


def key_figures(table: TableData) -> Visual | None:
    """Return the key figures of a table of names and numbers that differ in unit; None for any other table.

    A first row that is a name and a number, such as "Revenue, $4.2M", is one of them and no heading.
    """
    if len(table.header) != 2:
        return None
    rows = [row for row in (table.header, *table.rows) if row is not table.header or _is_figure(row)]
    values = [plain_text(value) for _, value in rows]
    if not 2 <= len(rows) <= _MOST or len(units_of(values)) < 2 or not all(_is_figure(row) for row in rows):
        return None
    items = (VisualItem(label=label, value=value) for label, value in rows)
    return Visual(kind="kpis", items=tuple(items))


def _is_figure(row: tuple[str, ...]) -> bool:
    name, value = map(plain_text, row)
    return bool(name) and read_numbers([value]) is not None and read_numbers([name]) is None
