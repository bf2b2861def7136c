"""Fit an outline to slides: as many as were asked for, and no more words on one than a room can read.

What leaves a slide goes to its notes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import BaseModel

from seedx_tools.decks.outline import Column, Outline, PictureFile, SlidePlan
from seedx_tools.decks.text.footnotes import joined_footnotes
from seedx_tools.decks.text.inline import escape_inline, plain_text
from seedx_tools.decks.text.sentences import split_sentences

MAX_WORDS = 85
"""The most words on a slide, with its title and the footer."""
_LEAST_WORDS = 30
"""As many words may stand on a slide below its title, however long that is."""
_LEAST_POINT = 6
_CLAUSE = re.compile(r"[,;:]\s| - | -- | \u2013 | \u2014 ")
_BLOCKS = ("columns", "code", "visual", "table", "chart", "quote")


def condensed_outline(outline: Outline, num_slides: int | None) -> Outline:
    """Return an outline of at most so many slides, none of which is a wall of text; its warnings say what moved.

    Args:
        outline: The content.
        num_slides: The most slides, with the title slide; None: any number.
    """
    warnings = list(outline.warnings)
    if outline.agenda and sum(map(_count, outline.all_slides()[0].bullets)) > MAX_WORDS:
        warnings.append("the agenda was left out: the titles that it lists are a wall of text")
        outline = outline.model_copy(update={"agenda": ""})
    fitted = outline if num_slides is None else _with_fewer_slides(outline, num_slides, warnings)
    before = len(fitted.all_slides()) - len(fitted.slides) - bool(fitted.sources)
    slides = []
    for number, plan in enumerate(fitted.slides, start=2 + before):
        short = condensed_slide(plan, room=MAX_WORDS - _count(fitted.title) - _count(plan.title))
        if short is not plan:
            warnings.append(f"slide {number}: its text was condensed; it continues in the speaker notes")
        slides.append(short)
    return fitted.model_copy(update={"slides": tuple(slides), "warnings": tuple(warnings)})


def condensed_slide(plan: SlidePlan, room: int) -> SlidePlan:
    """Return a slide whose points and columns have so many words at most, or the same slide if they already do.

    The longest points are cut to a sentence or clause first; the last ones are left out if that is not enough. The
    notes get each of these in full.

    Args:
        plan: The slide.
        room: The most words below the title.
    """
    room = max(_LEAST_WORDS, room)
    lists = [list(plan.bullets), *([column.heading, *column.bullets] for column in plan.columns)]
    points = [point for texts in lists for point in texts if point.strip()]
    if sum(map(_count, points)) <= room:
        return plan
    cap = _LEAST_POINT
    while sum(min(_count(point), cap + 1) for point in points) <= room:
        cap += 1
    full: list[str] = []
    short: list[tuple[str, ...]] = []
    left = room
    for texts in lists:
        kept: list[str] = []
        for point in texts:
            cut = point if _count(point) <= cap else _cut(point, cap)
            if point.strip() and left - _count(cut) < 0:
                full.append(point)
                continue
            left -= _count(cut)
            kept.append(cut)
            full += [point] if cut != point else []
        short.append(tuple(kept))
    columns = tuple(
        Column(heading=column.heading if column.heading in texts[:1] else "", bullets=texts[1:])
        for column, texts in zip(plan.columns, short[1:], strict=True)
    )
    notes = "\n".join([*(plain_text(point).strip() for point in full), plan.notes]).strip()
    return plan.model_copy(update={"bullets": short[0], "columns": columns, "notes": notes})


def _cut(point: str, words: int) -> str:
    """Return the first sentence or clauses of a point that have so many words, else its first words and three dots."""
    indent = point[: len(point) - len(point.lstrip("\t"))]
    text = point.lstrip("\t")
    sentence = split_sentences(text)[0]
    if _count(sentence) <= words:
        return indent + sentence.rstrip()
    plain = plain_text(text)
    ends = [found.start() for found in _CLAUSE.finditer(plain) if _count(plain[: found.start()]) <= words]
    if ends and _count(plain[: ends[-1]]) >= _LEAST_POINT:
        return indent + escape_inline(plain[: ends[-1]])
    return indent + escape_inline(" ".join(plain.split()[: max(1, words)]).rstrip(",;:")) + " ..."


def _with_fewer_slides(outline: Outline, wanted: int, warnings: list[str]) -> Outline:
    """Return an outline of at most so many slides: the agenda goes first, then neighbors are merged."""
    found = outline
    slides = list(outline.slides)
    while len(found.all_slides()) + 1 > wanted:
        if found.agenda:
            warnings.append("the agenda was left out, so that the deck has as many slides as were asked for")
            found = found.model_copy(update={"agenda": ""})
            continue
        if len(slides) < 2:
            break
        dividers = [n for n, plan in enumerate(slides) if plan.kind == "section" and n + 1 < len(slides)]
        at = dividers[0] if dividers else _cheapest(slides)
        pair = slides[at : at + 2]
        warnings.append(
            f"'{plain_text(pair[1].title)}' was merged with '{plain_text(pair[0].title)}', so that the deck has as "
            "many slides as were asked for"
        )
        slides[at : at + 2] = [merged_slides(*pair)]
        found = found.model_copy(update={"slides": tuple(slides)})
    return found


def _cheapest(slides: Sequence[SlidePlan]) -> int:
    """Return the place of the two neighbors that lose least when they are merged."""

    def cost(at: int) -> tuple[int, int]:
        pair = slides[at : at + 2]
        special = sum(1 for plan in pair for name in _BLOCKS if getattr(plan, name)) + 2 * (pair[1].kind == "closing")
        return special, sum(_count(point) for plan in pair for point in plan.bullets)

    return min(range(len(slides) - 1), key=cost)


def merged_slides(first: SlidePlan, second: SlidePlan) -> SlidePlan:
    """Return one slide with the texts of two; what the first has no place for goes to the notes."""
    if first.kind == "section":
        lines = [plain_text(first.title), *map(plain_text, first.bullets), first.notes, second.notes]
        lines[-1:-1] = map(plain_text, first.footnotes)
        return second.model_copy(update={"notes": "\n".join(filter(None, lines))})
    second, footnotes = joined_footnotes(first, second)
    taken = {name: getattr(second, name) for name in _BLOCKS if getattr(second, name)}
    has_block = any(getattr(first, name) for name in _BLOCKS)
    spoken = [line for block in taken.values() for line in _told(block)] if has_block else []
    below = [f"\t{point}" for point in second.bullets]
    shown = second if second.picture_file and not first.picture_file else first
    file = second.picture_file if shown is first else ""
    further = [PictureFile(file=file, alt=second.picture_alt or second.picture or "")] if file else []
    return first.model_copy(
        update={
            **({} if has_block else taken),
            "bullets": (*first.bullets, second.title, *below),
            "footnotes": footnotes,
            "source": first.source or second.source,
            "picture": shown.picture if shown.picture_file else first.picture or second.picture,
            "picture_file": shown.picture_file,
            "picture_alt": shown.picture_alt,
            "gallery": (*first.gallery, *further, *second.gallery),
            "notes": "\n".join(filter(None, (first.notes, *spoken, second.notes))),
        }
    )


def _told(block: object) -> list[str]:
    """Return the texts inside a table, chart or another block, a line each."""
    if isinstance(block, str):
        return [plain_text(block)] if block.strip() else []
    if isinstance(block, tuple | list):
        if block and not any(isinstance(part, tuple | list | BaseModel) for part in block):
            return [", ".join(plain_text(str(part)) for part in block if part is not None)]
        return [line for part in block for line in _told(part)]
    fields = getattr(type(block), "model_fields", {})
    return [line for name in fields if name not in ("kind", "align") for line in _told(getattr(block, name))]


def _count(text: str) -> int:
    return len(plain_text(text).split())
