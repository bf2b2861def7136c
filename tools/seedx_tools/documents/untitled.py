"""Slides of a document without headings: its paragraphs under their first sentence, its tables and its figures."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from seedx_tools.decks.outline import DEFAULT_NUM_SLIDES
from seedx_tools.decks.text.inline import escape_inline, plain_text
from seedx_tools.decks.text.sentences import first_sentence, shorten, split_sentences
from seedx_tools.documents.pages import TITLE_CHARS, Page, parted
from seedx_tools.documents.sections import Block, Section

_SENTENCES = 4
"""Sentences under a title, where nobody says how many slides there are."""
_NUMBER = re.compile(r"\d{1,3}\. ")


def pages_without_headings(blocks: Sequence[Block], count: int | None, title: str) -> list[Page]:
    """Return the pages of a document without headings, each with a title of its own words.

    Args:
        blocks: What the document holds, in order.
        count: How many slides are wanted; None: as many as its text needs.
        title: The title of the document, which heads tables and figures that have no caption.
    """
    pages: list[Page] = []
    found = list(parted(Section(2, "", list(blocks))))
    others = sum(1 for page in found if not page.texts)
    first = found[0] if found else None
    if first is not None and others and first.block is None and len(first.texts) == 1 and _names(first.texts[0]):
        title = plain_text(first.texts[0]).rstrip(":")  # a line above the first table or figure, and nothing else
        found = found[1:]
    for page in found:
        if page.block is None and page.texts:
            pages += _text_pages(page, None if count is None else max(1, count - others))
        elif page.texts:
            pages.append(replace(_text_page(page.texts), block=page.block, extra_notes=page.extra_notes))
        else:
            page.title = page.title or page.block_alt or escape_inline(title)
            pages.append(page)
    return pages


def _names(text: str) -> bool:
    """Return whether a text is a line that names what follows, not a sentence."""
    return len(text) <= TITLE_CHARS and text[-1] not in ".!?"


def _text_pages(page: Page, count: int | None) -> list[Page]:
    """Return the pages of a text that nothing parts."""
    texts = page.texts
    sentences = [sentence for text in texts for sentence in split_sentences(text)]
    if count is None:
        count = min(DEFAULT_NUM_SLIDES - 1, math.ceil(len(sentences) / _SENTENCES))
    if len(texts) < count:
        texts = sentences
    count = max(1, min(count, len(texts)))
    ends = [round(number * len(texts) / count) for number in range(count + 1)]
    made = [_text_page(texts[start:end]) for start, end in zip(ends, ends[1:], strict=False)]
    made[0].extra_notes = page.extra_notes
    return made


def _text_page(texts: Sequence[str]) -> Page:
    """Return a page whose title is its first line or sentence, which then is no point of it."""
    first = texts[0].lstrip("\t")
    if numbered := _NUMBER.match(first):
        return Page(shorten(first_sentence(first[numbered.end() :]), TITLE_CHARS).rstrip(".:"), 2, list(texts))
    if _names(first) and len(texts) > 1:
        return Page(first.rstrip(":"), 2, list(texts[1:]))
    sentence = first_sentence(first)
    title = shorten(sentence, TITLE_CHARS).rstrip(".:")
    if title.rstrip(".") != sentence.rstrip(".:"):
        return Page(title, 2, list(texts))
    rest = first.removeprefix(sentence).strip()
    return Page(title, 2, [*filter(None, [rest]), *texts[1:]], list(texts))
