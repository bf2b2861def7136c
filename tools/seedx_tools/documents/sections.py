"""Sections of a document in Markdown: each heading with the blocks under it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from seedx_tools.decks.tables import SOURCE_LINE

BlockKind: TypeAlias = Literal["paragraph", "list", "table", "picture", "other"]
_KINDS: dict[str, BlockKind] = {
    "paragraph": "paragraph",
    "bullet_list": "list",
    "ordered_list": "list",
    "table": "table",
}
_FOOTNOTE = re.compile(r"\[\^[^\]\s]+\]:\s+\S")
_PICTURE = re.compile(r"!\[((?:\\.|[^\]])*)\]\([^)]*\)")
_NUMBERED = re.compile(r"\d{1,2}(?:\.\d{1,2})*\\?\.?\s+(?=[^\Wa-z_])")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list, table, picture or other block."""

    kind: BlockKind
    source: str
    """Its Markdown."""
    items: tuple[str, ...] = ()
    """The items of a list: inline Markdown after a tab for each level, and its number."""

    @property
    def said(self) -> str:
        """What the notes say of it: a picture by its description."""
        found = _PICTURE.fullmatch(self.source.strip())
        return found[1] if found else self.source


@dataclass(slots=True)
class Section:
    """A heading, and what stands under it before the next one."""

    level: int
    """1 for the document's own title, 2 for its main parts."""
    title: str
    """Inline Markdown; empty above the first heading."""
    blocks: list[Block] = field(default_factory=list)


def split_sections(text: str) -> tuple[list[Section], list[str]]:
    """Return the sections of a document, and its footnotes."""
    lines = text.split("\n")
    sections = [Section(2, "")]
    footnotes: list[str] = []
    for node in SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(text)).children:
        start, end = node.map or (0, 0)
        source = "\n".join(lines[start:end]).strip("\n")
        if node.type == "heading":
            sections.append(Section(int(node.tag[1]), " ".join(node.children[0].content.split())))
        elif _FOOTNOTE.match(source):
            footnotes.append(source)
        elif SOURCE_LINE.match(source) and sections[-1].blocks and sections[-1].blocks[-1].kind == "table":
            above = sections[-1].blocks.pop()
            sections[-1].blocks.append(replace(above, source=f"{above.source}\n\n{source}"))
        else:
            kind = "picture" if _PICTURE.fullmatch(source.strip()) else _KINDS.get(node.type, "other")
            items = tuple(_items(node, 0)) if kind == "list" else ()
            sections[-1].blocks.append(Block(kind, source, items))
    if not sections[0].blocks:
        del sections[0]
    return sections, footnotes


def without_numbers(sections: Sequence[Section]) -> None:
    """Take the numbers off the headings of a document that numbers them: slides are not found by them."""
    level = min((section.level for section in sections if section.title), default=0)
    main = [_NUMBERED.match(section.title) is not None for section in sections if section.level == level]
    if sum(main) >= max(2, len(main) / 2):
        for section in sections:
            section.title = _NUMBERED.sub("", section.title, count=1)


def _items(node: SyntaxTreeNode, level: int) -> Iterator[str]:
    first = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
    for place, item in enumerate(node.children):
        texts: list[str] = []
        below: list[str] = []
        for child in item.children:
            if child.type in ("bullet_list", "ordered_list"):
                below += _items(child, level + 1)
            elif child.children and child.children[0].type == "inline":
                texts.append(" ".join(child.children[0].content.split()))
        number = "" if first is None else f"{first + place}. "
        if texts:
            yield "\t" * level + number + " ".join(texts)
        yield from below
