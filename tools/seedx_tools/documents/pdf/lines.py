"""Lines of a PDF page in reading order: the words of each column, one column after the other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

Word: TypeAlias = dict[str, object]
Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom, in points from the top left corner of the page."""

MARK = "\ue000"
"""Stands before and after a raised number, which may be the mark of a footnote."""
_BOLD = re.compile(r"bold|black|heavy|semibold|demi|CMBX|-B\b|\bBd\b", re.I)
_MONO = re.compile(r"mono|courier|consol|menlo|typewriter|CMTT|\bcode", re.I)
_RAISED = re.compile(r"\d{1,3}|[*\u2020\u2021\u00a7]")
_GAP = 8.0
"""Points that are at least between two columns."""
_COLUMN_ROWS, _COLUMN_SHARE, _COLUMN_WORDS = 4, 0.12, 2.5
"""A column has at least so many lines, that share of all lines, and so many words a line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, or a block such as a table that stands among the lines."""

    text: str
    box: Box
    page: int
    size: float = 0.0
    """Font size of most of its letters, in points."""
    bold: bool = False
    """Whether all its letters are."""
    mono: bool = False
    """Whether all its letters are equally wide, as those of program text."""
    column: tuple[float, float] = (0.0, 0.0)
    """Left and right edge of the text of its column."""
    place: float = 0.5
    """How far down the page it stands: 0 is the upper edge, 1 the lower one."""
    markdown: str = ""
    """What a block is; empty for text."""

    @property
    def top(self) -> float:
        """Its upper edge in points."""
        return self.box[1]


def lines_of(words: Iterable[Word], blocks: Sequence[Line], page: int, height: float) -> list[Line]:
    """Return the lines of a page and the blocks among them, in reading order.

    Args:
        words: What pdfplumber's extract_words returns, with the font and size of each.
        blocks: Tables and figures.
        page: Number of the page.
        height: Height of the page in points.
    """
    lines = _in_columns(_rows(words), list(blocks), page, depth=0)
    return [replace(line, place=(line.box[1] + line.box[3]) / 2 / height) for line in lines]


@dataclass(slots=True)
class _Row:
    words: list[_Piece]
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    size: float
    bold: bool
    mono: bool


def _rows(words: Iterable[Word]) -> list[_Row]:
    pieces = [
        _Piece(
            str(word["text"]),
            _number(word["x0"]),
            _number(word["x1"]),
            _number(word["top"]),
            _number(word["bottom"]),
            _number(word["size"]),
            _BOLD.search(str(word["fontname"]).split("+")[-1]) is not None,
            _MONO.search(str(word["fontname"]).split("+")[-1]) is not None,
        )
        for word in words
    ]
    typical = _most(Counter(piece.size for piece in pieces))
    rows: list[_Row] = []
    for piece in sorted(pieces, key=lambda piece: (piece.size < 0.8 * typical, piece.top + piece.bottom)):
        middle = (piece.top + piece.bottom) / 2
        found = next((row for row in reversed(rows[-80:]) if row.top <= middle <= row.bottom), None)
        if found is None:
            rows.append(_Row([piece], piece.top, piece.bottom))
        else:
            found.words.append(piece)
    for row in rows:
        row.words.sort(key=lambda piece: piece.x0)
    return sorted(rows, key=lambda row: row.top)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _most(counted: Counter[float]) -> float:
    return counted.most_common(1)[0][0] if counted else 0.0


def _in_columns(rows: list[_Row], blocks: list[Line], page: int, depth: int) -> list[Line]:
    """Return lines band by band: what crosses the gap between columns, then the left column, then the right one."""
    gap = _gap(rows) if depth < 3 else None
    if gap is None:
        return _one_column(rows, blocks, page)
    ordered: list[Line] = []
    left, right, full = _Band(), _Band(), _Band()
    items: list[_Row | Line] = [*rows, *blocks]
    for item in sorted(items, key=lambda item: item.top):
        on_left, on_right, crosses = _parts(item, gap)
        if crosses:
            for side in (left, right):
                ordered += _in_columns(*side.take(), page, depth + 1)
            full.add(item)
            continue
        ordered += _one_column(*full.take(), page)
        left.add(on_left)
        right.add(on_right)
    for side in (left, right):
        ordered += _in_columns(*side.take(), page, depth + 1)
    return ordered + _one_column(*full.take(), page)


