"""Parse a Markdown outline into a deck outline; whatever is dropped is named in a warning.

# Deck title            the title slide; the paragraph after it is the subtitle
# Another title         a section slide
## Slide title          a slide
- a point               its bullets; nested lists are indented, and "1. a point" is numbered; "- [ ] a task" has a
                        check box; a further paragraph inside an item has no bullet
### Heading             two to four of them, each with points: a comparison
***                     between two to four lists: columns
| a | b |               a table; so is a fenced block "csv", and ![](figures.csv)
```chart stacked bar    a chart from CSV lines (data/kinds.py lists the kinds); so is ![bar: title](figures.csv)
Source: a report        under a table or chart: the line that names where its figures come from
```process            a drawing, one item per line (planners/visual_blocks.py); ```mermaid: a flow chart
"Text." -- Author       a quote
```python               program text, in a box
![a red boat](draw)     the prompt of its image (![](none): no image; ![what it shows](boat.png): a file; several
                        files are shown beside each other)
> speaker notes         so is a paragraph that starts with "Notes:"
**bold** *italic* `code` [text](https://...)  as they look; on a slide of sources the address follows the text
text[^1]              the mark of a footnote; "[^1]: text" anywhere is what stands at the foot of the slide
## Agenda               with nothing under it: lists the sections
## Sources              with points and nothing else: a slide at the end
---                     front matter ("key: value" lines) at the start: its title, if there is no "# Deck title"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.footnote import footnote_plugin

from seedx_sdk.errors import InputError
from seedx_tools.decks.outline import (
    MAX_COLUMNS_OF_TEXT,
    ChartData,
    CodeBlock,
    Column,
    Outline,
    PictureFile,
    Quote,
    SlidePlan,
    TableData,
)
from seedx_tools.decks.planners.markdown_data import WantedChart, alignment, wanted_chart
from seedx_tools.decks.planners.markdown_footnotes import MarkdownFootnotes
from seedx_tools.decks.planners.markdown_inline import BREAK, COMMENT, InlineReader
from seedx_tools.decks.planners.mermaid import read_mermaid, readable_lines
from seedx_tools.decks.planners.visual_blocks import block_lines, read_visual_block, visual_kind
from seedx_tools.decks.planners.visual_rules import visual_of_points
from seedx_tools.decks.tables import SOURCE_LINE, chart_of, read_table, table_of
from seedx_tools.decks.text.footnotes import marks_in, plain_notes, told, unmarked, with_footnotes_told
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.marks import slide_markdown
from seedx_tools.decks.text.points import MAX_LEVEL
from seedx_tools.decks.visuals import Visual

_NOTES = re.compile(r"^(speaker )?notes?:\s*", re.IGNORECASE)
_NO_PICTURE = "none"
_DRAW = ("", "draw")
_QUOTE = re.compile(r"^[\"\u201c\u201e\u00ab](.+)[\"\u201d\u201c\u00bb]\s*(?:--|\u2013|\u2014)\s*(.+)$")
_AGENDA = re.compile(r"^(agenda|contents|table of contents)$", re.IGNORECASE)
_SOURCES = re.compile(r"^(sources?|references|bibliography)$", re.IGNORECASE)
_FRONT_MATTER = re.compile(
    r"---[ \t]*\n([\w-]+:(?:[ \t].*)?\n(?:(?:[\w-]+:(?:[ \t].*)?|[ \t].*|-[ \t].*|)\n)*)(?:---|\.\.\.)[ \t]*(?:\n|\Z)"
)
_FRONT_KEY = re.compile(r"^([\w-]+):", re.MULTILINE)
_FRONT_TITLE = re.compile(r"^title:[ \t]*([^|>\s].*)$", re.MULTILINE)
_CLOSING = re.compile(r"^(thank you|thanks|any questions|questions|q ?(&|and) ?a|the end)\b", re.IGNORECASE)

MARKDOWN = slide_markdown(MarkdownIt("commonmark").enable(["table", "strikethrough"])).use(
    footnote_plugin, inline=False, move_to_end=False, always_match_refs=True
)


def is_markdown_outline(text: str) -> bool:
    """Return whether a text has Markdown headings or front matter, or is a list of several points."""
    front, body = split_front_matter(text)
    return bool(front) or any(
        node.type == "heading" or (node.type in _LISTS and len(node.children) > 1) for node in _parse(body).children
    )


def parse_markdown_outline(text: str) -> Outline:
    """Return the outline in a Markdown text; content that a slide cannot hold becomes a warning."""
    front, body = split_front_matter(text)
    tree = _parse(body)
    reader = _Reader(front, tree)
    for node in tree.children:
        reader.read(node)
    return reader.outline()


_LISTS = ("bullet_list", "ordered_list")


def split_front_matter(text: str) -> tuple[str, str]:
    """Return the front matter of a text, or an empty string, and the rest of the text."""
    text = text.replace("\r\n", "\n")
    found = _FRONT_MATTER.match(text)
    return (found[1], text[found.end() :]) if found else ("", text)


def front_title(front: str) -> str:
    """Return the title that front matter gives, or an empty string."""
    named = _FRONT_TITLE.search(front)
    return named[1].strip("\"' ") if named else ""


def _parse(text: str) -> SyntaxTreeNode:
    return SyntaxTreeNode(MARKDOWN.parse(text))


@dataclass
class _SlideDraft:
    """A slide that is being read; the first one is the title slide."""

    title: str = ""
    is_section: bool = False
    bullets: list[str] = field(default_factory=list)
    columns: list[tuple[str, list[str]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    picture: str | None = None
    picture_file: str = ""
    gallery: list[PictureFile] = field(default_factory=list)
    table: TableData | None = None
    chart: ChartData | None = None
    visual: Visual | None = None
    code: CodeBlock | None = None
    quote: Quote | None = None
    source: str = ""
    footnotes: dict[str, str] = field(default_factory=dict)
    """The texts of the footnotes that it refers to, by label."""

    @property
    def lines(self) -> list[str]:
        """The list that the next point goes to."""
        return self.columns[-1][1] if self.columns else self.bullets

    @property
    def all_notes(self) -> str:
        notes = "\n".join(filter(None, (*self.notes, *self.links)))
        return plain_notes(notes, list(self.footnotes.values()))

    @property
    def holds_more(self) -> bool:
        """True if it holds more than points, a picture and notes."""
        return bool(self.columns or self.table or self.chart or self.visual or self.code or self.quote)

    @property
    def is_plain(self) -> bool:
        """True if it holds nothing but points."""
        return not (self.holds_more or self.picture or self.picture_file or self.all_notes)

    def drop_empty_column(self) -> None:
        """Turn two columns without headings into one list if the second is empty."""
        self.columns = [column for column in self.columns if any(column)]
        if len(self.columns) == 1 and not self.columns[0][0]:
            self.bullets, self.columns = self.columns[0][1], []

    def plan(self, *, is_last: bool) -> SlidePlan:
        columns = self.columns if 2 <= len(self.columns) <= MAX_COLUMNS_OF_TEXT and not self.bullets else []
        bullets = list(self.bullets)
        for heading, points in self.columns if not columns else ():
            bullets += ([heading] if heading else []) + [f"\t{point}" if heading else point for point in points]
        visual = self.visual
        if visual is None and not (
            columns or self.table or self.chart or self.code or self.quote or self.picture or self.picture_file
        ):
            visual = visual_of_points(bullets)
            bullets = bullets if visual is None else []
        is_line = not (bullets[1:] or columns or self.table or self.chart or visual or self.code or self.quote)
        is_end = is_last and _CLOSING.match(self.title) is not None
        plan = SlidePlan(
            title=self.title,
            kind="section" if self.is_section and is_line else "closing" if is_line and is_end else "content",
            bullets=tuple(bullets),
            columns=tuple(Column(heading=heading, bullets=tuple(points)) for heading, points in columns),
            table=self.table,
            chart=self.chart,
            visual=visual,
            code=self.code,
            quote=self.quote,
            source=self.source,
            picture=self.picture,
            picture_file=self.picture_file,
            gallery=tuple(self.gallery),
            footnotes=tuple(self.footnotes.values()),
            notes=self.all_notes,
        )
        return with_footnotes_told(plan)


class _Reader:
    def __init__(self, front: str, tree: SyntaxTreeNode) -> None:
        self.front = front
        self.cover = _SlideDraft()
        self.slides: list[_SlideDraft] = []
        self.warnings: list[str] = []
        self._inlines = InlineReader(
            note=self._note,
            address=self._address,
            picture=self._picture,
            warn=self._warn,
            shows_addresses=lambda: _SOURCES.match(self.current.title) is not None,
            footnote=self._footnote,
        )
        self._footnotes = MarkdownFootnotes(tree, replace(self._inlines, footnote=lambda _: 0).read)

    @property
    def current(self) -> _SlideDraft:
        return self.slides[-1] if self.slides else self.cover

    def read(self, node: SyntaxTreeNode) -> None:
        if node.type == "heading":
            self._heading(int(node.tag[1]), node)
        elif node.type == "paragraph":
            text = self._inlines.read_lines(node)
            if _NOTES.match(text):
                self._note(text.replace("\v", "\n"))
            elif quoted := _QUOTE.match(text):
                self._quote(text, Quote(text=quoted[1].strip(), by=quoted[2].strip()))
            elif SOURCE_LINE.match(text) and (self.current.table or self.current.chart) and not self.current.source:
                self.current.source = text
            elif text:
                self.current.lines.append(text)
        elif node.type in _LISTS:
            self._list(node, 0)
        elif node.type == "blockquote":
            self.current.notes += list(self._note_lines(node))
        elif node.type.startswith("math_block"):
            self.current.lines.append(self._inlines.formula(node.content))
        elif node.type == "table":
            self._table(node)
        elif node.type == "hr":
            self._column_break()
        elif node.type in ("fence", "code_block"):
            self._block(node.info.strip(), node.content)
        elif node.type == "html_block":
            self._html(node.content)

    def outline(self) -> Outline:
        """Return the outline; points above the first slide heading become the subtitle or a slide."""
        cover, slides = self.cover, list(self.slides)
        self.warnings += self._footnotes.unused()
        for slide in slides:
            slide.drop_empty_column()
        self._name_cover()
        if more := self._beside_cover():
            slides.insert(0, more)
        agenda, sources = self._agenda(), self._sources()
        slides = [slide for slide in slides if slide is not agenda and slide is not sources]
        subtitle = cover.bullets[0] if cover.bullets else ""
        self._tell_footnotes(cover, f"{cover.title} {subtitle}")
        return Outline(
            title=unmarked(cover.title),
            subtitle=unmarked(subtitle),
            picture=cover.picture,
            notes=cover.all_notes,
            agenda=agenda.title if agenda else "",
            slides=tuple(slide.plan(is_last=slide is slides[-1]) for slide in slides),
            sources=tuple(told(line.strip(), [*sources.footnotes.values()]) for line in sources.bullets)
            if sources
            else (),
            sources_title=sources.title if sources else "Sources",
            warnings=tuple(self.warnings),
        )

    def _tell_footnotes(self, cover: _SlideDraft, shown: str) -> None:
        """Put what footnotes of the title slide say into its notes: it shows none."""
        texts = [*cover.footnotes.values()]
        if lines := [plain_text(texts[number - 1]) for number in marks_in(shown)]:
            cover.notes += lines
            self.warnings.append("title slide: its footnotes are in its notes")

    def _name_cover(self) -> None:
        """Set a missing deck title: from the front matter, the first point or the first slide's title."""
        cover = self.cover
        title = front_title(self.front)
        if not cover.title:
            first = cover.bullets.pop(0) if cover.bullets and not title else ""
            cover.title = title or first or (self.slides[0].title if self.slides else "") or "Untitled"
        lost = [key for key in _FRONT_KEY.findall(self.front) if key != "title" or title != cover.title]
        if lost:
            self.warnings.insert(0, f"title slide: the front matter was left out: {', '.join(lost)}")

    def _beside_cover(self) -> _SlideDraft | None:
        """Return a slide for content that the title slide cannot hold, or None."""
        cover = self.cover
        points, cover.bullets = (cover.bullets, []) if len(cover.bullets) > 1 else ([], cover.bullets)
        if not (points or cover.holds_more or cover.picture_file):
            return None
        more = _SlideDraft(title=cover.title, bullets=points, table=cover.table, chart=cover.chart, quote=cover.quote)
        more.visual, more.source, more.footnotes = cover.visual, cover.source, cover.footnotes
        if cover.picture_file:
            more.picture, more.picture_file, cover.picture = cover.picture, cover.picture_file, None
            more.gallery = cover.gallery
            self.warnings.append(
                f"title slide: it cannot show an image file; '{more.picture_file}' is on the next slide"
            )
        return more

    def _agenda(self) -> _SlideDraft | None:
        """Return the first empty slide with an agenda title, or None."""
        for slide in self.slides:
            if _AGENDA.match(slide.title) and not (slide.bullets or slide.holds_more):
                if slide.is_plain:
                    return slide
                self.warnings.append(
                    f"slide '{plain_text(slide.title)}': it does not list the sections: it has notes or a picture"
                )
        return None

    def _sources(self) -> _SlideDraft | None:
        """Return the first slide with a sources title and nothing but points, or None."""
        found = (slide for slide in self.slides if _SOURCES.match(slide.title) and slide.bullets and slide.is_plain)
        return next(found, None)

    def _heading(self, level: int, node: SyntaxTreeNode) -> None:
        if level == 1 and not self.cover.title and not self.slides:
            self.cover.title = self._inline(node)
        elif level <= 2:
            self.slides.append(_SlideDraft(is_section=level == 1))
            self.current.title = self._inline(node)
        elif level == 3 and self.slides:
            self.current.columns.append((self._inline(node), []))
        else:
            self.current.lines.append(self._inline(node))

    def _column_break(self) -> None:
        draft = self.current
        if self.slides and draft.bullets and not draft.columns:
            draft.columns, draft.bullets = [("", draft.bullets), ("", [])], []
        elif draft.columns and draft.columns[-1] != ("", []) and not any(heading for heading, _ in draft.columns):
            draft.columns.append(("", []))

    def _block(self, info: str, content: str) -> None:
        wanted = wanted_chart(info)
        points = [line for line in content.splitlines() if line.strip()]
        try:
            if wanted is not None:
                self._chart(read_table(content, "the chart"), wanted)
            elif (kind := visual_kind(info)) is not None:
                content = self._footnotes.marked(content, self._footnote)
                points = block_lines(content)
                self._put("visual", read_visual_block(kind, content))
            elif info == "mermaid":
                points = readable_lines(content)
                self._put("visual", read_mermaid(content, self._warn))
            elif info == "csv":
                self._put("table", read_table(content, "the table"))
            else:
                self._code(info.partition(" ")[0], content)
        except InputError as error:
            self.current.lines.extend(points)
            self._warn(f"a block became plain points: {error}")

    def _code(self, language: str, text: str) -> None:
        """Give the current slide a block of program text; a second one follows the first."""
        before = self.current.code
        if text.strip():
            text = text if before is None else f"{before.text.rstrip()}\n\n{text}"
            self.current.code = CodeBlock(text=text, language=language if before is None else before.language)

    def _chart(self, table: TableData, wanted: WantedChart) -> None:
        """Give the current slide the chart of a table, or the table itself if there is no such kind of chart.

        Raises:
            InputError: If the table cannot be a chart, or the slide has one already.
        """
        if wanted.unknown:
            self._put("table", table)
            self._warn(wanted.refusal)
        else:
            self._put("chart", chart_of(table, wanted.kind, wanted.title, "the chart", self._warn))

    def _put(self, name: str, value: TableData | ChartData | Visual | Quote) -> None:
        """Give the current slide its table, chart or quote.

        Raises:
            InputError: If the slide has one already.
        """
        if getattr(self.current, name) is not None:
            raise InputError(f"a slide shows only one {name}")
        setattr(self.current, name, value)

    def _quote(self, text: str, quote: Quote) -> None:
        try:
            self._put("quote", quote)
        except InputError as error:
            self.current.lines.append(text)
            self._warn(f"a quote became a point: {error}")

    def _list(self, node: SyntaxTreeNode, depth: int) -> None:
        first = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
        for place, item in enumerate(node.children):
            number = "" if first is None else f"{first + place}. "
            is_further = False
            for child in item.children:
                if child.type in _LISTS:
                    self._list(child, depth + 1)
                elif child.type not in ("paragraph", "heading"):
                    self.read(child)
                elif text := self._inlines.read_lines(child):
                    self._add_paragraph(text, depth, number, is_further=is_further)
                    is_further = True

    def _add_paragraph(self, text: str, depth: int, number: str, *, is_further: bool) -> None:
        """Add a paragraph of a list item to the points: a point, or a further paragraph of one."""
        lines, tabs = self.current.lines, "\t" * min(MAX_LEVEL, depth)
        if not is_further:
            lines.append(tabs + number + text)
        elif len(lines[-1]) - len(lines[-1].lstrip("\t")) == len(tabs):
            lines[-1] += f"\n{text}"
        else:
            lines.append(f"{tabs}\n{text}")

    def _table(self, node: SyntaxTreeNode) -> None:
        rows = [row.children for row in node.walk() if row.type == "tr"]
        lines = [[self._inline(cell) for cell in row] for row in rows]
        align = [alignment(cell) for cell in rows[0]]
        if len(lines) > 1 and SOURCE_LINE.match(lines[-1][0]) and not any(lines[-1][1:]):
            self.current.source = lines.pop()[0]
        try:
            self._put("table", table_of(lines, "the table", align))
        except InputError as error:
            self.current.lines.extend(" | ".join(line) for line in lines)
            self._warn(f"a table became one point for each row: {error}")

    def _html(self, content: str) -> None:
        """Read comments as notes, and other text as Markdown if a comment or line break was removed."""
        for comment in COMMENT.findall(content):
            self._note(comment)
        rest = BREAK.sub("\n", COMMENT.sub(" ", content))
        if rest == content:
            self._warn("HTML was left out; use Markdown instead")
            return
        for node in _parse(rest.strip()).children:
            self.read(node)

    def _note(self, text: str) -> None:
        self.current.notes.append(_NOTES.sub("", text.strip()))

    def _note_lines(self, node: SyntaxTreeNode) -> Iterator[str]:
        """Yield the lines of speaker notes in a block quote."""
        if node.type in ("fence", "code_block"):
            yield from node.content.splitlines()
        elif node.type == "html_block":
            self._html(node.content)
        elif node.type == "tr":
            yield " | ".join(self._inline(cell) for cell in node.children)
        elif node.type == "inline":
            yield self._inline(node)
        else:
            number = f"{node.info}. " if node.type == "list_item" and node.info else ""
            for child in node.children:
                for line in self._note_lines(child):
                    yield number + line
                    number = ""

    def _inline(self, node: SyntaxTreeNode) -> str:
        """Return the inline Markdown of a node; an image in it is set on the current slide."""
        return self._inlines.read(node)

    def _footnote(self, label: str) -> int:
        return self._footnotes.number(label, self.current.footnotes, self._warn)

    def _address(self, words: str, address: str) -> None:
        self.current.links.append(f"{words}: {address}" if words else address)

    def _picture(self, source: str, wanted: str) -> None:
        draft = self.current
        if source.lower().endswith(".csv"):
            self._csv_file(source, wanted.strip())
        elif (draft.picture is not None or draft.picture_file) and source not in (*_DRAW, _NO_PICTURE):
            draft.gallery.append(PictureFile(file=source, alt=wanted))
        elif draft.picture is not None or draft.picture_file:
            self._warn(f"the picture '{wanted or source}' was left out: the model draws one picture for a slide")
        elif source == _NO_PICTURE:
            draft.picture = ""
        else:
            draft.picture = wanted or None
            draft.picture_file = "" if source in _DRAW else source

    def _csv_file(self, source: str, words: str) -> None:
        wanted = wanted_chart(words, needs_word=False)
        try:
            if wanted is None or wanted.unknown:
                self._put("table", TableData(csv=source))
            else:
                self._put("chart", ChartData(kind=wanted.kind or "bar", title=wanted.title, csv=source))
            if wanted is not None and wanted.unknown:
                self._warn(wanted.refusal)
        except InputError as error:
            self._warn(f"'{source}' was left out: {error}")

    def _warn(self, what: str) -> None:
        where = f"slide '{plain_text(self.current.title)}'" if self.slides else "title slide"
        self.warnings.append(f"{where}: {what}")
