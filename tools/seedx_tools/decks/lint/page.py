"""A slide as the checks see it: its shapes on the page, with their text laid out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from pptx.presentation import Presentation as PresentationObject
from pptx.slide import Slide

from seedx_tools.decks.ooxml.styles import EMU_PER_POINT
from seedx_tools.decks.shapes import SlideShape, slide_shapes
from seedx_tools.decks.text.shapes import PlacedText, place_text

TOUCH = 2.0
"""Points by which two areas may overlap, or a shape may leave the slide, before it is reported."""


class Page:
    """A slide, its number from 1, its size in points, and its shapes from back to front."""

    def __init__(self, slide: Slide, number: int, size: tuple[float, float]) -> None:
        self.slide = slide
        self.number = number
        self.width, self.height = size

    @cached_property
    def shapes(self) -> Sequence[SlideShape]:
        """Return the shapes, groups expanded."""
        return tuple(slide_shapes(self.slide))

    @cached_property
    def texts(self) -> Sequence[PlacedText | None]:
        """Return the laid-out text of each shape; None for a shape without text."""
        return tuple(
            place_text(self.slide, placed.shape, placed.frame, number=self.number)
            if placed.shape.has_text_frame and placed.shape.text_frame.text.strip()
            else None
            for placed in self.shapes
        )


def pages_of(deck: PresentationObject) -> list[Page]:
    """Return the slides of a deck."""
    size = int(deck.slide_width or 1) / EMU_PER_POINT, int(deck.slide_height or 1) / EMU_PER_POINT
    return [Page(slide, number, size) for number, slide in enumerate(deck.slides, start=1)]