@dataclass(slots=True)
class _Band:
    """What of a page stands above each other, between two changes of the number of columns."""

    rows: list[_Row] = field(default_factory=list)
    blocks: list[Line] = field(default_factory=list)

    def add(self, item: _Row | Line | None) -> None:
        if isinstance(item, Line):
            self.blocks.append(item)
        elif item is not None:
            self.rows.append(item)

    def take(self) -> tuple[list[_Row], list[Line]]:
        """Return its content, and empty it."""
        taken = self.rows, self.blocks
        self.rows, self.blocks = [], []
        return taken


def _parts(item: _Row | Line, gap: float) -> tuple[_Row | Line | None, _Row | Line | None, bool]:
    """Return what of a row or block is left and right of the gap, and whether it crosses it."""
    if isinstance(item, Line):
        crosses = item.box[0] < gap - _GAP and item.box[2] > gap + _GAP
        return (item, None, crosses) if item.box[0] < gap - _GAP else (None, item, crosses)
    left = [word for word in item.words if word.x0 < gap - 2]
    right = [word for word in item.words if word.x0 >= gap - 2]
    if left and (max(word.x1 for word in left) > gap - 1 or (right and right[0].x0 - left[-1].x1 < 0.8 * _GAP)):
        return None, None, True
    return (
        _Row(left, item.top, item.bottom) if left else None,
        _Row(right, item.top, item.bottom) if right else None,
        False,
    )


def _gap(rows: Sequence[_Row]) -> float | None:
    """Return where the second column begins, or None: many lines begin there, after a gap, and hold several words."""
    if len(rows) < _COLUMN_ROWS:
        return None
    left = min(row.words[0].x0 for row in rows)
    right = max(row.words[-1].x1 for row in rows)
    starts: Counter[int] = Counter()
    lengths: Counter[int] = Counter()
    for row in rows:
        for index, word in enumerate(row.words):
            before = row.words[index - 1].x1 if index else left - 2 * _GAP
            if word.x0 - before >= _GAP and 0.25 < (word.x0 - left) / max(1.0, right - left) < 0.75:
                following = row.words[index:]
                ends = next(
                    (n for n in range(1, len(following)) if following[n].x0 - following[n - 1].x1 >= 2 * _GAP),
                    len(following),
                )
                starts[round(word.x0)] += 1
                lengths[round(word.x0)] += ends
    best: tuple[int, float] | None = None
    for x in starts:
        near = range(x - 1, x + 2)
        count, words = sum(starts[n] for n in near), sum(lengths[n] for n in near)
        enough = count >= max(_COLUMN_ROWS, _COLUMN_SHARE * len(rows)) and words >= _COLUMN_WORDS * count
        if enough and (best is None or count > best[0]):
            best = count, float(x)
    return None if best is None else best[1] - 1


def _one_column(rows: Sequence[_Row], blocks: Sequence[Line], page: int) -> list[Line]:
    lines = [_line(row, page) for row in rows]
    if lines:
        edges = min(line.box[0] for line in lines), max(line.box[2] for line in lines)
        lines = [replace(line, column=edges) for line in lines]
    return sorted([*lines, *blocks], key=lambda line: line.top)


def _line(row: _Row, page: int) -> Line:
    sizes: Counter[float] = Counter()
    for word in row.words:
        sizes[word.size] += len(word.text)
    size = _most(sizes)
    text = ""
    for index, word in enumerate(row.words):
        raised = word.size < 0.85 * size and word.bottom < row.bottom - 0.1 * size and _RAISED.fullmatch(word.text)
        close = index > 0 and word.x0 - row.words[index - 1].x1 < 0.12 * size
        text += ("" if close or not text else " ") + (f"{MARK}{word.text}{MARK}" if raised else word.text)
    shown = [word for word in row.words if word.size >= 0.85 * size]
    return Line(
        text=text,
        box=(
            row.words[0].x0,
            min(word.top for word in shown),
            max(word.x1 for word in row.words),
            max(word.bottom for word in shown),
        ),
        page=page,
        size=size,
        bold=all(word.bold for word in shown),
        mono=all(word.mono for word in row.words),
    )
