"""Lint a deck: what a careful reviewer would circle on its slides.

Works on any .pptx. Sizes, colors and positions include what a shape inherits from its layout, master and theme; text
widths are those of the fonts the deck names (text/metrics.py).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from pptx.presentation import Presentation as PresentationObject
from pydantic import BaseModel, ConfigDict

from seedx_tools.decks.lint.accessibility import accessibility_faults, duplicate_titles
from seedx_tools.decks.lint.contrast import contrast_faults
from seedx_tools.decks.lint.findings import Fault, Finding, FindingKind
from seedx_tools.decks.lint.geometry import geometry_faults
from seedx_tools.decks.lint.page import Page, pages_of
from seedx_tools.decks.lint.pictures import picture_faults
from seedx_tools.decks.lint.text import text_faults, typeface_faults
from seedx_tools.decks.ooxml.package import open_deck

_FAMILIES: tuple[Callable[[Page], Iterator[Fault]], ...] = (
    accessibility_faults,
    text_faults,
    geometry_faults,
    picture_faults,
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
    """Yield the problems in an open presentation, slide by slide; those of its template once."""
    pages = pages_of(deck)
    found = [(page.number, fault) for page in pages for family in _FAMILIES for fault in family(page)]
    found += [*duplicate_titles(pages), *typeface_faults(pages)]
    times = Counter((fault.kind, fault.template) for _, fault in found)
    reported: set[tuple[FindingKind, str]] = set()
    for number, fault in sorted(found, key=lambda one: one[0]):
        key, message = (fault.kind, fault.template), fault.message
        if fault.template and key in reported:
            continue
        reported.add(key)
        if fault.template and times[key] > 1:
            message += f" (from the template, found {times[key]} times)"
        yield Finding(kind=fault.kind, slide=number, shape=fault.shape, message=message)


def find_slide_faults(deck: PresentationObject, number: int) -> Iterator[Finding]:
    """Yield the problems on one slide of an open presentation, by its number from 1; not those of its template."""
    for fault in page_faults(pages_of(deck)[number - 1]):
        yield Finding(kind=fault.kind, slide=number, shape=fault.shape, message=fault.message)


def page_faults(page: Page) -> Iterator[Fault]:
    """Yield the problems of one slide; not those of its template, nor what only shows among others."""
    for family in _FAMILIES:
        yield from (fault for fault in family(page) if not fault.template)
