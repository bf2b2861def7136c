"""A Markdown outline becomes the words of a deck; nothing is added and nothing is lost without a warning.

# Deck title            the title slide; the paragraph after it is the subtitle
## Slide title          a slide
- a point               its bullets; nested lists are indented
![a red boat](draw)     what its picture shows (![](none): no picture)
> what to say           speaker notes; so is a paragraph that starts with "Notes:"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from seedx_tools.outline import Outline, SlidePlan

_NOTES = re.compile(r"^(speaker )?notes?:\s*", re.IGNORECASE)
_NO_PICTURE = "none"
_DRAW = ("", "draw")


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
    bullets: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    picture: str | None = None

    def plan(self) -> SlidePlan:
        return SlidePlan(
            title=self.title, bullets=tuple(self.bullets), picture=self.picture, notes="\n".join(self.notes)
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
            elif text:
                self.current.bullets.append(text)
        elif node.type in _LISTS:
            self._list(node, 0)
        elif node.type == "blockquote":
            self.current.notes.extend(filter(None, (self._inline(child) for child in node.children)))
        elif node.type == "table":
            self._table(node)
        elif node.type in ("fence", "code_block"):
            self.current.bullets.extend(line for line in node.content.splitlines() if line.strip())
            self._warn("a code block became plain points")
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
        return Outline(
            title=cover.title,
            subtitle=cover.bullets[0] if cover.bullets else "",
            picture=cover.picture,
            notes="\n".join(cover.notes),
            slides=tuple(slide.plan() for slide in slides),
            warnings=tuple(self.warnings),
        )

    def _heading(self, level: int, text: str) -> None:
        if level == 1 and not self.cover.title and not self.slides:
            self.cover.title = text
        elif level <= 2:
            self.slides.append(_Draft(title=text))
        else:
            self.current.bullets.append(text)

    def _list(self, node: SyntaxTreeNode, depth: int) -> None:
        for item in node.children:
            for child in item.children:
                if child.type in _LISTS:
                    self._list(child, depth + 1)
                elif text := self._inline(child):
                    self.current.bullets.append("\t" * depth + text)

    def _table(self, node: SyntaxTreeNode) -> None:
        for row in (child for child in node.walk() if child.type == "tr"):
            self.current.bullets.append(" | ".join(self._inline(cell) for cell in row.children))
        self._warn("a table became one point for each row")

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

    def _picture(self, source: str, wanted: str) -> None:
        if source == _NO_PICTURE:
            self.current.picture = ""
            return
        if source not in _DRAW:
            self._warn(f"the picture file '{source}' was not used: a picture of '{wanted}' was drawn in its place")
        self.current.picture = wanted or None

    def _warn(self, what: str) -> None:
        where = f"slide '{self.current.title}'" if self.slides else "title slide"
        self.warnings.append(f"{where}: {what}")
