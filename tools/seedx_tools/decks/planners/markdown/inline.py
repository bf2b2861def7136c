"""Read the inline part of a Markdown outline: emphasis, code, links and HTML tags become the marks of plan texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from markdown_it.tree import SyntaxTreeNode

from seedx_tools.decks.text.checking import unreadable_formula, unsafe_link
from seedx_tools.decks.text.formulas import formula_text, is_readable
from seedx_tools.decks.text.inline import SAFE_LINK, Span, escape_inline, merged, note_mark, plain_text, to_inline

BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_UNSAFE = re.compile(r"(?i)\s*(?:javascript|vbscript|data|file):")
"""Addresses that run something or name a file of one machine; they are not even mentioned in the notes."""
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)\b[^>]*>", re.IGNORECASE)
_BOLD, _ITALIC, _STRIKE, _CODE = ("b", "strong"), ("i", "em", "cite"), ("s", "del", "strike"), ("code", "kbd", "tt")
_KNOWN_TAGS = frozenset(
    "b strong i em cite s del strike code kbd tt "
    "a abbr big center div font h1 h2 h3 h4 h5 h6 img ins li mark ol p q small span sub sup table td th tr u ul".split()
)
"""HTML tags, which a slide does not show; a word in angle brackets that is no tag, as in List<String>, is text."""


@dataclass(frozen=True)
class InlineReader:
    """Reads the inline content of a node.

    Args:
        note: Called with the text of a comment.
        address: Called with the words and the address of a link that a slide cannot open.
        picture: Called with the source and the description of an image.
        shows_addresses: Called to ask whether the addresses of links are shown after their words.
        warn: Called with what is not shown as it was written.
        footnote: Called with the label of a footnote; returns its number on the slide, 0 if there is none.
    """

    note: Callable[[str], None]
    address: Callable[[str, str], None]
    picture: Callable[[str, str], None]
    shows_addresses: Callable[[], bool]
    warn: Callable[[str], None]
    footnote: Callable[[str], int]

    def read(self, node: SyntaxTreeNode) -> str:
        """Return inline Markdown for a node, on one line."""
        return " ".join(self.read_lines(node).split())

    def read_lines(self, node: SyntaxTreeNode) -> str:
        """Return inline Markdown for a node, with a vertical tab for each line break that was asked for."""
        lines = to_inline(self._spans([node], Span(""))).split("\v")
        return "\v".join(" ".join(line.split()) for line in lines).strip("\v")

    def formula(self, tex: str) -> str:
        """Return inline Markdown for a formula."""
        text = formula_text(tex)
        if not is_readable(text):
            self.warn(unreadable_formula(tex))
        return escape_inline(text)

    def _spans(self, nodes: Sequence[SyntaxTreeNode], look: Span) -> Iterator[Span]:
        for node in nodes:
            if node.type == "image":
                self.picture(str(node.attrs.get("src", "")), node.content)
            elif node.type == "text":
                yield replace(look, text=node.content)
            elif node.type == "code_inline":
                yield replace(look, text=node.content, code=True)
            elif node.type.startswith("math_inline"):
                yield replace(look, text=plain_text(self.formula(node.content)))
            elif node.type == "footnote_ref":
                label = str(node.meta["label"])
                number = self.footnote(label)
                yield note_mark(number) if number else replace(look, text=f"[^{label}]")
            elif node.type in ("softbreak", "hardbreak"):
                yield replace(look, text=" " if node.type == "softbreak" else "\v")
            elif node.type == "html_inline":
                text, look = self._html(node.content, look)
                yield replace(look, text=text)
            elif node.type == "link":
                yield from self._link(node, look)
            else:
                styled = replace(
                    look,
                    bold=look.bold or node.type == "strong",
                    italic=look.italic or node.type == "em",
                    strike=look.strike or node.type == "s",
                )
                yield from self._spans(node.children, styled)

    def _html(self, html: str, look: Span) -> tuple[str, Span]:
        """Return the text that stands for a tag, and the look of what follows it."""
        if comment := COMMENT.fullmatch(html):
            self.note(comment[1])
            return "", look
        if BREAK.fullmatch(html):
            return "\v", look
        found = _TAG.fullmatch(html)
        if found is None:
            return html, look
        opens, name = not found[1], found[2].lower()
        styled = replace(
            look,
            bold=opens if name in _BOLD else look.bold,
            italic=opens if name in _ITALIC else look.italic,
            strike=opens if name in _STRIKE else look.strike,
            code=opens if name in _CODE else look.code,
        )
        return ("" if name in _KNOWN_TAGS else html), styled

    def _link(self, node: SyntaxTreeNode, look: Span) -> Iterator[Span]:
        address = str(node.attrs["href"])
        opens = SAFE_LINK.match(address) is not None
        spans = merged(self._spans(node.children, replace(look, link=address if opens else look.link)))
        yield from spans
        words = "".join(span.text for span in spans)
        if node.info == "auto" or address in words:
            return
        if _UNSAFE.match(address):
            self.warn(unsafe_link(words, address))
            return
        if self.shows_addresses():
            yield replace(look, text=f" ({address})")
        elif not opens or not words.strip():
            self.address(" ".join(words.split()), address)
