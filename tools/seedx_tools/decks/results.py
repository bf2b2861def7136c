"""The result of making a deck: the text, picture and preview of each slide."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from pptx.presentation import Presentation as PresentationObject
from pydantic import BaseModel, ConfigDict

from seedx_sdk.files import output_file
from seedx_sdk.types import ImageField, Result
from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.preview import RENDERER, render_slides
from seedx_tools.decks.reader import read_slide
from seedx_tools.illustration.illustrator import Illustration

MadeSlide: TypeAlias = tuple[SlidePlan, Illustration | None, str | None]
"""What a slide was made from: its plan, its image, and the prompt of the image."""


class DeckSlide(BaseModel):
    """A slide of a saved deck."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    bullets: tuple[str, ...]
    notes: str
    picture: ImageField | None
    """The image that the model generated or that was read from a file, or None."""
    picture_prompt: str | None
    """The prompt of the generated image, or None."""
    preview: ImageField
    """A rendering of the slide, 960 pixels wide."""


class Deck(Result):
    """A saved deck."""

    path: Path
    title: str
    slides: tuple[DeckSlide, ...]
    """In the order of the file, including continued slides."""
    preview_by: str = RENDERER
    """The renderer of the previews."""

    def save_previews(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write slide-01.png, slide-02.png, ... into an existing directory and return their paths.

        Raises:
            OutputPathError: If a preview cannot be written there.
        """
        paths = []
        for number, slide in enumerate(self.slides, start=1):
            path = Path(folder) / f"slide-{number:02d}.png"
            with output_file(path) as partial:
                slide.preview.save(partial, "PNG")
            paths.append(path)
        return paths


def describe_slides(deck: PresentationObject, made: Mapping[int, MadeSlide]) -> tuple[DeckSlide, ...]:
    """Return the content and preview of each slide of a deck.

    Args:
        deck: The deck.
        made: What the new slides were made from, by slide id; other slides are read from the deck.
    """
    slides = []
    for slide, preview in zip(deck.slides, render_slides(deck), strict=True):
        plan, illustration, prompt = made.get(slide.slide_id) or (read_slide(slide), None, None)
        title = slide.shapes.title
        slides.append(
            DeckSlide(
                title=plan.title if title is None else title.text_frame.text,
                bullets=plan.bullets,
                notes=plan.notes,
                picture=None if illustration is None else illustration.image,
                picture_prompt=prompt,
                preview=preview,
            )
        )
    return tuple(slides)
