"""Ask a chat model to rewrite neighboring slides as fewer or more, and see that nothing is lost by it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from pydantic import BaseModel, Field

from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.planners.answering import ChatPlanner
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.errors import ToolRetry

_INSTRUCTIONS = (
    "You change the length of slide decks. You see all slides of a deck as JSON with their numbers, and how many it "
    "shall have. Answer with rewrites: each takes neighboring slides `first` to `last`, which belong together by "
    "their subject, and says which slides they become. Rewrite as few slides as possible; the others stay as they are. "
    "Keep all facts, tables, charts and drawings, and give short points; add no facts of your own. Never rewrite the "
    "slides that are marked as fixed. Texts are inline Markdown."
)
_BLOCKS = ("table", "chart", "visual", "quote", "code")


class Rewrite(BaseModel):
    """Neighboring slides, and what they become."""

    first: int = Field(ge=1, description="The number of the first slide that is replaced.")
    last: int = Field(ge=1, description="The number of the last slide that is replaced; first for a single one.")
    become: tuple[SlidePlan, ...] = Field(min_length=1, description="The slides in their place.")


class Rewrites(BaseModel):
    """What happens to the slides of a deck."""

    rewrites: tuple[Rewrite, ...] = Field(min_length=1, description="Disjoint runs of slides, in order.")


def rewrites_of_chat(
    planner: ChatPlanner, plans: Sequence[SlidePlan], free: Sequence[bool], wanted: int, warn: Callable[[str], None]
) -> tuple[Rewrite, ...]:
    """Return what becomes of the slides of a deck; what new slides leave out of the old ones is in their notes.

    Args:
        planner: Has the chat model.
        plans: The slides of the deck.
        free: Which of them may be rewritten.
        wanted: How many slides the deck is to have.
        warn: Called with one sentence for everything that was changed in the answer.

    Raises:
        ToolFailed: If the chat model gave no valid rewrites within its retries.
    """
    lines = [
        f"{number}.{'' if may else ' (fixed)'} {plan.model_dump_json(exclude_defaults=True)}"
        for number, (plan, may) in enumerate(zip(plans, free, strict=True), start=1)
    ]
    request = f"The deck has {len(plans)} slides and shall have {wanted}.\n\n" + "\n".join(lines)

    def checked(answer: Rewrites) -> tuple[Rewrite, ...]:
        _check(answer.rewrites, plans, free, wanted)
        return tuple(_with_notes(rewrite, plans, warn) for rewrite in answer.rewrites)

    return planner.answer(Rewrites, _INSTRUCTIONS, request, checked, warn)


def _check(rewrites: Sequence[Rewrite], plans: Sequence[SlidePlan], free: Sequence[bool], wanted: int) -> None:
    """Raise ToolRetry for rewrites that overlap, touch a fixed slide, lose a figure or give another length."""
    last = 0
    for rewrite in rewrites:
        if not last < rewrite.first <= rewrite.last <= len(plans):
            raise ToolRetry(
                f"slides {rewrite.first} to {rewrite.last} overlap others or are not in the deck, or out of order"
            )
        last = rewrite.last
        numbers = range(rewrite.first, rewrite.last + 1)
        fixed = [number for number in numbers if not free[number - 1]]
        if fixed:
            raise ToolRetry(f"slide {fixed[0]} is fixed; leave it out of the rewrites")
        old = [plans[number - 1] for number in numbers]
        for name in _BLOCKS:
            before, after = (sum(bool(getattr(plan, name)) for plan in some) for some in (old, rewrite.become))
            if after < before:
                raise ToolRetry(
                    f"slides {rewrite.first} to {rewrite.last} have {before} {name}s, your slides {after}; keep all"
                )
        pictured = [number for number in numbers if plans[number - 1].picture != ""]
        if pictured and pictured != [rewrite.first]:
            raise ToolRetry(
                f"slide {pictured[-1]} has a picture, which would be lost; only the first of a run may have one"
            )
    count = len(plans) + sum(len(one.become) - (one.last - one.first + 1) for one in rewrites)
    if count != wanted:
        raise ToolRetry(f"the deck would have {count} slides; {wanted} are wanted")


def _with_notes(rewrite: Rewrite, plans: Sequence[SlidePlan], warn: Callable[[str], None]) -> Rewrite:
    """Return a rewrite in whose notes all texts are that its slides leave out."""
    old = plans[rewrite.first - 1 : rewrite.last]
    shown = " ".join(_folded(text) for plan in rewrite.become for text in (*_texts(plan), plan.notes))
    missing = [text for plan in old for text in _texts(plan) if text and not _says(shown, text)]
    notes = [plan.notes for plan in old if plan.notes.strip() and not _says(shown, plan.notes)]
    first, *more = rewrite.become
    if old[0].picture != "" and first.picture is None and not first.picture_file:
        first = first.model_copy(update={"picture": old[0].picture})
    elif first.picture is None:
        first = first.model_copy(update={"picture": ""})
    more = [plan.model_copy(update={"picture": ""}) for plan in more]
    if missing:
        names = f"slide {rewrite.first}" if len(old) == 1 else f"slides {rewrite.first} to {rewrite.last}"
        warn(f"{names}: the chat model left texts out; they are in the speaker notes")
    full = "\n".join(filter(None, (first.notes, *missing, *notes)))
    return rewrite.model_copy(update={"become": (first.model_copy(update={"notes": full}), *more)})


def _texts(plan: SlidePlan) -> Iterator[str]:
    """Yield the texts of a slide, without those of its blocks, as plain text."""
    for text in (plan.title, *plan.bullets, plan.source, *plan.footnotes):
        yield plain_text(text).strip()
    for column in plan.columns:
        yield from (plain_text(text).strip() for text in (column.heading, *column.bullets))


def _says(shown: str, text: str) -> bool:
    """Return whether a text stands in what is shown, as whole words."""
    return re.search(rf"(?<!\w){re.escape(_folded(text))}(?!\w)", shown) is not None


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
