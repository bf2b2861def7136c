"""Lint a deck: overflowing, overlapping, small or low-contrast text, and missing titles or alt text.

Works on any .pptx. Sizes, colors and positions include what a shape inherits from its layout, master and theme; text
widths are those of the fonts the deck names (text/metrics.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from pptx.presentation import Presentation as PresentationObject
from pptx.slide import Slide
from pydantic import BaseModel, ConfigDict

from seedx_tools.decks.ooxml.contrast import contrast, least_contrast
from seedx_tools.decks.ooxml.package import open_deck
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT
from seedx_tools.decks.shapes import Run, SlideShape, background_under, is_empty_placeholder, runs_in, slide_shapes
from seedx_tools.decks.text.fitting import MIN_POINTS
from seedx_tools.decks.text.shapes import PlacedText, PointRect, place_text

FindingKind: TypeAlias = Literal[
    "overflow",
    "off_slide",
    "overlap",
    "small_text",
    "low_contrast",
    "empty_placeholder",
    "missing_alt_text",
    "missing_title",
]

_TOUCH = 2.0
"""Points by which two areas may overlap, or text may leave the slide, before it is reported."""

_SHOWN_CHARS = 40


class Finding(BaseModel):
    """A problem on a slide."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FindingKind
    slide: int
    """From 1."""
    shape: str
    """The shape's name in PowerPoint's selection pane; empty for the slide itself."""
    message: str
    """What is wrong, what was measured, and how to fix it."""


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
    size = int(deck.slide_width or 1) / EMU_PER_POINT, int(deck.slide_height or 1) / EMU_PER_POINT
    for number, slide in enumerate(deck.slides, start=1):
        for kind, shape, message in _SlideLinter(slide, number, size).faults():
            yield Finding(kind=kind, slide=number, shape=shape, message=message)


_Fault: TypeAlias = tuple[FindingKind, str, str]


@dataclass(frozen=True, slots=True)
class _Block:
    """An area that must not overlap another."""

    name: str
    area: PointRect
    is_text: bool


class _SlideLinter:
    def __init__(self, slide: Slide, number: int, size: tuple[float, float]) -> None:
        self._slide = slide
        self._number = number
        self._size = size
        self._placed = list(slide_shapes(slide))

    def faults(self) -> Iterator[_Fault]:
        title = self._slide.shapes.title
        if title is None or not title.text_frame.text.strip():
            yield "missing_title", "", "the slide has no title; screen readers and the outline view rely on titles"
        blocks: list[_Block] = []
        for index, placed in enumerate(self._placed):
            yield from self._check_shape(index, placed, blocks)
        yield from _overlaps(blocks)

    def _check_shape(self, index: int, placed: SlideShape, blocks: list[_Block]) -> Iterator[_Fault]:
        shape, name = placed.shape, placed.name
        if placed.kind in ("picture", "chart", "table"):
            blocks.append(_Block(name, placed.area, is_text=False))
            if placed.kind != "table" and not placed.alt_text:
                yield "missing_alt_text", name, f"the {placed.kind} has no alt text; describe what it shows"
        if is_empty_placeholder(shape):
            yield (
                "empty_placeholder",
                name,
                "the placeholder is empty and shows its prompt in the editor; remove it",
            )
        if placed.needs_height > placed.area[3] - placed.area[1] + 0.5:
            yield (
                "overflow",
                name,
                f"the table's text needs {placed.needs_height:.0f} pt of height but its frame has "
                f"{placed.area[3] - placed.area[1]:.0f}; shorten it or split the table",
            )
        if shape.has_text_frame and shape.text_frame.text.strip():
            text = place_text(self._slide, shape, placed.frame, number=self._number)
            blocks.append(_Block(name, text.ink, is_text=True))
            yield from self._check_fit(text, placed)
        yield from self._check_legibility(index, placed)

    def _check_fit(self, text: PlacedText, placed: SlideShape) -> Iterator[_Fault]:
        if text.height > text.room + 0.5:
            yield (
                "overflow",
                placed.name,
                f"the text needs {text.height:.0f} pt of height but the box has {text.room:.0f}; shorten or split it",
            )
        left, top, right, bottom = text.ink
        if min(left, top) < -_TOUCH or right > self._size[0] + _TOUCH or bottom > self._size[1] + _TOUCH:
            yield "off_slide", placed.name, "the text runs off the slide; move the box or shorten the text"

    def _check_legibility(self, index: int, placed: SlideShape) -> Iterator[_Fault]:
        below = [other for other in self._placed[:index] if other.covers(placed)]
        small: dict[float, Run] = {}
        pale: dict[tuple[str, str], Run] = {}
        for run in runs_in(self._slide, placed):
            if run.size < MIN_POINTS - 0.05:
                small.setdefault(run.size, run)
            for ground in [run.ground] if run.ground else background_under(self._slide, placed, below):
                if contrast(run.color, ground) < least_contrast(run.size, bold=run.bold) - 0.005:
                    pale.setdefault((run.color, ground), run)
        for size, run in small.items():
            yield "small_text", placed.name, f"{_quoted(run)} is {size:.1f} pt; use at least {MIN_POINTS:.0f} pt"
        for (color, ground), run in pale.items():
            yield (
                "low_contrast",
                placed.name,
                f"{_quoted(run)} is #{color} on #{ground}: contrast {contrast(color, ground):.1f}, but text of this "
                f"size needs {least_contrast(run.size, bold=run.bold):.1f} (WCAG AA)",
            )


def _overlaps(blocks: list[_Block]) -> Iterator[_Fault]:
    for index, first in enumerate(blocks):
        for second in blocks[index + 1 :]:
            if not (first.is_text or second.is_text):
                continue
            wide = min(first.area[2], second.area[2]) - max(first.area[0], second.area[0])
            high = min(first.area[3], second.area[3]) - max(first.area[1], second.area[1])
            if wide > _TOUCH and high > _TOUCH:
                text, other = (first, second) if first.is_text else (second, first)
                yield "overlap", text.name, f"its text and '{other.name}' overlap by {wide:.0f} x {high:.0f} pt"


def _quoted(run: Run) -> str:
    text = " ".join(run.text.split())
    return f"'{text[:_SHOWN_CHARS]}...'" if len(text) > _SHOWN_CHARS else f"'{text}'"
