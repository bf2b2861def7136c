"""Where shapes are: off the slide, or over each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seedx_tools.decks.lint.findings import Fault
from seedx_tools.decks.lint.page import TOUCH, Page
from seedx_tools.decks.text.shapes import PointRect


@dataclass(frozen=True, slots=True)
class _Block:
    """An area that must not overlap another."""

    name: str
    area: PointRect
    is_text: bool


def geometry_faults(page: Page) -> Iterator[Fault]:
    """Yield what leaves the slide, and text that overlaps other content."""
    blocks: list[_Block] = []
    for placed, text in zip(page.shapes, page.texts, strict=True):
        if placed.kind in ("picture", "chart", "table"):
            blocks.append(_Block(placed.name, placed.area, is_text=False))
        if text is not None:
            blocks.append(_Block(placed.name, text.ink, is_text=True))
            left, top, right, bottom = text.ink
            if min(left, top) < -TOUCH or right > page.width + TOUCH or bottom > page.height + TOUCH:
                yield Fault("off_slide", placed.name, "the text runs off the slide; move the box or shorten the text")
    yield from _overlaps(blocks)


def _overlaps(blocks: list[_Block]) -> Iterator[Fault]:
    for index, first in enumerate(blocks):
        for second in blocks[index + 1 :]:
            if not (first.is_text or second.is_text):
                continue
            wide = min(first.area[2], second.area[2]) - max(first.area[0], second.area[0])
            high = min(first.area[3], second.area[3]) - max(first.area[1], second.area[1])
            if wide > TOUCH and high > TOUCH:
                text, other = (first, second) if first.is_text else (second, first)
                yield Fault("overlap", text.name, f"its text and '{other.name}' overlap by {wide:.0f} x {high:.0f} pt")
