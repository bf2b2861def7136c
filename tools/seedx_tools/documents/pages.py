"""Pages of a document: what of it each slide shows as points, and what goes to the notes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from seedx_tools.decks.text.inline import escape_inline, plain_text
from seedx_tools.decks.text.sentences import POINT_CHARS, first_sentence, shorten, split_sentences
from seedx_tools.documents.sections import Block, Section

MAX_POINTS = 6
"""Points on a slide of a document."""
MAX_CHARS = 520
"""Characters of all points of a slide."""
SENTENCE_CHARS = 180
"""A longer sentence is cut at a word; at a comma it might say something else."""
TITLE_CHARS = 60
_WEIGHT_OF_DATA, _WEIGHT_OF_CODE = 1500, 200
"""How many characters of text a table or figure, and a block of code, weigh."""
_CAPTION = re.compile(
    r"[*_]*((?:fig(?:ure|\.)?|table|tab\.|abbildung|abb\.|tabelle|chart)\s*\d+(?:\.\d+)*|table(?=:))[.:]?[*_]*[.:]?\s*(.*)",
    re.I | re.S,
)
_ALT = re.compile(r"!\[((?:\\.|[^\]])*)\]")
_WORDS = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a slide."""

    text: str
    """Inline Markdown after a tab for each level and its number."""
    is_whole: bool
    """Whether it says all that its paragraph or item says."""


@dataclass(slots=True)
class Page:
    """One slide of a document before it is written as Markdown."""

    title: str
    level: int
    texts: list[str] = field(default_factory=list)
    """Paragraphs, and items of lists after a tab for each level and their number."""
    whole: list[str] = field(default_factory=list)
    """What the notes hold in place of its texts, because the title says a part of them."""
    block: Block | None = None
    """Its table, picture, code or other block."""
    verbatim: str = ""
    """Its whole Markdown, where it fits a slide as it stands."""
    extra_notes: list[str] = field(default_factory=list)
    """What only the notes say."""
    is_divider: bool = False
    """Whether it only opens a part of the document."""

    def points(self, room: int = MAX_POINTS) -> tuple[list[Point], bool]:
        """Return at most so many points, and whether they say all.

        The first sentence of each paragraph comes before the second of any; all stand in the order of the document.
        """
        found = sorted(_candidates(self.texts), key=lambda candidate: (candidate[0], candidate[1]))
        chosen: list[tuple[int, Point]] = []
        chars = 0
        for _, place, point in found:
            shown = len(plain_text(point.text))
            if chosen and (len(chosen) >= room or chars + shown > MAX_CHARS):
                break
            chosen.append((place, point))
            chars += shown
        points = [point for _, point in sorted(chosen, key=lambda item: item[0])]
        return points, len(chosen) == len(found) and all(point.is_whole for point in points)

    @property
    def block_alt(self) -> str:
        """The description of its picture, as inline Markdown; empty if it has neither."""
        found = None if self.block is None else _ALT.match(self.block.source)
        return "" if found is None else found[1].strip()

    @property
    def told(self) -> list[str]:
        """All of its text, for the notes."""
        return self.whole or self.texts

    @property
    def all_said(self) -> list[str]:
        """All that it says: its texts, its block and its notes."""
        return [*self.told, *([self.block.said] if self.block else []), *self.extra_notes]

    @property
    def weight(self) -> int:
        """About how much it says, in characters."""
        shows = 0 if self.block is None else _WEIGHT_OF_CODE if self.block.kind == "other" else _WEIGHT_OF_DATA
        return sum(map(len, self.texts)) + shows


def pages_of(sections: Sequence[Section]) -> list[Page]:
    """Return the pages of a document: one for the text of each section, and one for each table or picture."""
    pages: list[Page] = []
    for number, section in enumerate(sections):
        following = sections[number + 1] if number + 1 < len(sections) else None
        if not section.blocks:
            if following is not None and following.level > section.level:
                pages.append(Page(section.title, section.level, is_divider=True))
            elif section.title:
                pages.append(Page(section.title, section.level, verbatim=" "))
        elif _is_slide(section):
            pages.append(_page(section, verbatim="\n\n".join(block.source for block in section.blocks)))
        else:
            pages += parted(section)
    return pages


def _page(section: Section, verbatim: str = "") -> Page:
    texts = [text for block in section.blocks for text in _texts(block)]
    notes = [block.source.lstrip("> ") for block in section.blocks if _is_note(block)]
    others = [block for block in section.blocks if block.kind not in ("paragraph", "list") and not _is_note(block)]
    shown = next(iter(others), None)
    return Page(section.title, section.level, texts, block=shown, verbatim=verbatim, extra_notes=notes)


