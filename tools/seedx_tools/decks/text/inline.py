r"""Inline Markdown: what the texts of a plan are written in, and the runs that they become on a slide.

Titles, points, cells, quotes and captions are plain text in which CommonMark's emphasis, code spans and links count,
and `~~struck~~` text. Formulas between dollar signs, `\(..\)` or `\[..\]` are shown in Unicode, and `[^1]` is the
mark of a footnote: its number is the footnote's place in the plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

from markdown_it import MarkdownIt
from markdown_it.token import Token

from seedx_tools.decks.text.formulas import formula_text
from seedx_tools.decks.text.marks import slide_markdown, with_note_marks

SAFE_LINK = re.compile(r"(?i)(https?://|mailto:)")
"""The addresses that a slide may open."""
_SPECIAL = re.compile(r"([\\`*_\[\]~$<>&])")
RAISED_DIGITS = str.maketrans("0123456789", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")
_MARKDOWN = with_note_marks(slide_markdown(MarkdownIt("commonmark", {"html": False}).enable("strikethrough")))


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
    note: int = 0
    """The number of the footnote that it is the mark of; its text is then that number in raised digits."""

    @property
    def look(self) -> tuple[object, ...]:
        """All but its text."""
        return self.bold, self.italic, self.strike, self.code, self.link, self.note


@lru_cache(maxsize=4096)
def parse_inline(text: str) -> tuple[Span, ...]:
    """Return the spans of a text in inline Markdown; neighbors differ in look, and a line break is a vertical tab."""
    return merged(_spans(text))


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans without empty ones, and with neighbors of one look joined."""
    return tuple(
        replace(first, text=first.text + "".join(span.text for span in others))
        for _, (first, *others) in groupby((span for span in spans if span.text), key=lambda span: span.look)
    )


def note_mark(number: int) -> Span:
    """Return the mark of a footnote."""
    return Span(str(number).translate(RAISED_DIGITS), note=number)


def plain_text(text: str) -> str:
    """Return a text in inline Markdown without its marks; the marks of footnotes are raised digits."""
    return "".join(span.text for span in parse_inline(text))


def escape_inline(text: str) -> str:
    """Return inline Markdown that shows exactly this text."""
    return text if parse_inline(text) in ((), (Span(text),)) else _escape_all(text)


def to_inline(spans: Iterable[Span]) -> str:
    """Return inline Markdown for spans; a look that Markdown cannot express here is left out."""
    wanted = merged(spans)
    for escape in (escape_inline, _escape_all):
        text = "".join(_marked(span, escape(span.text)) for span in wanted)
        if _bare(parse_inline(text)) == _bare(wanted):
            return text
    return _escape_all("".join(span.text for span in wanted))


def inline_tokens(text: str) -> list[Token]:
    """Return the tokens of a text in inline Markdown."""
    return list(_MARKDOWN.parseInline(text)[0].children or ())


def _spans(text: str) -> Iterator[Span]:
    bold = italic = strike = 0
    link = ""
    for token in inline_tokens(text):
        if token.type in ("strong_open", "strong_close"):
            bold += token.nesting
        elif token.type in ("em_open", "em_close"):
            italic += token.nesting
        elif token.type in ("s_open", "s_close"):
            strike += token.nesting
        elif token.type in ("link_open", "link_close"):
            address = str(token.attrs.get("href", "")) if token.nesting > 0 else ""
            link = address if SAFE_LINK.match(address) else ""
        elif token.type == "footnote_mark":
            yield note_mark(int(token.content))
        else:
            shown = "\v" if token.type == "hardbreak" else " " if token.type == "softbreak" else token.content
            if token.type.startswith("math"):
                shown = formula_text(shown)
            yield Span(shown, bold > 0, italic > 0, strike > 0, token.type == "code_inline", link)


def _marked(span: Span, escaped: str) -> str:
    """Return the Markdown of a span; marks stand directly beside letters, so blanks at its ends stay outside."""
    if span.note:
        return f"[^{span.note}]"
    inner = escaped.strip()
    if not inner:
        return escaped
    if span.code:
        inner = f"`{span.text.strip()}`"
    for wanted, mark in ((span.strike, "~~"), (span.italic, "*"), (span.bold, "**")):
        inner = f"{mark}{inner}{mark}" if wanted else inner
    if span.link:
        inner = f"[{inner}]({span.link})"
    start = len(escaped) - len(escaped.lstrip())
    return f"{escaped[:start]}{inner}{escaped[len(escaped.rstrip()) :]}"


def _bare(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans whose leading and trailing blanks have no look, since none could be seen."""
    parts: list[Span] = []
    for span in spans:
        core = span.text.strip()
        start = span.text.index(core) if core else len(span.text)
        parts += [
            Span(span.text[:start]),
            replace(span, text=core),
            Span(span.text[start + len(core) :]),
        ]
    return merged(parts)


def _escape_all(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text).replace("\\]", "&#93;")  # \\[..\\] would be a formula
