"""Condense or extend a saved deck to a number of slides, with a chat model or by rule; no text is lost."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_sdk.files import check_output_path, output_file
from seedx_tools.decks.editing.carry_over import redirect
from seedx_tools.decks.editing.changes import Reviser
from seedx_tools.decks.ooxml.originals import save_keeping
from seedx_tools.decks.ooxml.package import open_deck
from seedx_tools.decks.operations.rewriting import Rewrite, rewrites_of_chat
from seedx_tools.decks.outline import MAX_NUM_SLIDES, Outline, SlidePlan
from seedx_tools.decks.planners.answering import ChatPlanner
from seedx_tools.decks.planners.condense import merged_slides
from seedx_tools.decks.reader import is_cover, read_slide, unsupported_content
from seedx_tools.decks.results import Deck
from seedx_tools.decks.revise import append_slides, revise_slide
from seedx_tools.decks.slide_copies import duplicate_slide
from seedx_tools.decks.slide_order import delete_slide, opened
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.writing.titles import numbered

_BLOCKS = ("columns", "table", "chart", "visual", "quote", "code")
_PART = re.compile(r" \(\d+/\d+\)$")
_LEAST_POINTS = 2
_COLUMN_COST = 40


def resize_deck(
    seedx: SeedX,
    path: str | os.PathLike[str],
    num_slides: int,
    *,
    planner: Reviser | None = None,
    output: str | os.PathLike[str] | None = None,
) -> Deck:
    """Return the saved deck with so many slides; no text is lost, and slides that stay are the same byte for byte.

    With a chat model, neighboring slides are rewritten as fewer or more; what its slides leave out goes to the notes.
    Without one, text of neighboring slides is merged under one title, or the points of long slides are parted.

    Args:
        seedx: Named in the result; it generates nothing.
        path: Any .pptx.
        num_slides: How many slides, with the title slide, from 1 to 300.
        planner: Rewrites slides, such as a ChatModelPlanner; None: they are merged or parted by rule.
        output: Where to save the deck; None: path.

    Raises:
        TemplateError: If the file cannot be opened.
        InputError: If num_slides is out of range, or the deck cannot have that length; nothing is written then.
        OutputPathError: If the deck cannot be written.
        ToolFailed: If the planner gave no valid slides.
    """
    if not 1 <= num_slides <= MAX_NUM_SLIDES:
        raise InputError(f"num_slides is {num_slides}; use 1 to {MAX_NUM_SLIDES}")
    target = check_output_path(path if output is None else output, (".pptx",))
    found = len(open_deck(path).slides)
    if found == num_slides:
        raise InputError(f"the deck has {num_slides} slides already")
    with tempfile.TemporaryDirectory(prefix="seedx-deck-") as folder:
        work = Path(folder) / "deck.pptx"
        shutil.copyfile(path, work)
        warnings: list[str] = []
        if isinstance(planner, ChatPlanner):
            deck = _rewrite(seedx, work, num_slides, planner, warnings)
        else:
            deck = None
            if num_slides > found:
                _check_extended(work, num_slides)
            for _ in range(abs(found - num_slides)):
                step = _merge_two if found > num_slides else _part_one
                deck = step(seedx, work, num_slides, warnings)
        with output_file(target) as partial:
            shutil.copyfile(work, partial)
    assert deck is not None
    return deck.model_copy(update={"path": target, "warnings": tuple(dict.fromkeys(warnings))})


def _plans(path: Path) -> list[tuple[SlidePlan, bool]]:
    """Return the plan of each slide, and whether it may be changed: it is no title slide and a plan holds it."""
    slides = list(open_deck(path).slides)
    return [(read_slide(slide), not is_cover(slide) and not unsupported_content(slide)) for slide in slides]


def _merge_two(seedx: SeedX, path: Path, wanted: int, warnings: list[str]) -> Deck:
    """Merge the two neighbors that change least.

    Raises:
        InputError: If no two can be merged.
    """
    plans = _plans(path)
    costs = {at: _cost(plans[at], plans[at + 1]) for at in range(len(plans) - 1)}
    at = min(
        (place for place, cost in costs.items() if cost is not None), key=lambda place: costs[place] or 0, default=None
    )
    if at is None:
        raise InputError(
            f"by rule the deck can be condensed to {len(plans)} slides, not {wanted}: the others hold pictures, charts "
            "or drawings that do not fit on one slide; delete slides, or pass a chat model as planner"
        )
    (first, _), (second, _) = plans[at : at + 2]
    keeps_second = _is_text(first) and not _is_text(second)
    merged = _onto_second(first, second) if keeps_second else merged_slides(first, second)
    kept, gone = (at + 2, at + 1) if keeps_second else (at + 1, at + 2)
    deck = revise_slide(seedx, path, kept, merged, pictures=False)
    warnings.append(
        f"'{plain_text(second.title)}' was merged with '{plain_text(first.title)}', for a deck of {wanted} slides"
    )
    warnings += deck.warnings
    if len(deck.slides) != len(plans):
        raise InputError(
            f"by rule the deck cannot have {wanted} slides: '{plain_text(first.title)}' and "
            f"'{plain_text(second.title)}' do not fit on one; delete slides, or pass a chat model as planner"
        )
    _delete_linked(path, gone, kept)
    return deck.model_copy(update={"slides": tuple(s for n, s in enumerate(deck.slides, 1) if n != gone)})


def _cost(first: tuple[SlidePlan, bool], second: tuple[SlidePlan, bool]) -> int | None:
    """Return how much two slides lose by being merged; None if they cannot be."""
    (one, may_change), (other, may_go) = first, second
    if not (may_change and may_go) or "closing" in (one.kind, other.kind) or other.kind == "section":
        return None
    if not _is_text(one) and not _is_text(other):
        return None
    blocks = [plan for plan in (one, other) if not _is_text(plan)]
    if any(plan.columns or plan.quote or plan.code for plan in blocks):
        return None  # their points have no place beside them
    words = sum(len(plain_text(point).split()) for plan in (one, other) for point in (plan.title, *plan.bullets))
    return words + sum(_COLUMN_COST * (1 if plan.bullets else 2) for plan in blocks)


def _is_text(plan: SlidePlan) -> bool:
    """Return whether a slide holds a title and points only."""
    return not plan.holds_more and plan.picture == "" and not plan.picture_file


def _onto_second(first: SlidePlan, second: SlidePlan) -> SlidePlan:
    """Return the second slide with the text of the first before its own."""
    if first.kind == "section":
        return merged_slides(first, second)
    points = (*first.bullets, second.title, *(f"\t{point}" for point in second.bullets))
    notes = "\n".join(filter(None, (first.notes, second.notes)))
    footnotes = (*first.footnotes, *second.footnotes)
    return second.model_copy(
        update={"title": first.title, "bullets": points, "notes": notes, "footnotes": footnotes, "picture": None}
    )


def _delete_linked(path: Path, gone: int, kept: int) -> None:
    """Delete a slide; links to it go to another one."""
    target, deck, originals = opened(path, None)
    slides = list(deck.slides)
    for slide in slides:
        redirect(slide.part, slides[gone - 1].part, slides[kept - 1].part)
    save_keeping(deck, target, originals)
    delete_slide(path, gone)


def _partable(path: Path) -> list[SlidePlan | None]:
    """Return the plan of each slide whose points can be shared out over two; None for the others."""
    return [
        plan
        if may_change and plan.kind == "content" and len(_tops(plan.bullets)) >= _LEAST_POINTS and not _blocks(plan)
        else None
        for plan, may_change in _plans(path)
    ]


def _check_extended(path: Path, wanted: int) -> None:
    """Raise InputError if the points of a deck cannot be shared out over so many slides."""
    plans = _partable(path)
    most = len(plans) + sum(len(_tops(plan.bullets)) - 1 for plan in plans if plan is not None)
    if wanted > most:
        raise InputError(
            f"by rule the deck can be extended to {most} slides, not {wanted}: no slide has further points to share "
            "out; insert slides with more content, or pass a chat model as planner"
        )


def _part_one(seedx: SeedX, path: Path, wanted: int, warnings: list[str]) -> Deck:
    """Part the slide with most text in two; both keep the look of their points.

    There must be one that can be parted.
    """
    parted = {number: plan for number, plan in enumerate(_partable(path), start=1) if plan is not None}
    number, plan = max(parted.items(), key=lambda one: sum(len(plain_text(point)) for point in one[1].bullets))
    cut = _middle(plan.bullets)
    name = _PART.sub("", plan.title)
    duplicate_slide(path, number)
    second: dict[str, Any] = {"bullets": plan.bullets[cut:], "notes": "", "picture": "", "footnotes": ()}
    changed: dict[int, dict[str, Any]] = {number: {"bullets": plan.bullets[:cut]}, number + 1: second}
    warnings.append(f"'{plain_text(plan.title)}' was parted in two, so that the deck has {wanted} slides")
    for place, title in _numbered(path, number, name).items():
        now = read_slide(list(open_deck(path).slides)[place - 1])
        updated = now.model_copy(update={"title": title, **changed.get(place, {})})
        deck = revise_slide(seedx, path, place, updated, pictures=False)
        warnings += deck.warnings
    return deck


def _numbered(path: Path, number: int, name: str) -> dict[int, str]:
    """Return the titles of the slides around one that continue each other: "Results (1/3)", "Results (2/3)" ..."""
    titles = [_PART.sub("", plan.title) for plan, _ in _plans(path)]
    start, end = number, number + 1
    while start > 1 and titles[start - 2] == name:
        start -= 1
    while end < len(titles) and titles[end] == name:
        end += 1
    count = end - start + 1
    return {place: numbered(name, place - start + 1, count) for place in range(start, end + 1)}


def _blocks(plan: SlidePlan) -> bool:
    return any(getattr(plan, name) for name in _BLOCKS)


def _tops(points: Sequence[str]) -> list[int]:
    """Return the places of points that are not indented under another one."""
    return [at for at, point in enumerate(points) if at == 0 or not point.startswith("\t")]


def _middle(points: Sequence[str]) -> int:
    """Return where the second half of points begins, by their length."""
    lengths = [len(plain_text(point)) for point in points]
    return min(_tops(points)[1:], key=lambda at: abs(sum(lengths[:at]) - sum(lengths[at:])))


def _rewrite(seedx: SeedX, path: Path, wanted: int, planner: ChatPlanner, warnings: list[str]) -> Deck:
    """Let a chat model rewrite runs of neighboring slides as fewer or more, the last ones first."""
    plans = _plans(path)
    rewrites = rewrites_of_chat(
        planner, [plan for plan, _ in plans], [may for _, may in plans], wanted, warnings.append
    )
    deck: Deck | None = None
    for rewrite in sorted(rewrites, key=lambda one: one.first, reverse=True):
        deck = _replace(seedx, path, rewrite)
        warnings += deck.warnings
    assert deck is not None
    if len(deck.slides) != wanted:
        warnings.append(f"the deck has {len(deck.slides)} slides, not {wanted}: what does not fit continues on another")
    return deck


def _replace(seedx: SeedX, path: Path, rewrite: Rewrite) -> Deck:
    """Put new slides in the place of a run of slides."""
    first, *more = rewrite.become
    for gone in range(rewrite.last, rewrite.first, -1):
        _delete_linked(path, gone, rewrite.first)
    before = len(open_deck(path).slides)
    deck = revise_slide(seedx, path, rewrite.first, first, pictures=False)
    if more:
        at = rewrite.first + 1 + len(deck.slides) - before
        added = append_slides(seedx, path, Outline(title="-", slides=tuple(more)), at=at, pictures=False)
        deck = added.model_copy(update={"warnings": (*deck.warnings, *added.warnings)})
    return deck
