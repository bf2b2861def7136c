"""Tables of HTML: those that only lay a page out are taken apart, others get the same number of cells in each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seedx_sdk.errors import InputError
from seedx_tools.decks.data.rows import tidied

if TYPE_CHECKING:
    from bs4 import Tag

MAX_CELLS = 100_000
"""Cells that a table may have once its merged cells are parted."""
_HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]


def take_layouts_apart(main: Tag) -> None:
    """Put the content of tables that hold no data in their place, and what tables inside a cell say into that cell."""
    for table in main.find_all("table"):
        if _is_layout(table):
            for part in table.find_all(["thead", "tbody", "tfoot", "tr", "colgroup", "caption"]):
                if part.find_parent("table") is table:
                    part.unwrap()
            for cell in table.find_all(["td", "th"]):
                if cell.find_parent("table") is table:
                    cell.name = "div"
            table.name = "div"
    for table in reversed(main.find_all("table")):
        if table.find_parent("table") is not None:
            table.replace_with("; ".join(", ".join(filter(None, line)) for line in _lines(table)))


def captions(main: Tag) -> None:
    """Put the captions of tables, and of figures that are tables, before them as paragraphs."""
    for caption in main.find_all(["caption", "figcaption"]):
        table = caption.find_parent("table") if caption.name == "caption" else None
        figure = caption.find_parent("figure")
        table = table or (figure.find("table") if figure is not None else None)
        if table is None:
            continue
        said = " ".join(caption.get_text(" ").split())
        caption.extract()
        if said:
            caption.clear()
            caption.name = "p"
            caption.string = said if said.lower().startswith("tab") else f"Table: {said}"
            table.insert_before(caption)


def parted_cells(table: Tag) -> list[list[str]] | None:
    """Return the rows of a table with merged cells, the text of each in all places that it covers; None without any.

    Headings in two rows are joined.

    Raises:
        InputError: If the table has more than MAX_CELLS cells.
    """
    cells = [cell for row in table.find_all("tr") for cell in row.find_all(["td", "th"], recursive=False)]
    if not any(_span(cell, name) > 1 for cell in cells for name in ("colspan", "rowspan")):
        return None
    return tidied(_lines(table)).lines


def _lines(table: Tag) -> list[list[str]]:
    rows: list[list[str]] = []
    open_cells: dict[int, tuple[int, str]] = {}
    for row in table.find_all("tr"):
        line: list[str] = []
        for cell in [*row.find_all(["td", "th"], recursive=False), None]:
            while (held := open_cells.get(len(line))) is not None:
                line.append(held[1])
                open_cells[len(line) - 1] = held[0] - 1, held[1]
                if held[0] <= 1:
                    del open_cells[len(line) - 1]
            if cell is None:
                break
            text = " ".join(cell.get_text(" ").split())
            for _ in range(_span(cell, "colspan")):
                if (down := _span(cell, "rowspan")) > 1:
                    open_cells[len(line)] = down - 1, text
                line.append(text)
        rows.append(line)
        if sum(map(len, rows)) > MAX_CELLS:
            raise InputError(f"a table has over {MAX_CELLS} cells; pass it as a .csv or .xlsx file")
    return rows


def _is_layout(table: Tag) -> bool:
    """Return whether a table only places its content: one cell, or cells with headings, or with tables and no heads."""
    if table.get("role") in ("presentation", "none"):
        return True
    cells = [cell for cell in table.find_all(["td", "th"]) if cell.find_parent("table") is table]
    has_heads = any(cell.name == "th" for cell in cells)
    holds_parts = table.find(_HEADINGS) is not None or (table.find("table") is not None and _is_single_row(table))
    return len(cells) <= 1 or (not has_heads and holds_parts)


def _is_single_row(table: Tag) -> bool:
    return sum(row.find_parent("table") is table for row in table.find_all("tr")) == 1


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name, "1"))
    return max(1, min(100, int(value))) if value.isdigit() else 1
