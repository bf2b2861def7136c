"""Tables and figures of a PDF page, with the part of the page that each covers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import BytesIO
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from seedx_tools.decks.data.numbers import is_number
from seedx_tools.documents.pdf.lines import Box

if TYPE_CHECKING:
    from pdfplumber.page import Page

CAPTION = re.compile(r"(?:fig(?:ure|\.)?|table|tab\.|abbildung|abb\.|tabelle|figura|tableau)\s*\d+", re.I)
FIGURE_DPI = 200
_MIN_SIDE = 48.0
"""Points; a smaller picture is a logo or an ornament."""
_MIN_DRAWN = 8
"""Lines, curves and filled boxes of a drawing, at least."""
_NEAR = 12.0
"""Points between parts of one drawing, at most."""
_MAX_SHARE = 0.85
"""A picture that covers more of a page with text is its background."""
_MAX_CELL_CHARS = 32
"""Mean length of the cells of a table without vertical rules; longer ones are columns of text."""


_COLUMN_GAP = 1.5
"""Between the columns of a table without rules, in sizes of its type, at least."""
_MIN_BARE_ROWS = 3


class TableRegion(NamedTuple):
    """A table and its place."""

    box: Box
    rows: list[list[str]]


def tables_of(page: Page) -> list[TableRegion]:
    """Return the tables of a page: those with rules around their cells, and those with rules above and below."""
    found: list[TableRegion] = []
    for table in page.find_tables():
        rows = [[" ".join((cell or "").split()) for cell in row] for row in table.extract()]
        rows = _without_empty(rows)
        cells = [cell for row in rows for cell in row]
        if len(rows) >= 2 and len(rows[0]) >= 2 and sum(map(bool, cells)) >= 0.5 * len(cells):
            found.append(TableRegion(_box(table.bbox), rows))
    found += _open_tables(page, [region.box for region in found])
    return [*found, *_bare_tables(page, [region.box for region in found])]


def figures_of(page: Page, taken: Sequence[Box], captions: Sequence[Box]) -> list[Box]:
    """Return where the figures of a page are: its pictures, and its drawings that have a caption.

    Args:
        page: The page.
        taken: Where its tables are.
        captions: Where captions of figures are.
    """
    area = float(page.width) * float(page.height)
    boxes = [_inside(_box((i["x0"], i["top"], i["x1"], i["bottom"])), page) for i in page.images]
    boxes = [box for box in boxes if min(box[2] - box[0], box[3] - box[1]) >= _MIN_SIDE]
    if page.chars:
        boxes = [box for box in boxes if (box[2] - box[0]) * (box[3] - box[1]) < _MAX_SHARE * area]
    drawn = [
        _inside(_box((o["x0"], o["top"], o["x1"], o["bottom"])), page)
        for o in (*page.curves, *page.rects, *page.lines)
        if float(o["x1"]) - float(o["x0"]) < 0.98 * float(page.width)
    ]
    free = [box for box in drawn if not any(overlap(box, other) for other in (*taken, *boxes))]
    for box, count in _clusters(free[:3000]):
        has_caption = any(abs(caption[1] - box[3]) < 40 or abs(box[1] - caption[3]) < 40 for caption in captions)
        if count >= _MIN_DRAWN and has_caption and min(box[2] - box[0], box[3] - box[1]) >= _MIN_SIDE:
            boxes.append(box)
    return [box for box, _ in _clusters(boxes)]


def render(page: Page, box: Box) -> bytes:
    """Return a part of a page as PNG."""
    image = page.crop(box).to_image(resolution=FIGURE_DPI, antialias=True).original
    png = BytesIO()
    image.convert("RGB").save(png, "PNG")
    return png.getvalue()


def overlap(one: Box, other: Box) -> bool:
    """Return whether two boxes share more than an edge."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _box(values: Sequence[object]) -> Box:
    x0, top, x1, bottom = (float(str(value)) for value in values)
    return x0, top, x1, bottom


def _inside(box: Box, page: Page) -> Box:
    left, top, right, bottom = _box(page.bbox)
    return max(left, box[0]), max(top, box[1]), min(right, box[2]), min(bottom, box[3])


def _without_empty(rows: list[list[str]]) -> list[list[str]]:
    rows = [row for row in rows if any(row)]
    used = [column for column in range(max(map(len, rows), default=0)) if any(row[column] for row in rows)]
    return [[row[column] for column in used] for row in rows]


def _clusters(boxes: Sequence[Box]) -> list[tuple[Box, int]]:
    """Return groups of boxes that are near each other: the box around each group, and how many boxes it holds."""
    groups: list[tuple[Box, int]] = []
    for box in boxes:
        around, count = box, 1
        while True:
            wide = (around[0] - _NEAR, around[1] - _NEAR, around[2] + _NEAR, around[3] + _NEAR)
            near = [group for group in groups if overlap(wide, group[0])]
            if not near:
                break
            groups = [group for group in groups if group not in near]
            count += sum(group[1] for group in near)
            corners = [around, *(group[0] for group in near)]
            around = (
                min(c[0] for c in corners),
                min(c[1] for c in corners),
                max(c[2] for c in corners),
                max(c[3] for c in corners),
            )
        groups.append((around, count))
    return groups


