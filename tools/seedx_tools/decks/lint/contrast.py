"""Text that does not stand out from what lies under it."""

from __future__ import annotations

from collections.abc import Iterator

from seedx_tools.decks.lint.findings import Fault
from seedx_tools.decks.lint.page import Page
from seedx_tools.decks.lint.text import quoted
from seedx_tools.decks.ooxml.contrast import contrast, least_contrast
from seedx_tools.decks.shapes import Run, background_under, runs_in


def contrast_faults(page: Page) -> Iterator[Fault]:
    """Yield text whose contrast is below level AA of the Web Content Accessibility Guidelines."""
    for index, placed in enumerate(page.shapes):
        below = [other for other in page.shapes[:index] if other.covers(placed)]
        pale: dict[tuple[str, str], Run] = {}
        for run in runs_in(page.slide, placed):
            for ground in [run.ground] if run.ground else background_under(page.slide, placed, below):
                if contrast(run.color, ground) < least_contrast(run.size, bold=run.bold) - 0.005:
                    pale.setdefault((run.color, ground), run)
        for (color, ground), run in pale.items():
            yield Fault(
                "low_contrast",
                placed.name,
                f"{quoted(run.text)} is #{color} on #{ground}: contrast {contrast(color, ground):.1f}, but text of "
                f"this size needs {least_contrast(run.size, bold=run.bold):.1f} (WCAG AA)",
            )