def _is_note(block: Block) -> bool:
    return block.kind == "other" and block.source.startswith((">", "<!--"))


def _texts(block: Block) -> list[str]:
    if block.kind == "list":
        return list(block.items)
    return [" ".join(block.source.split())] if block.kind == "paragraph" else []


def _is_slide(section: Section) -> bool:
    """Return whether a section fits a slide as it stands: short points, and one other block at most."""
    points = [point for block in section.blocks for point in _texts(block)]
    others = [block for block in section.blocks if block.kind in ("table", "picture")]
    more = [block for block in section.blocks if block.kind == "other" and not _is_note(block)]
    paragraphs = [block.source for block in section.blocks if block.kind == "paragraph"]
    are_prose = any(_CAPTION.match(text) or len(split_sentences(text)) > 1 for text in paragraphs)
    shown = [len(plain_text(point)) for point in points]
    if any(block.source.strip("*-_ ") == "" for block in more):  # a rule parts two columns
        return True
    alone = not (others and points and others[0].kind == "table") and len(others) + len(more) <= 1
    return (
        bool(section.title)
        and len(points) <= MAX_POINTS + 2
        and all(chars <= POINT_CHARS for chars in shown)
        and sum(shown) <= MAX_CHARS + 80
        and not are_prose
        and alone
    )


def parted(section: Section) -> Iterator[Page]:
    """Yield a page for the text of a section, then one for each of its other blocks, with its caption as title.

    The caption of a picture without a description of its own is its alt text, too.
    """
    text = Page(section.title, section.level)
    others: list[Page] = []
    caption = ""
    for block in section.blocks:
        found = _CAPTION.match(block.source) if block.kind == "paragraph" else None
        if found and len(block.source) < 400:
            if others and any(plain_text(note) == plain_text(block.source) for note in others[-1].extra_notes):
                continue  # its picture has this caption already
            if others and others[-1].block is not None and others[-1].title == section.title:
                _name(others[-1], block.source)
            else:
                caption = block.source
        elif block.kind in ("paragraph", "list"):
            text.texts += _texts(block)
        elif _is_note(block):
            text.extra_notes.append(block.source.lstrip("> "))
        else:
            page = Page(section.title, section.level + 1, block=block)
            alt = _ALT.match(block.source)
            if caption or (alt and _CAPTION.match(alt[1])):
                _name(page, caption or (alt[1] if alt else ""))
                caption = ""
            others.append(page)
    if caption:
        text.texts.append(caption)
    if len(others) == 1 and others[0].block is not None and others[0].block.kind == "picture":
        points, is_all = text.points()
        if len(points) <= 4 and is_all and text.texts:
            text.block, others = others[0].block, []
    if text.texts or text.extra_notes:
        yield text
    yield from others


def _name(page: Page, caption: str) -> None:
    """Give the page of a table or figure its caption as title; the notes hold the whole caption."""
    found = _CAPTION.match(caption)
    said = found[2] if found and _WORDS.search(found[2]) else caption
    page.title = shorten(split_sentences(said)[0], TITLE_CHARS).rstrip(".")
    page.extra_notes.append(caption)
    if page.block is not None and page.block.kind == "picture" and not page.block_alt:
        page.block = replace(page.block, source=page.block.source.replace("![]", f"![{said}]", 1))


def _candidates(texts: Sequence[str]) -> Iterator[tuple[int, int, Point]]:
    """Yield possible points with their rank, lower first, and their place in the document."""
    place = 0
    above = 0
    for text in texts:
        bare = text.lstrip("\t")
        level = len(text) - len(bare)
        if level or re.match(r"\d{1,3}\. ", bare):
            rank = max(above, level) if level else 0
            kept = _kept(text)
            yield rank, place, Point(kept, kept == text)
            above = rank
            place += 1
            continue
        above = 0
        for number, sentence in enumerate(split_sentences(bare)):
            kept = _kept(sentence)
            yield number, place, Point(kept, kept == sentence)
            place += 1


def _kept(text: str) -> str:
    """Return a sentence, or the first one of an item, cut at a word if it is very long."""
    first = first_sentence(text)
    bare = first.lstrip("\t")
    shown = plain_text(bare)
    if len(shown) <= SENTENCE_CHARS:
        return first
    cut = shown[: SENTENCE_CHARS - 30].rsplit(" ", 1)[0].rstrip(",;:")
    return f"{first[: len(first) - len(bare)]}{escape_inline(cut)}..."