def _open_tables(page: Page, taken: Sequence[Box]) -> list[TableRegion]:
    """Return the tables with rules only above, below and under the headings, as books set them."""
    rules = [
        edge
        for edge in page.edges
        if edge["orientation"] == "h"
        and float(edge["x1"]) - float(edge["x0"]) > 0.15 * float(page.width)
        and not any(overlap(_box((edge["x0"], edge["top"] - 1, edge["x1"], edge["bottom"] + 1)), box) for box in taken)
    ]

    def extent(edge: dict[str, object]) -> tuple[int, int]:
        return round(float(str(edge["x0"])) / 4), round(float(str(edge["x1"])) / 4)

    found: list[TableRegion] = []
    for _, group in groupby(sorted(rules, key=lambda edge: (extent(edge), edge["top"])), key=extent):
        same = list(group)
        box = _inside(_box((same[0]["x0"] - 2, same[0]["top"], same[0]["x1"] + 2, same[-1]["bottom"])), page)
        if len(same) < 3 or not _MIN_SIDE / 2 < box[3] - box[1] < 0.6 * float(page.height):
            continue
        rows = _aligned(page, box)
        cells = [cell for row in rows for cell in row]
        filled = [cell for cell in cells if cell]
        short = filled and sum(map(len, filled)) / len(filled) <= _MAX_CELL_CHARS
        if len(rows) >= 2 and len(rows[0]) >= 2 and short and len(filled) >= 0.5 * len(cells):
            found.append(TableRegion(box, rows))
    return found


def _bare_tables(page: Page, taken: Sequence[Box]) -> list[TableRegion]:
    """Return the tables without any rules: rows that follow each other closely, with numbers in columns."""
    words = [
        word
        for word in page.extract_words(extra_attrs=["size"], x_tolerance_ratio=0.15)
        if not any(overlap(_box((word["x0"], word["top"], word["x1"], word["bottom"])), box) for box in taken)
    ]
    rows = [list(row) for _, row in groupby(sorted(words, key=_row_of), key=_row_of)]
    runs: list[list[list[dict[str, Any]]]] = []
    for row in rows:
        row.sort(key=lambda word: float(word["x0"]))
        if not any(float(b["x0"]) - float(a["x1"]) > _COLUMN_GAP * float(b["size"]) for a, b in pairwise(row)):
            continue
        above = runs[-1][-1] if runs else None
        near = above is not None and float(row[0]["top"]) - float(above[0]["bottom"]) < 1.5 * float(row[0]["size"])
        if near:
            runs[-1].append(row)
        else:
            runs.append([row])
    found: list[TableRegion] = []
    for run in runs:
        parts = [word for row in run for word in row]
        left, right = min(float(word["x0"]) for word in parts), max(float(word["x1"]) for word in parts)
        top, bottom = float(run[0][0]["top"]), max(float(word["bottom"]) for word in run[-1])
        box = _inside(_box((left - 1, top - 1, right + 1, bottom + 1)), page)
        table = _aligned(page, box) if len(run) >= _MIN_BARE_ROWS else []
        if table and len(table[0]) >= 2 and all(all(row) for row in table) and _holds_numbers(table):
            found.append(TableRegion(box, table))
    return found


def _row_of(word: dict[str, Any]) -> int:
    return round(float(word["bottom"]) / 2)


def _holds_numbers(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether all columns but the first hold numbers below their headings, and the first one does not."""
    return all(all(is_number(row[place]) for row in rows[1:]) == (place > 0) for place in range(len(rows[0])))


def _aligned(page: Page, box: Box) -> list[list[str]]:
    """Return the words of a region in rows and columns; between columns there is a gap through all rows."""
    words = page.crop(box).extract_words(extra_attrs=["size"], x_tolerance_ratio=0.15)
    if not words:
        return []
    size = max(float(word["size"]) for word in words)
    columns: list[tuple[float, float]] = []
    for word in sorted(words, key=lambda word: float(word["x0"])):
        if columns and float(word["x0"]) - columns[-1][1] < 0.7 * size:
            columns[-1] = columns[-1][0], max(columns[-1][1], float(word["x1"]))
        else:
            columns.append((float(word["x0"]), float(word["x1"])))
    rows: list[list[str]] = []
    last = -size
    for word in sorted(words, key=lambda word: (round(float(word["bottom"]) / (0.4 * size)), float(word["x0"]))):
        if float(word["bottom"]) - last > 0.5 * size:
            rows.append([""] * len(columns))
            last = float(word["bottom"])
        place = next(n for n, column in enumerate(columns) if column[0] <= float(word["x0"]) <= column[1])
        rows[-1][place] = f"{rows[-1][place]} {word['text']}".strip()
    return rows
