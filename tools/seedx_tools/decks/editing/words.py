"""Change the words of a paragraph: those that stay keep their runs, with color, size, links and all."""

from __future__ import annotations

import copy
import re
from collections import Counter
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

from lxml import etree
from pptx.oxml.ns import qn

from seedx_tools.decks.text.inline import Span, parse_inline
from seedx_tools.decks.text.languages import retag_run
from seedx_tools.decks.text.reading import span_of
from seedx_tools.decks.writing.runs import run_text, set_look

_TOKENS = re.compile(r"\s+|\w+|[^\w\s]")
_OWN = (qn("a:r"), qn("a:br"), qn("a:fld"))


@dataclass(frozen=True)
class _Token:
    """A word, and the a:rPr that it is or will be set in."""

    text: str
    properties: Any
    look: Span


def rewrite(paragraph: Any, text: str) -> None:
    """Give a paragraph another text in inline Markdown; a new word looks like the one it replaces, or like most.

    A text without any marks changes no look.
    """
    old = _tokens(paragraph)
    new = [(word, replace(span, text="")) for span in parse_inline(text) for word in _TOKENS.findall(span.text) if word]
    keeps_looks = all(look == Span("") for _, look in new)
    usual = _usual(old)
    tokens: list[_Token] = []
    matcher = SequenceMatcher(None, [token.text for token in old], [word for word, _ in new], autojunk=False)
    for kind, start, end, first, last in matcher.get_opcodes():
        for offset, (word, look) in enumerate(new[first:last]):
            model = old[start + min(offset, end - start - 1)] if kind in ("equal", "replace") else usual
            if model is not None and model.look.note and not look.note:
                model = usual
            if model is None:
                tokens.append(_Token(word, None, look))
            else:
                tokens.append(_Token(word, model.properties, model.look if keeps_looks else look))
    _write(paragraph, tokens)


def _tokens(paragraph: Any) -> list[_Token]:
    runs = {run._r: run for run in paragraph.runs}
    tokens = []
    for element in paragraph._p:
        properties = element.find(qn("a:rPr")) if element.tag in _OWN else None
        if element in runs:
            span = span_of(runs[element])
            look = replace(span, text="")
            tokens += [_Token(word, properties, look) for word in _TOKENS.findall(span.text)]
        elif element.tag == qn("a:br"):
            tokens.append(_Token("\v", properties, Span("")))
        elif element.tag == qn("a:fld"):
            tokens.append(_Token(str(element.findtext(qn("a:t")) or ""), properties, Span("")))
    return tokens


def _usual(tokens: list[_Token]) -> _Token | None:
    """Return a token that looks like most of a paragraph."""
    letters: Counter[bytes] = Counter()
    tokens = [token for token in tokens if not token.look.note]
    for token in tokens:
        letters[_key(token.properties)] += len(token.text)
    most = max(letters, key=lambda key: letters[key], default=b"")
    return next((token for token in tokens if _key(token.properties) == most), None)


def _key(properties: Any) -> bytes:
    return b"" if properties is None else bytes(etree.tostring(properties))


def _write(paragraph: Any, tokens: list[_Token]) -> None:
    element = paragraph._p
    for child in [child for child in element if child.tag in _OWN]:
        element.remove(child)
    start = 0
    while start < len(tokens):
        first, end = tokens[start], start + 1
        while end < len(tokens) and _alike(first, tokens[end]):
            end += 1
        text = "".join(token.text for token in tokens[start:end])
        for number, line in enumerate(text.split("\v")):
            if number:
                paragraph.add_line_break()
            if line:
                follows_mark = start > 0 and tokens[start - 1].look.note > 0
                _write_run(paragraph, run_text(replace(first.look, text=line), follows_mark), first)
        start = end


def _write_run(paragraph: Any, text: str, token: _Token) -> None:
    run = paragraph.add_run()
    run.text = text
    if token.properties is not None:
        own = run._r.find(qn("a:rPr"))
        if own is not None:
            run._r.remove(own)
        run._r.insert(0, copy.deepcopy(token.properties))
    if replace(span_of(run), text="") != token.look:
        set_look(run, token.look)
    slide = getattr(paragraph.part, "slide", None)  # the title of a chart is on none
    if slide is not None:
        retag_run(slide, run._r)


def _alike(one: _Token, other: _Token) -> bool:
    return one.look == other.look and _key(one.properties) == _key(other.properties)
