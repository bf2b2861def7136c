"""The structure of a PDF: title, headings, paragraphs, lists and footnotes, by the look of the lines."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from seedx_tools.decks.text.inline import escape_inline
from seedx_tools.documents import markdown
from seedx_tools.documents.pdf.lines import MARK, Line
from seedx_tools.documents.pdf.page_breaks import joined_tables
from seedx_tools.documents.pdf.regions import CAPTION

_EDGE = 0.12
"""Running heads and feet stand in this share of the page's height, at its upper and lower edge."""
_LARGER = 1.15
"""In type this many times as large as the text is, only the same words are a running head: others are headings."""
_FAR_EDGE = 0.07
"""So far out a small line is a running head or foot even if it stands on one page only."""
_PAGE_NUMBER = re.compile(
    r"\W*(?:page|seite|p\.)?\s*(?:\d{1,4}|[ivxlc]{1,6})(?:\s*(?:/|of|von|\|)\s*\d{1,4})?\W*", re.I
)
_NUMBERED = re.compile(r"(?:(\d{1,2}(?:\.\d{1,2}){0,3})\.?|([IVX]{1,5})\.|[A-Z]\.|Appendix [A-Z]\b\W?)\s+(?=\S)")
_BULLET = re.compile(
    r"(?:[\u2022\u25e6\u25aa\u25ab\u2023\u25cf\u25cb\u25a0\u00b7\u2043\uf0b7\uf0a7]|\(cid:\d+\)|[-\u2013](?=\s))\s*(?=\S)"
)
_NUMBER = re.compile(r"\(?(\d{1,3}|[a-z])[.)]\s+(?=\S)")
_NOTE = re.compile(rf"{MARK}?(\d{{1,3}}|[*\u2020\u2021\u00a7]){MARK}?\.?\s*(?=\S)")
_LEADERS = re.compile(r"(?:\s*[.\u2026]\s*){4,}\s*\w{0,5}\s*$")
"""What stands between a line of a table of contents and its page number."""
_CONTENTS = re.compile(r"(?:table of )?contents|inhalt(?:sverzeichnis)?|sommaire|\u00edndice|indice", re.I)
_OPENING = re.compile(r"abstract|(?:executive )?summary|introduction|overview|zusammenfassung|r\u00e9sum\u00e9", re.I)
_UNKNOWN = re.compile(r"\(cid:\d+\)\s*")
"""A letter whose meaning a PDF does not tell."""
_MARKED = re.compile(f"{MARK}([^{MARK}]+){MARK}")
_ENDS = (".", "!", "?", ":", ";", ".\u201d", '."', ".)", "\u3002")
_TITLE_LINES, _HEADING_LINES, _HEADING_CHARS = 4, 3, 140


def structure(pages: Sequence[Sequence[Line]], name: str, warnings: list[str]) -> tuple[str, str]:
    """Return the title of a document, or an empty string, and its Markdown.

    Args:
        pages: The lines of each page in reading order.
        name: What warnings call the document.
        warnings: Gets a sentence on what was left out.
    """
    pages = [[line for line in page if line.markdown or not _LEADERS.search(line.text)] for page in pages]
    lines, running = _without_running(pages)
    lines = [line for line in lines if line.markdown or not _CONTENTS.fullmatch(line.text.strip())]
    if running:
        warnings.append(f"'{name}': running heads and feet were left out: {'; '.join(running)}")
    return _Structure(joined_tables(lines)).read()


