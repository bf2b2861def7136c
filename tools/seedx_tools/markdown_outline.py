"""A Markdown outline becomes the words of a deck; nothing is added and nothing is lost without a warning.

# Deck title            the title slide; the paragraph after it is the subtitle
# Another title         a section slide
## Slide title          a slide
- a point               its bullets; nested lists are indented, and "1. a point" is numbered
### Heading             two of them, each with points: a comparison
***                     between two lists: two columns
| a | b |               a table; so is a fenced block "csv", and ![](figures.csv)
```chart bar            a chart (bar, line, pie) from CSV lines; so is ![bar: title](figures.csv)
"Words." -- Somebody    a quote
![a red boat](draw)     what its picture shows (![](none): no picture; ![what it shows](boat.png): a file)
> what to say           speaker notes; so is a paragraph that starts with "Notes:"
## Agenda               without points: lists the sections
## Sources              its points become a slide at the end
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from seedx_sdk.errors import InputError
from seedx_tools.csv_data import chart_of, read_table, table_of
from seedx_tools.outline import Outline, SlidePlan
from seedx_tools.slide_content import ChartData, ChartKind, Column, Quote, TableData

_NOTES = re.compile(r"^(speaker )?notes?:\s*", re.IGNORECASE)
_NO_PICTURE = "none"
_DRAW = ("", "draw")
_CHART = re.compile(r"^(?:chart\s+)?(bar|line|pie)(?:\s+chart)?\s*(?::\s*(.*))?$", re.IGNORECASE)
_QUOTE = re.compile(r"^[\"\u201c\u201e\u00ab](.+)[\"\u201d\u201c\u00bb]\s*(?:--|\u2013|\u2014)\s*(.+)$")
_AGENDA = re.compile(r"^(agenda|contents|table of contents)$", re.IGNORECASE)
_SOURCES = re.compile(r"^(sources?|references|bibliography)$", re.IGNORECASE)
_CLOSING = re.compile(r"^(thank you|thanks|any questions|questions|q ?(&|and) ?a|the end)\b", re.IGNORECASE)


def is_markdown_outline(text: str) -> bool:
    """Whether a text has Markdown headings, or is a list of several points."""
    nodes = _parse(text).children
    return any(node.type == "heading" or (node.type in _LISTS and len(node.children) > 1) for node in nodes)


def parse_markdown_outline(text: str) -> Outline:
    """Return the outline that a Markdown text describes; what a slide cannot hold becomes a warning."""
    reader = _Reader()
    for node in _parse(text).children:
        reader.read(node)
    return reader.outline()


_LISTS = ("bullet_list", "ordered_list")


def _parse(text: str) -> SyntaxTreeNode:
    return SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(text))


@dataclass
class _Draft:
    """A slide under way; the first one is the title slide."""

    title: str = ""
    is_section: bool = False
    bullets: list[str] = field(default_factory=list)
    columns: list[tuple[str, list[str]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    picture: str | None = None
    picture_file: str = ""
    table: TableData | None = None
    chart: ChartData | None = None
    quote: Quote | None = None

    @property
    def lines(self) -> list[str]:
        """Where the next point goes."""
        return self.columns[-1][1] if self.columns else self.bullets

    def plan(self, *, is_last: bool) -> SlidePlan:
        columns = self.columns if len(self.columns) == 2 and not self.bullets else []
        bullets = list(self.bullets)
        for heading, points in self.columns if not columns else ():
            bullets += ([heading] if heading else []) + [f"\t{point}" if heading else point for point in points]
        is_line = not (bullets[1:] or columns or self.table or self.chart or self.quote)
        is_end = is_last and _CLOSING.match(self.title) is not None
        return SlidePlan(
            title=self.title,
            kind="section" if self.is_section and is_line else "closing" if is_line and is_end else "content",
            bullets=tuple(bullets),
            columns=tuple(Column(heading=heading, bullets=tuple(points)) for heading, points in columns),
            table=self.table,
            chart=self.chart,
            quote=self.quote,
            picture=self.picture,
            picture_file=self.picture_file,
            notes="\n".join(self.notes),
        )


class _Reader:
    def __init__(self) -> None:
        self.cover = _Draft()
        self.slides: list[_Draft] = []
        self.warnings: list[str] = []

    @property
    def current(self) -> _Draft:
        return self.slides[-1] if self.slides else self.cover

    def read(self, node: SyntaxTreeNode) -> None:
        if node.type == "heading":
            self._heading(int(node.tag[1]), self._inline(node))
        elif node.type == "paragraph":
            text = self._inline(node)
            if _NOTES.match(text):
                self.current.notes.append(_NOTES.sub("", text))
            elif quoted := _QUOTE.match(text):
                self.current.quote = Quote(text=quoted[1].strip(), by=quoted[2].strip())
            elif text:
                self.current.lines.append(text)
        elif node.type in _LISTS:
            self._list(node, 0)
        elif node.type == "blockquote":
            self.current.notes.extend(filter(None, (self._inline(child) for child in node.children)))
        elif node.type == "table":
            self._table(node)
        elif node.type == "hr":
            self._column_break()
        elif node.type in ("fence", "code_block"):
            self._block(node.info.strip(), node.content)
        elif node.type == "html_block":
            self._comment(node.content)

    def outline(self) -> Outline:
        """The finished outline; points above the first slide heading become the subtitle or a slide of their own."""
        cover, slides = self.cover, list(self.slides)
        if not cover.title:
            cover.title = cover.bullets.pop(0) if cover.bullets else slides[0].title if slides else "Untitled"
        if len(cover.bullets) > 1:
            slides.insert(0, _Draft(title=cover.title, bullets=cover.bullets))
            cover.bullets = []
        sources = [slide for slide in slides if _SOURCES.match(slide.title) and slide.bullets]
        agenda = [slide for slide in slides if _AGENDA.match(slide.title) and not slide.bullets]
        slides = [slide for slide in slides if slide not in sources and slide not in agenda]
        return Outline(
            title=cover.title,
            subtitle=cover.bullets[0] if cover.bullets else "",
            picture=cover.picture,
            notes="\n".join(cover.notes),
            agenda=agenda[0].title if agenda else "",
            slides=tuple(slide.plan(is_last=slide is slides[-1]) for slide in slides),
            sources=tuple(line.strip() for slide in sources for line in slide.bullets),
            sources_title=sources[0].title if sources else "Sources",
            warnings=tuple(self.warnings),
        )

    def _heading(self, level: int, text: str) -> None:
        if level == 1 and not self.cover.title and not self.slides:
            self.cover.title = text
        elif level <= 2:
            self.slides.append(_Draft(title=text, is_section=level == 1))
        elif level == 3 and self.slides:
            self.current.columns.append((text, []))
        else:
            self.current.lines.append(text)

    def _column_break(self) -> None:
        draft = self.current
        if self.slides and draft.bullets and not draft.columns:
            draft.columns, draft.bullets = [("", draft.bullets), ("", [])], []

    def _block(self, info: str, content: str) -> None:
        chart = _CHART.match(info.removeprefix("chart").strip()) if info.startswith("chart") else None
        try:
            if chart is not None:
                kind, title = _kind(chart[1]), (chart[2] or "").strip()
                self.current.chart = chart_of(read_table(content, "the chart"), kind, title, "the chart")
            elif info == "csv":
                self.current.table = read_table(content, "the table")
            else:
                self.current.lines.extend(line for line in content.splitlines() if line.strip())
                self._warn("a code block became plain points")
        except InputError as error:
            self.current.lines.extend(line for line in content.splitlines() if line.strip())
            self._warn(f"a block became plain points: {error}")

    def _list(self, node: SyntaxTreeNode, depth: int) -> None:
        first = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
        for place, item in enumerate(node.children):
            number = "" if first is None else f"{first + place}. "
            for child in item.children:
                if child.type in _LISTS:
                    self._list(child, depth + 1)
                elif text := self._inline(child):
                    self.current.lines.append("\t" * depth + number + text)
                    number = ""

    def _table(self, node: SyntaxTreeNode) -> None:
        lines = [[self._inline(cell) for cell in row.children] for row in node.walk() if row.type == "tr"]
        if self.current.table is None:
            try:
                self.current.table = table_of(lines, "the table")
                return
            except InputError as error:
                self._warn(str(error))
        self.current.lines.extend(" | ".join(line) for line in lines)
        self._warn("a table became one point for each row; a slide shows one table")

    def _comment(self, html: str) -> None:
        comment = re.fullmatch(r"\s*<!--(.*?)-->\s*", html, re.DOTALL)
        if comment:
            self.current.notes.append(_NOTES.sub("", comment.group(1).strip()))
        else:
            self._warn("HTML was left out; write it as Markdown")

    def _inline(self, node: SyntaxTreeNode) -> str:
        """The plain text of a node; pictures in it are set on the current slide."""
        return " ".join("".join(self._pieces(node)).split())

    def _pieces(self, node: SyntaxTreeNode) -> Iterator[str]:
        if node.type == "image":
            self._picture(str(node.attrs.get("src", "")), node.content)
        elif node.type in ("text", "code_inline"):
            yield node.content
        elif node.type in ("softbreak", "hardbreak"):
            yield " "
        else:
            for child in node.children:
                yield from self._pieces(child)
            if (
                node.type == "link"
                and _SOURCES.match(self.current.title)
                and str(node.attrs["href"]) not in self._words(node)
            ):
                yield f" ({node.attrs['href']})"

    def _words(self, node: SyntaxTreeNode) -> str:
        return "".join(str(child.content) for child in node.children if child.type == "text")

    def _picture(self, source: str, wanted: str) -> None:
        if source == _NO_PICTURE:
            self.current.picture = ""
            return
        if source.lower().endswith(".csv"):
            chart = _CHART.match(wanted.strip())
            if chart is None:
                self.current.table = TableData(csv=source)
            else:
                self.current.chart = ChartData(kind=_kind(chart[1]), title=(chart[2] or "").strip(), csv=source)
            return
        if source not in _DRAW:
            self.current.picture_file = source
        self.current.picture = wanted or None

    def _warn(self, what: str) -> None:
        where = f"slide '{self.current.title}'" if self.slides else "title slide"
        self.warnings.append(f"{where}: {what}")


def _kind(word: str) -> ChartKind:
    kinds: dict[str, ChartKind] = {"bar": "bar", "line": "line", "pie": "pie"}
    return kinds[word.lower()]
