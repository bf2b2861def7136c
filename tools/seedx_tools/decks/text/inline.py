"""Inline Markdown: what the texts of a plan are written in, and the runs that they become on a slide.

Titles, points, cells, quotes and captions are plain text in which CommonMark's emphasis, code spans and links count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("strikethrough")
_SPECIAL = re.compile(r"([\\`*_\[\]~$<>])")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text with one look."""

    text: str
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    link: str = ""
    """The address that a click opens, or empty."""


def parse_inline(text: str) -> tuple[Span, ...]:
    """Return the spans of a text in inline Markdown; neighbors differ in look."""
    spans: list[Span] = []
    bold = italic = strike = 0
    link = ""
    for token in _MARKDOWN.parseInline(text)[0].children or ():
        if token.type in ("strong_open", "strong_close"):
            bold += token.nesting
        elif token.type in ("em_open", "em_close"):
            italic += token.nesting
        elif token.type in ("s_open", "s_close"):
            strike += token.nesting
        elif token.type in ("link_open", "link_close"):
            link = str(token.attrs.get("href", "")) if token.nesting > 0 else ""
        else:
            shown = "\v" if token.type == "hardbreak" else " " if token.type == "softbreak" else token.content
            span = Span(shown, bold > 0, italic > 0, strike > 0, token.type == "code_inline", link)
            if spans and spans[-1] == Span(spans[-1].text, *_look(span)):
                spans[-1] = Span(spans[-1].text + span.text, *_look(span))
            elif shown:
                spans.append(span)
    return tuple(spans)


def plain_text(text: str) -> str:
    """Return a text in inline Markdown without its marks."""
    return "".join(span.text for span in parse_inline(text))


def escape_inline(text: str) -> str:
    """Return inline Markdown that shows exactly this text."""
    return _SPECIAL.sub(r"\\\1", text)


def _look(span: Span) -> tuple[bool, bool, bool, bool, str]:
    return span.bold, span.italic, span.strike, span.code, span.link
