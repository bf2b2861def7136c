"""Text that does not fit, or is too small to be read."""

from __future__ import annotations

from collections.abc import Iterator

from seedx_tools.decks.lint.findings import Fault
from seedx_tools.decks.lint.page import Page
from seedx_tools.decks.shapes import Run, SlideShape, runs_in
from seedx_tools.decks.text.fitting import MIN_POINTS

_SHOWN_CHARS = 40


def text_faults(page: Page) -> Iterator[Fault]:
    """Yield text that overflows its box or table, and text under MIN_POINTS."""
    for placed, text in zip(page.shapes, page.texts, strict=True):
        room = placed.area[3] - placed.area[1]
        if placed.needs_height > room + 0.5:
            yield Fault(
                "overflow",
                placed.name,
                f"the table's text needs {placed.needs_height:.0f} pt of height but its frame has {room:.0f}; "
                "shorten it or split the table",
            )
        if text is not None and text.height > text.room + 0.5:
            yield Fault(
                "overflow",
                placed.name,
                f"the text needs {text.height:.0f} pt of height but the box has {text.room:.0f}; shorten or split it",
            )
        yield from _small_text(page, placed)


def _small_text(page: Page, placed: SlideShape) -> Iterator[Fault]:
    small: dict[float, Run] = {}
    for run in runs_in(page.slide, placed):
        if run.size < MIN_POINTS - 0.05:
            small.setdefault(run.size, run)
    for size, run in small.items():
        yield Fault("small_text", placed.name, f"{quoted(run.text)} is {size:.1f} pt; use at least {MIN_POINTS:.0f} pt")


def quoted(text: str) -> str:
    """Return the start of a text in quotes, for a message."""
    text = " ".join(text.split())
    return f"'{text[:_SHOWN_CHARS]}...'" if len(text) > _SHOWN_CHARS else f"'{text}'"
