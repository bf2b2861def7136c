r"""Markdown of slides beyond CommonMark: formulas, marks of footnotes, and links to any address.

Formulas stand between dollar signs, `\(..\)` or `\[..\]`. Amounts of money and brackets that are only escaped are text.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from mdit_py_plugins.dollarmath import dollarmath_plugin

_FORMULA = re.compile(r"\\\((?P<inline>.+?)\\\)|\\\[(?P<displayed>.+?)\\\]", re.DOTALL)
_BLOCK = re.compile(r"\\\[(?P<displayed>(?:(?!\n[ \t]*\n).)+?)\\\][ \t]*(?:\n|\Z)", re.DOTALL)
_TEX = re.compile(r"\\[A-Za-z]{2}|[\^={}+<>]|_\w")
"""What tells a displayed formula from brackets that are escaped, such as \\[1\\]."""
_NOTE = re.compile(r"\[\^(\d{1,3})\]")


def slide_markdown(parser: MarkdownIt) -> MarkdownIt:
    """Let a parser read formulas, and links whatever their address.

    A link that is not parsed would be shown as raw Markdown; whether a slide may open its address is checked elsewhere.
    """
    parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)
    parser.inline.ruler.before("escape", "formula", _formula)
    parser.block.ruler.before("fence", "formula", _formula_block, {"alt": ["paragraph", "reference", "blockquote"]})
    setattr(parser, "validateLink", _is_link)  # noqa: B010
    return parser


def with_note_marks(parser: MarkdownIt) -> MarkdownIt:
    """Let a parser read [^1], whether or not there is a footnote of this number."""
    parser.inline.ruler.before("link", "footnote_mark", _note)
    return parser


def _is_link(url: str) -> bool:
    """Return whether there is an address; of whatever kind, it is a link."""
    return bool(url)


def _formula(state: StateInline, silent: bool) -> bool:
    found = _FORMULA.match(state.src, state.pos)
    if found is None or found.end() > state.posMax:
        return False
    inner = found["inline"] or found["displayed"]
    if found["inline"] is None and not _TEX.search(inner):
        return False
    if not silent:
        kind = "math_inline" if found["inline"] else "math_inline_double"
        state.push(kind, "math", 0).content = inner.strip()
    state.pos = found.end()
    return True


def _formula_block(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    r"""Read a formula that starts a line with \[ and ends one with \]."""
    if state.is_code_block(first):
        return False
    start = state.bMarks[first] + state.tShift[first]
    found = _BLOCK.match(state.src, start)
    if found is None or not _TEX.search(found["displayed"]):
        return False
    last = next((line for line in range(first, end) if state.eMarks[line] + 1 >= found.end()), None)
    if last is None:
        return False
    if not silent:
        token = state.push("math_block", "math", 0)
        token.block, token.content, token.map = True, found["displayed"], [first, last + 1]
        state.line = last + 1
    return True


def _note(state: StateInline, silent: bool) -> bool:
    found = _NOTE.match(state.src, state.pos)
    if found is None or int(found[1]) < 1:
        return False
    if not silent:
        state.push("footnote_mark", "", 0).content = found[1]
    state.pos = found.end()
    return True
