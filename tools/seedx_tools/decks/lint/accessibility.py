"""What screen readers and the outline view need: titles, alt text, no empty placeholders."""

from __future__ import annotations

from collections.abc import Iterator

from seedx_tools.decks.lint.findings import Fault
from seedx_tools.decks.lint.page import Page
from seedx_tools.decks.shapes import is_empty_placeholder


def accessibility_faults(page: Page) -> Iterator[Fault]:
    """Yield missing titles, missing alt text and empty placeholders."""
    title = page.slide.shapes.title
    if title is None or not title.text_frame.text.strip():
        yield Fault("missing_title", "", "the slide has no title; screen readers and the outline view rely on titles")
    for placed in page.shapes:
        if placed.kind in ("picture", "chart") and not placed.alt_text:
            yield Fault("missing_alt_text", placed.name, f"the {placed.kind} has no alt text; describe what it shows")
        if is_empty_placeholder(placed.shape):
            yield Fault(
                "empty_placeholder",
                placed.name,
                "the placeholder is empty and shows its prompt in the editor; remove it",
            )
