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
from dataclasses import replace

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.footnote import footnote_plugin

from seedx_sdk.errors import InputError
from seedx_tools.decks.outline import ChartData, CodeBlock, Outline, PictureFile, Quote, TableData
from seedx_tools.decks.planners.markdown.data import WantedChart, alignment, wanted_chart
from seedx_tools.decks.planners.markdown.drafts import SlideDraft, outline_of
from seedx_tools.decks.planners.markdown.footnotes import MarkdownFootnotes
from seedx_tools.decks.planners.markdown.front_matter import split_front_matter
from seedx_tools.decks.planners.markdown.inline import BREAK, COMMENT, InlineReader
from seedx_tools.decks.planners.mermaid import read_mermaid, readable_lines
from seedx_tools.decks.planners.visual_blocks import block_lines, read_visual_block, visual_kind
from seedx_tools.decks.tables import SOURCE_LINE, chart_of, read_table, table_of
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.marks import slide_markdown
from seedx_tools.decks.text.points import MAX_LEVEL
from seedx_tools.decks.visuals import Visual

_NOTES = re.compile(r"^(speaker )?notes?:\s*", re.IGNORECASE)
_LISTS = ("bullet_list", "ordered_list")
_NO_PICTURE = "none"
_DRAW = ("", "draw")
_QUOTE = re.compile(r"^[\"\u201c\u201e\u00ab](.+)[\"\u201d\u201c\u00bb]\s*(?:--|\u2013|\u2014)\s*(.+)$")

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
    reader = _Reader(tree)
    for node in tree.children:
        reader.read(node)
    return outline_of(front, reader.cover, reader.slides, reader.all_warnings())


def _parse(text: str) -> SyntaxTreeNode:
    return SyntaxTreeNode(MARKDOWN.parse(text))


class _Reader:
    """Reads the blocks of a text into the slides that they are on."""

    def __init__(self, tree: SyntaxTreeNode) -> None:
        self.cover = SlideDraft()
        self.slides: list[SlideDraft] = []
        self._warnings: list[str] = []
        self._inlines = InlineReader(
            note=self._note,
            address=self._address,
            picture=self._picture,
            warn=self._warn,
            shows_addresses=lambda: self.current.is_named_sources,
            footnote=self._footnote,
        )
        self._footnotes = MarkdownFootnotes(tree, replace(self._inlines, footnote=lambda _: 0).read)

    @property
    def current(self) -> SlideDraft:
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

    def all_warnings(self) -> list[str]:
        """Return what was dropped, footnotes that nothing refers to included."""
        return [*self._warnings, *self._footnotes.unused()]

    def _heading(self, level: int, node: SyntaxTreeNode) -> None:
        if level == 1 and not self.cover.title and not self.slides:
            self.cover.title = self._inline(node)
        elif level <= 2:
            self.slides.append(SlideDraft(is_section=level == 1))
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
        self._warnings.append(f"{where}: {what}")
