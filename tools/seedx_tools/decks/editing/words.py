"""Change the words of a paragraph: those that stay keep their runs, with color, size, links and all."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

from lxml import etree
from pptx.oxml.ns import qn

from seedx_tools.decks.text.inline import Span, escape_inline, parse_inline, plain_text
from seedx_tools.decks.text.languages.tags import retag_run
from seedx_tools.decks.text.reading import span_of
from seedx_tools.decks.writing.runs import run_text, set_look

_TOKENS = re.compile(r"\s+|\w+|[^\w\s]")
_OWN = (qn("a:r"), qn("a:br"), qn("a:fld"))
_CLICKS = (qn("a:hlinkClick"), qn("a:hlinkMouseOver"))
_OF_THE_EDITOR = {"lang", "dirty", "err"}


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
    usual = _usual(old) or _waiting(paragraph)
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


def empty(element: Any) -> None:
    """Take the text out of a paragraph (a:p); what is written into it later looks like the text that it had."""
    runs = [child for child in element if child.tag in _OWN]
    looks = [child.find(qn("a:rPr")) for child in runs]
    for child in runs:
        element.remove(child)
    look = next((one for one in looks if one is not None), None)
    if look is not None:
        for end in element.findall(qn("a:endParaRPr")):
            element.remove(end)
        end = element.makeelement(qn("a:endParaRPr"), dict(look.attrib))
        end.extend(copy.deepcopy(child) for child in look if child.tag not in _CLICKS)
        element.append(end)


def rewrite_all(paragraphs: Sequence[Any], text: str) -> None:
    """Give paragraphs, read as one text with blanks between them, another text; words stay in their paragraphs.

    A text with marks, or one that has none of the words at the end of a paragraph, goes on in the paragraph before.
    """
    filled = [paragraph for paragraph in paragraphs if paragraph.text.strip()] or list(paragraphs[:1])
    shown = plain_text(text)
    parts = [text] if len(filled) < 2 or escape_inline(shown) != text else _shared(filled, shown)
    for paragraph, part in zip(filled, parts, strict=False):
        rewrite(paragraph, part)
    for paragraph in filled[len(parts) :]:
        paragraph._p.getparent().remove(paragraph._p)


def _shared(paragraphs: Sequence[Any], text: str) -> list[str]:
    """Return a text parted where the paragraphs end now; empty parts are left out."""
    words = [paragraph.text.split() for paragraph in paragraphs]
    new = text.split()
    matcher = SequenceMatcher(None, [word for line in words for word in line], new, autojunk=False)
    ends, start, place = [], 0, 0
    for line in words[:-1]:
        place += len(line)
        start = max(start, _carried(matcher, place))
        ends.append(start)
    parts = (new[first:last] for first, last in zip([0, *ends], [*ends, len(new)], strict=True))
    return [escape_inline(" ".join(part)) for part in parts if part]


def _carried(matcher: SequenceMatcher[str], place: int) -> int:
    """Return where a boundary between two words of the old text lies in the new one."""
    for kind, start, end, first, last in matcher.get_opcodes():
        if start < place <= end:
            return first + (place - start) if kind == "equal" else last
    return 0


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


def _waiting(paragraph: Any) -> _Token | None:
    """Return the look that text gets in a paragraph without any, or None."""
    end = paragraph._p.find(qn("a:endParaRPr"))
    if end is None or not (len(end) or set(end.attrib) - _OF_THE_EDITOR):
        return None
    properties = end.makeelement(qn("a:rPr"), dict(end.attrib))
    properties.extend(copy.deepcopy(child) for child in end)
    return _Token("", properties, Span("", bold=end.get("b") == "1", italic=end.get("i") == "1"))


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
