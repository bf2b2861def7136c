"""Fits the pages of a document to a number of slides: sections take in their parts, and long pages are parted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.sentences import split_sentences
from seedx_tools.documents.pages import MAX_POINTS, Page

_TITLE_CHARS = 70
_NAMES = {"table": "tables", "picture": "figures", "other": "blocks of code or quotations"}


def fit_pages(pages: Sequence[Page], count: int | None, limit: int, warnings: list[str]) -> list[Page]:
    """Return so many pages, or as close as the text allows.

    Args:
        pages: The pages of a document, in its order.
        count: How many are wanted; None: as many as there are, up to the limit.
        limit: Maximum number of pages.
        warnings: Gets a sentence on what the slides no longer show.
    """
    wanted = min(limit, len(pages) if count is None else count)
    fitted = list(pages)
    if len(pages) > wanted:
        fitted = [_merged(part) for part in _gathered(_tree(pages), wanted)]
        _warn_of_blocks(pages, fitted, warnings)
    while count is not None and len(fitted) < wanted:
        parted = _with_one_parted(fitted)
        if parted is None:
            break
        fitted = parted
    return fitted


@dataclass(slots=True)
class _Part:
    """A page of a document with the pages of the sections below it."""

    page: Page
    parts: list[_Part] = field(default_factory=list)

    def pages(self) -> Iterator[Page]:
        """Yield its own page and those below it."""
        yield self.page
        for part in self.parts:
            yield from part.pages()

    @property
    def weight(self) -> int:
        """About how much it says, in characters."""
        return sum(page.weight for page in self.pages())

    def opened(self) -> list[_Part]:
        """Return its own page, if that says something, and its parts."""
        own = [] if self.page.is_divider else [_Part(self.page)]
        return [*own, *self.parts]


def _tree(pages: Sequence[Page]) -> list[_Part]:
    """Return the main parts of a document, with the others below them."""
    roots: list[_Part] = []
    path: list[_Part] = []
    for page in pages:
        part = _Part(page)
        while path and path[-1].page.level >= page.level:
            path.pop()
        (path[-1].parts if path else roots).append(part)
        path.append(part)
    return roots


def _gathered(parts: list[_Part], wanted: int) -> list[_Part]:
    """Return at most so many parts: the longest are opened while there is room, neighbors that say little merged."""
    while True:
        room = wanted - len(parts)
        closed = [part for part in parts if part.parts and len(part.opened()) - 1 <= room]
        if not closed or room < 0:
            break
        longest = max(closed, key=lambda part: part.weight)
        at = parts.index(longest)
        parts = [*parts[:at], *longest.opened(), *parts[at + 1 :]]
    while len(parts) > max(0, wanted):
        if wanted <= 0:
            return []
        at = min(range(len(parts) - 1), key=lambda n: parts[n].weight + parts[n + 1].weight)
        both = _Part(_beside(parts[at].page, parts[at + 1].page), [*parts[at].parts, *parts[at + 1].parts])
        parts = [*parts[:at], both, *parts[at + 2 :]]
    return parts


def _merged(part: _Part) -> Page:
    """Return a page that says what a part says, with the titles of its sections as points."""
    page = part.page
    for below in part.parts:
        inner = _merged(below)
        said = inner.told if inner.title == page.title else _headed(inner)
        block = page.block or (inner.block if inner.block and inner.block.kind == "picture" else None)
        lost = [inner.block.said] if inner.block and inner.block is not block else []
        page = Page(
            title=page.title,
            level=page.level,
            texts=[*page.texts, *said],
            whole=[*page.told, *said] if page.whole else [],
            block=block,
            extra_notes=[*page.extra_notes, *inner.extra_notes, *lost],
        )
    return page


def _beside(first: Page, second: Page) -> Page:
    """Return a page that says what two neighbors say."""
    if first.title == second.title:
        title, texts = first.title, [*first.texts, *second.texts]
    else:
        both = f"{first.title}; {second.title}"
        fits = len(plain_text(both)) <= _TITLE_CHARS
        title, texts = (both if fits else first.title), [*first.texts, *_headed(second)]
    block = first.block or second.block
    lost = [second.block.said] if first.block and second.block else []
    return Page(
        title=title,
        level=min(first.level, second.level),
        texts=texts,
        whole=[*first.told, *_headed(second)] if first.whole or second.whole else [],
        block=block,
        extra_notes=[*first.extra_notes, *second.extra_notes, *lost],
    )


def _headed(page: Page) -> list[str]:
    """Return the texts of a page that becomes a part of another: its title, and its texts one level below."""
    return [*filter(None, [page.title]), *(f"\t{text}" for text in page.told)]


def _warn_of_blocks(pages: Sequence[Page], fitted: Sequence[Page], warnings: list[str]) -> None:
    had, has = (Counter(page.block.kind for page in some if page.block) for some in (pages, fitted))
    lost = ", ".join(f"{count} {_NAMES.get(kind, kind)}" for kind, count in (had - has).items())
    if lost:
        warnings.append(f"no room on so few slides for {lost}; the notes hold them")


def _with_one_parted(pages: list[Page]) -> list[Page] | None:
    """Part the page that leaves most to its notes; None, if all pages say all that they have."""

    def left_out(page: Page) -> int:
        points, is_all = page.points()
        shown = sum(len(plain_text(point.text)) for point in points)
        says_all = is_all and len(points) < MAX_POINTS
        return 0 if page.block or len(_pieces(page)) < 2 or says_all else page.weight - shown

    number = max(range(len(pages)), key=lambda n: left_out(pages[n]), default=None)
    if number is None or left_out(pages[number]) <= 0:
        return None
    page = pages[number]
    pieces = _pieces(page)
    ends = [at for at in range(1, len(pieces)) if not pieces[at].startswith("\t")] or [1]
    at = min(ends, key=lambda end: abs(sum(map(len, pieces[:end])) - sum(map(len, pieces[end:]))))
    first = replace(page, texts=pieces[:at], whole=[], verbatim="")
    second = replace(page, texts=pieces[at:], whole=[], verbatim="", extra_notes=[])
    return [*pages[:number], first, second, *pages[number + 1 :]]


def _pieces(page: Page) -> list[str]:
    """Return what a page can be parted into: its paragraphs and items, or the sentences of its only paragraph."""
    return page.texts if len(page.texts) > 1 else list(chain.from_iterable(map(split_sentences, page.texts)))
