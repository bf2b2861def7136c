"""Lint a deck: what a careful reviewer would circle on its slides.

Works on any .pptx. Sizes, colors and positions include what a shape inherits from its layout, master and theme; text
widths are those of the fonts the deck names (text/metrics.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from pptx.presentation import Presentation as PresentationObject
from pydantic import BaseModel, ConfigDict

from seedx_tools.decks.lint.accessibility import accessibility_faults
from seedx_tools.decks.lint.contrast import contrast_faults
from seedx_tools.decks.lint.findings import Fault, Finding
from seedx_tools.decks.lint.geometry import geometry_faults
from seedx_tools.decks.lint.page import Page, pages_of
from seedx_tools.decks.lint.text import text_faults
from seedx_tools.decks.ooxml.package import open_deck

_FAMILIES: tuple[Callable[[Page], Iterator[Fault]], ...] = (
    accessibility_faults,
    text_faults,
    geometry_faults,
    contrast_faults,
)


class DeckReport(BaseModel):
    """The findings in a deck."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    slides: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """True if there are no findings."""
        return not self.findings


def check_deck(path: str | os.PathLike[str]) -> DeckReport:
    """Return the problems in a .pptx file, slide by slide.

    Raises:
        TemplateError: If the file is missing, damaged, too large when unpacked, or has macros.
    """
    deck = open_deck(path)
    return DeckReport(path=Path(path), slides=len(deck.slides), findings=tuple(find_faults(deck)))


def find_faults(deck: PresentationObject) -> Iterator[Finding]:
    """Yield the problems in an open presentation, slide by slide."""
    for page in pages_of(deck):
        for family in _FAMILIES:
            for fault in family(page):
                yield Finding(kind=fault.kind, slide=page.number, shape=fault.shape, message=fault.message)