def _without_running(pages: Sequence[Sequence[Line]]) -> tuple[list[Line], list[str]]:
    """Return the lines without running heads and feet, and what those say."""
    body = _body_size([line for page in pages for line in page])
    seen: defaultdict[tuple[str, bool], set[int]] = defaultdict(set)
    for page in pages:
        tops = _tops(page)
        for line in page:
            if _at_edge(line, _EDGE) and _is_outer(line, tops):
                seen[_shape(line)].add(line.page)
    least = max(2, min(3, len(pages) // 4))
    places = Counter(
        _spot(line)
        for page in pages
        for line in page
        if _at_edge(line, _EDGE) and len(seen[_shape(line)]) >= least and _is_outer(line, _tops(page))
    )
    same = Counter(text for page in pages for text in {line.text for line in page})
    kept: list[Line] = []
    dropped: dict[str, None] = {}
    for page in pages:
        tops = _tops(page)
        for line in page:
            repeated = (
                _at_edge(line, _EDGE)
                and _is_outer(line, tops)
                and (len(seen[_shape(line)]) >= least or places[_spot(line)] >= 3)
                and (line.size < _LARGER * body or same[line.text] >= least)
            )
            far_out = _at_edge(line, _FAR_EDGE) and line.size < 0.95 * body and _is_alone(line, tops)
            number = _at_edge(line, _EDGE) and _PAGE_NUMBER.fullmatch(line.text) is not None
            if line.markdown or not (repeated or far_out or number):
                kept.append(line)
            elif not number:
                dropped[_plain(line.text)] = None
    shown = list({_shape_text(text): text for text in reversed(dropped)}.values())[::-1]
    return kept, [f"'{text}'" for text in shown[:4]] + ([f"{len(shown) - 4} more"] if len(shown) > 4 else [])


def _spot(line: Line) -> tuple[int, float]:
    """Return the height and size of a line: running heads that differ by chapter have the same."""
    return round(line.top), _rounded(line.size)


def _tops(page: Sequence[Line]) -> list[float]:
    return sorted({line.top for line in page})


def _is_outer(line: Line, tops: Sequence[float]) -> bool:
    """Return whether a line is one of the two upper rows of its page in the upper half, or of the two lower ones."""
    return line.top in (tops[:2] if line.place < 0.5 else tops[-2:])


def _is_alone(line: Line, tops: Sequence[float]) -> bool:
    """Return whether no other line of the page is near, as the lines of a footnote are."""
    return not any(0.3 * line.size < abs(top - line.top) < 2 * line.size for top in tops)


def _at_edge(line: Line, share: float) -> bool:
    return bool(line.text) and not share <= line.place <= 1 - share


def _shape(line: Line) -> tuple[str, bool]:
    return _shape_text(line.text), line.place < 0.5


def _shape_text(text: str) -> str:
    return re.sub(r"\d+", "#", text)


def _plain(text: str) -> str:
    return text.replace(MARK, "")


def _body_size(lines: Sequence[Line]) -> float:
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[_rounded(line.size)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _rounded(size: float) -> float:
    return round(2 * size) / 2


class _Structure:
    """Reads lines one after the other into blocks of Markdown."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._body = _body_size(lines)
        self._mono_body = 2 * sum(len(line.text) for line in lines if line.mono) > sum(len(line.text) for line in lines)
        self._bold_body = 2 * sum(len(line.text) for line in lines if line.bold) > sum(len(line.text) for line in lines)
        self._lines, self._title = self._without_title(lines)
        self._cover: set[Line] = set()
        self._leading = self._usual_leading()
        self._cover = self._cover_lines()
        self._levels = self._heading_levels()
        self._notes: dict[tuple[int, str], str] = {}
        self._lines = self._without_footnotes()

    def read(self) -> tuple[str, str]:
        """Return the title and the Markdown."""
        blocks = [self._block(group) for group in self._groups()]
        text = _joined(blocks)
        notes: list[str] = []
        for number, ((page, mark), note) in enumerate(self._notes.items(), start=1):
            label = f"[^{number}]"
            before = text
            text = text.replace(f"{MARK}{page}:{mark}{MARK}", label, 1)
            if text != before:
                notes.append(f"{label}: {markdown.escape_text(note)}")
            else:
                notes.append(markdown.escape_text(note))
        text = re.sub(f"{MARK}\\d+:([^{MARK}]+){MARK}", r"\1", text)
        return self._title, "\n\n".join([text, *notes])

    def _usual_leading(self) -> float:
        """Return the usual distance of the tops of two lines of a paragraph, in font sizes."""
        steps = [
            (below.top - above.top) / below.size
            for above, below in pairwise(self._lines)
            if _same_look(above, below) and 0.9 < (below.top - above.top) / below.size < 2.5
        ]
        counted = Counter(round(step, 1) for step in steps)
        return min(counted.most_common(2), default=(1.2, 0), key=lambda item: item[0])[0] if steps else 1.2

    def _without_title(self, lines: Sequence[Line]) -> tuple[list[Line], str]:
        """Return the lines below the title, and the title: the largest lines of the first page, if no other are."""
        first = [line for line in lines if line.text and line.page == lines[0].page]
        largest = max((_rounded(line.size) for line in first), default=0.0)
        same = [line for line in lines if line.text and _rounded(line.size) == largest]
        one = len(same) <= _TITLE_LINES and all(line.page == same[0].page for line in same)
        near = all(below.top - above.top < 2 * above.size for above, below in pairwise(same))
        if not (same and one and near and largest >= 1.15 * self._body and len(first) > len(same)):
            return list(lines), ""
        title = _plain(_flow(line.text for line in same))
        return [line for line in lines if line not in same], title if any(map(str.isalpha, title)) else ""

    def _is_heading(self, line: Line) -> bool:
        text = _plain(line.text)
        letters = sum(map(str.isalpha, text))
        if (
            line in self._cover
            or line.markdown
            or line.mono
            or letters < 2
            or len(text) > _HEADING_CHARS
            or CAPTION.match(text)
            or _BULLET.match(text)
        ):
            return False
        larger = line.size >= 1.12 * self._body
        strong = line.bold and not self._bold_body and line.size >= 0.95 * self._body
        capitals = text.isupper() and letters >= 4 and line.size >= 0.8 * self._body
        numbered = _NUMBERED.match(text) is not None
        return (larger or strong or (capitals and numbered)) and (numbered or text[-1] not in ".,;")

    def _look(self, line: Line) -> tuple[float, bool]:
        return _rounded(line.size), line.bold

    def _cover_lines(self) -> set[Line]:
        """Return the large lines of the first page that look like no heading of the others, such as authors."""
        pages = {line.page for line in self._lines}
        if not self._title or len(pages) < 2:
            return set()
        headings = [line for line in self._lines if self._is_heading(line)]
        later = {self._look(line) for line in headings if line.page > min(pages)}
        return {
            line
            for line in headings
            if line.page == min(pages)
            and self._look(line) not in later
            and not (_NUMBERED.match(line.text) or _OPENING.fullmatch(line.text.strip(" .:")))
        }

    def _heading_levels(self) -> dict[tuple[float, bool], int]:
        """Return the level of each look of headings: larger ones are above smaller ones."""
        looks = sorted({self._look(line) for line in self._lines if self._is_heading(line)}, reverse=True)
        return {look: min(2 + rank, 4) for rank, look in enumerate(looks)}

    def _level(self, line: Line) -> int:
        number = _NUMBERED.match(_plain(line.text))
        return 2 + number[1].count(".") if number and number[1] else self._levels[self._look(line)]

    def _without_footnotes(self) -> list[Line]:
        """Return the lines without the footnotes at the end of each page or column, which are kept apart."""
        marks = {(line.page, mark) for line in self._lines for mark in _MARKED.findall(line.text)}
        kept: list[Line] = []
        open_note: tuple[int, str] | None = None
        for line in self._lines:
            small = bool(line.text) and line.size <= 0.93 * self._body and line.place > 0.5
            found = _NOTE.match(line.text) if small else None
            if found and (line.page, found[1]) in marks and (line.page, found[1]) not in self._notes:
                open_note = line.page, found[1]
                self._notes[open_note] = _plain(line.text[found.end() :])
            elif small and open_note and open_note[0] == line.page:
                self._notes[open_note] = _flow((self._notes[open_note], _plain(line.text)))
            else:
                open_note = None
                kept.append(line)
        return kept

    def _groups(self) -> Iterator[list[Line]]:
        """Yield the lines of each block: a heading, a paragraph, an item of a list, a table or a figure."""
        group: list[Line] = []
        for line in self._lines:
            if group and not self._continues(group, line):
                yield group
                group = []
            group.append(line)
        if group:
            yield group

    def _continues(self, group: Sequence[Line], line: Line) -> bool:
        last, first = group[-1], group[0]
        if last.markdown or line.markdown:
            return False
        if first.mono or line.mono:
            near = last.page == line.page and line.top - last.top < 3 * line.size
            return first.mono and line.mono and near and line.column == last.column
        heading = self._is_heading(first)
        step = (line.top - last.top) / line.size
        below = last.page == line.page and last.top < line.top and line.column == last.column
        if heading or self._is_heading(line):
            alike = heading and self._is_heading(line) and _same_look(last, line)
            return alike and below and step < 1.6 and not _NUMBERED.match(line.text) and len(group) < _HEADING_LINES
        if _BULLET.match(line.text) or not _same_look(last, line):
            return False
        if _NUMBER.match(line.text) and (_NUMBER.match(first.text) or last.text.endswith((".", ":"))):
            return False
        ended = last.text.endswith(_ENDS)
        width = max(1.0, last.column[1] - last.column[0])
        is_item = _BULLET.match(first.text) or _NUMBER.match(first.text)
        short = last.box[2] < last.column[1] - 0.2 * width
        if not below:  # the next column or page
            return not ended and not short and not is_item
        indented = line.box[0] > last.box[0] + 0.8 * line.size and len(group) > 1
        outdented = bool(is_item) and line.box[0] < first.box[0] + 1
        return step <= self._leading + 0.3 and not (indented or outdented) and not (short and ended)

    def _block(self, group: Sequence[Line]) -> str:
        first = group[0]
        if first.markdown:
            return first.markdown
        if first.mono and not self._mono_body:
            return _code(group)
        text = _UNKNOWN.sub("", _flow(_on_page(line) for line in group))
        if not text:
            return ""
        if self._is_heading(first):
            return markdown.heading(self._level(first), escape_inline(text))
        if _BULLET.match(first.text):
            return markdown.list_item(markdown.escape_text(_BULLET.sub("", text, count=1)), self._indent(first))
        if (found := _NUMBER.match(text)) and found[1].isdigit():
            return markdown.list_item(markdown.escape_text(text[found.end() :]), self._indent(first), found[1])
        return markdown.escape_text(text)

    def _indent(self, line: Line) -> int:
        """Return the level of a list item by how far it is indented among the items of its page."""
        items = [
            other.box[0] - other.column[0]
            for other in self._lines
            if other.page == line.page and other.text and (_BULLET.match(other.text) or _NUMBER.match(other.text))
        ]
        steps: list[float] = []
        for x in sorted(items):
            if not steps or x - steps[-1] > 0.8 * line.size:
                steps.append(x)
        own = line.box[0] - line.column[0]
        return min(2, sum(1 for step in steps if step < own - 0.8 * line.size))


def _code(lines: Sequence[Line]) -> str:
    """Return program text with its indentation and empty lines."""
    left = min(line.box[0] for line in lines)
    shown: list[str] = []
    for above, line in zip((lines[0], *lines), lines, strict=False):
        if line.top - above.top > 1.9 * line.size:
            shown.append("")
        shown.append(" " * round((line.box[0] - left) / (0.6 * line.size)) + _plain(line.text))
    return "\n".join(("```", *shown, "```"))


def _same_look(one: Line, other: Line) -> bool:
    return not (one.markdown or other.markdown) and abs(one.size - other.size) < 0.6 and one.bold == other.bold


def _on_page(line: Line) -> str:
    """Return the text of a line, in which raised numbers name their page."""
    return _MARKED.sub(rf"{MARK}{line.page}:\1{MARK}", line.text)


def _flow(texts: Iterator[str] | Sequence[str]) -> str:
    """Join lines into one, and words that were parted at a line's end."""
    joined = ""
    for text in texts:
        if joined[-1:] in ("-", "\u2010", "\u00ad") and joined[-2:-1].islower() and text[:1].islower():
            joined = joined[:-1] + text
        else:
            joined = f"{joined} {text}".strip()
    return joined


def _joined(blocks: Sequence[str]) -> str:
    """Join blocks with empty lines between them, and the items of a list without."""
    text = ""
    item = re.compile(r" *(?:-|\d+\.) ")
    for before, block in zip(("", *blocks), blocks, strict=False):
        text += ("\n" if item.match(before) and item.match(block) else "\n\n" if text else "") + block
    return text
