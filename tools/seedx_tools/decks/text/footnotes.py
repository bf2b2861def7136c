"""The footnotes of a plan: [^1] in its texts is the mark of its first footnote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.plan_texts import mapped_texts, texts_of

FOOTNOTES_NAME = "Footnotes"
"""The name of the text box with the footnotes of a slide."""

_MARK = re.compile(r"\\.|(?P<ticks>`+)(?:.+?)(?<!`)(?P=ticks)(?!`)|\[\^(?P<number>[1-9]\d{0,2})\]", re.DOTALL)
"""A mark, or what may hold brackets that are none: an escaped character or code."""


def marks_in(text: str) -> list[int]:
    """Return the numbers of the footnotes that a text in inline Markdown refers to, in order."""
    return [int(found["number"]) for found in _MARK.finditer(text) if found["number"]]


def renumbered(text: str, numbers: Mapping[int, int]) -> str:
    """Return a text whose marks have other numbers; a mark without one is shown as it is written."""

    def change(found: re.Match[str]) -> str:
        if not found["number"]:
            return found[0]
        number = numbers.get(int(found["number"]))
        return f"\\{found[0]}" if number is None else f"[^{number}]"

    return _MARK.sub(change, text)


def unmarked(text: str) -> str:
    """Return a text without marks, for where its footnotes are not."""
    return _MARK.sub(lambda found: "" if found["number"] else found[0], text)


def told(text: str, footnotes: Sequence[str]) -> str:
    """Return a text with footnotes in parentheses in place of their marks, for where nothing can stand at the foot."""

    def change(found: re.Match[str]) -> str:
        number = int(found["number"] or 0)
        return f" ({footnotes[number - 1].rstrip('.')})" if 0 < number <= len(footnotes) else found[0]

    return _MARK.sub(change, text)


def with_footnotes_told(plan: SlidePlan) -> SlidePlan:
    """Return a plan whose notes say their footnotes, without those that only the notes refer to, in order."""
    marked = marked_footnotes(plan)
    shown = tuple(text if number in marked else "" for number, text in enumerate(plan.footnotes, start=1))
    notes = plain_notes(plan.notes, plan.footnotes)
    return with_footnotes_in_order(plan.model_copy(update={"notes": notes, "footnotes": shown}))


def plain_notes(notes: str, footnotes: Sequence[str]) -> str:
    """Return speaker notes that say their footnotes."""
    return told(notes, [plain_text(text) for text in footnotes])


def with_footnotes_in_order(plan: SlidePlan) -> SlidePlan:
    """Return a plan whose footnotes are numbered by their first marks, those without a mark last.

    A mark without a footnote becomes text as it is written.
    """
    found = marked_footnotes(plan)
    known = {number: text for number, text in enumerate(plan.footnotes, start=1) if text.strip()}
    order = [*(number for number in found if number in known), *(number for number in known if number not in found)]
    numbers = {old: new for new, old in enumerate(order, start=1)}
    if all(number in known and numbers[number] == number for number in found) and len(known) == len(plan.footnotes):
        return plan
    plan = mapped_texts(plan, lambda text: renumbered(text, numbers))
    return plan.model_copy(update={"footnotes": tuple(known[number] for number in order)})


def footnote_warnings(plan: SlidePlan) -> Iterator[str]:
    """Yield one sentence for each mark without a footnote, and each footnote without a mark."""
    found = marked_footnotes(plan)
    known = {number: text for number, text in enumerate(plan.footnotes, start=1) if text.strip()}
    yield from (f"there is no footnote {number} for its mark [^{number}]" for number in found if number not in known)
    for number, text in known.items():
        if number not in found:
            yield f"nothing refers to its footnote '{plain_text(text)}'"


def marked_footnotes(plan: SlidePlan) -> list[int]:
    """Return the numbers of the footnotes that a plan refers to, each once, in the order of reading."""
    return list(dict.fromkeys(number for text in texts_of(plan) for number in marks_in(text)))


def joined_footnotes(first: SlidePlan, second: SlidePlan) -> tuple[SlidePlan, tuple[str, ...]]:
    """Return the second of two plans with the marks that it has on a slide with both, and the footnotes of both."""
    count = len(first.footnotes)
    shifted = {number: number + count for number in range(1, len(second.footnotes) + 1)}
    moved = mapped_texts(second, lambda text: renumbered(text, shifted)) if shifted and count else second
    return moved, (*first.footnotes, *second.footnotes)
