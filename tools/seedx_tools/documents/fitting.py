"""Fits the pages of a document to a number of slides: neighbors are merged, long ones parted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.sentences import split_sentences
from seedx_tools.documents.pages import MAX_POINTS, Page

_TITLE_CHARS = 70


def fit_pages(pages: Sequence[Page], count: int | None, limit: int, warnings: list[str]) -> list[Page]:
    """Return so many pages, or as close as the text allows.

    Args:
        pages: The pages of a document, in its order.
        count: How many are wanted; None: as many as there are, up to the limit.
        limit: Maximum number of pages.
        warnings: Gets a sentence on what the slides no longer show.
    """
    fitted = list(pages)
    wanted = min(limit, len(fitted) if count is None else count)
    while len(fitted) > wanted:
        if wanted == 0:
            return []
        fitted = _with_two_merged(fitted, warnings)
    while count is not None and len(fitted) < wanted:
        parted = _with_one_parted(fitted)
        if parted is None:
            break
        fitted = parted
    return fitted


def _with_two_merged(pages: list[Page], warnings: list[str]) -> list[Page]:
    """Merge the two neighbors that lose least: parts of one section first, then what says little."""
    if divider := next((n for n, page in enumerate(pages) if page.is_divider), None):
        del pages[divider]
        return pages

    def cost(pair: tuple[Page, Page]) -> tuple[int, int, int]:
        first, second = pair
        blocks = sum(1 for page in pair if page.block is not None)
        return max(0, blocks - 1), -second.level, first.weight + second.weight

    number = min(range(len(pages) - 1), key=lambda n: cost((pages[n], pages[n + 1])))
    return [*pages[:number], _merged(pages[number], pages[number + 1], warnings), *pages[number + 2 :]]


def _merged(first: Page, second: Page, warnings: list[str]) -> Page:
    if first.title == second.title or not second.texts:
        texts = [*first.texts, *second.texts]
    else:
        texts = [*first.texts, *_headed(second)]
    notes = [*first.extra_notes, *second.extra_notes]
    kept, lost = (first.block, second.block) if first.block is not None else (second.block, None)
    if lost is not None:
        notes.append(lost.source)
        warnings.append(
            f"'{plain_text(second.title)}': its {lost.kind} has no room in so few slides; the notes hold it"
        )
    if first.level == second.level and first.title != second.title:
        both = f"{first.title}; {second.title}"
        title = both if len(both) <= _TITLE_CHARS else first.title
    else:
        title = first.title or second.title
    whole = [*first.told, *second.told] if first.whole or second.whole else []
    return Page(title, min(first.level, second.level), texts, whole, kept, extra_notes=notes)


def _headed(page: Page) -> list[str]:
    """Return the texts of a page that becomes a part of another: its heading, and its texts one level below."""
    lines: list[str] = [page.title] if page.title else []
    for text in page.texts:
        lines.append(f"\t{text}" if text.startswith("\t") or len(page.texts) > 1 else text)
    return lines


def _with_one_parted(pages: list[Page]) -> list[Page] | None:
    """Part the page that leaves most to its notes; None, if all pages say all that they have."""

    def left_out(page: Page) -> int:
        points, is_all = page.points()
        shown = sum(len(plain_text(point.text)) for point in points)
        return (
            0 if page.block or len(_pieces(page)) < 2 or (is_all and len(points) < MAX_POINTS) else page.weight - shown
        )

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
    return page.texts if len(page.texts) > 1 else [s for text in page.texts for s in split_sentences(text)]
