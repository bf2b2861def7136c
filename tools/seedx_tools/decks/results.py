"""What is told of a deck that was made: each slide's words, pictures and preview."""

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
"""What a slide was made from: its plan, its picture, and what the model was asked to draw."""


class DeckSlide(BaseModel):
    """One slide as it was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    bullets: tuple[str, ...]
    notes: str
    picture: ImageField | None
    """The picture as the model drew it, or None."""
    picture_prompt: str | None
    """What the model was asked to draw, or None."""
    preview: ImageField
    """The slide as it looks, 960 pixels wide."""


class Deck(Result):
    """A deck that was saved."""

    path: Path
    title: str
    slides: tuple[DeckSlide, ...]
    """In the order of the file, continued slides among them."""
    preview_by: str = RENDERER
    """What drew the previews."""

    def save_previews(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write slide-01.png, slide-02.png, ... into a folder that exists and return their paths.

        Raises:
            OutputPathError: A preview cannot be written there.
        """
        paths = []
        for number, slide in enumerate(self.slides, start=1):
            path = Path(folder) / f"slide-{number:02d}.png"
            with output_file(path) as partial:
                slide.preview.save(partial, "PNG")
            paths.append(path)
        return paths


def describe_slides(deck: PresentationObject, made: Mapping[int, MadeSlide]) -> tuple[DeckSlide, ...]:
    """Return what each slide of a deck holds, with its preview.

    Args:
        deck: The deck.
        made: What slides were made from, by slide id; the others are read from the deck.
    """
    slides = []
    for slide, preview in zip(deck.slides, render_slides(deck), strict=True):
        plan, picture, prompt = made.get(slide.slide_id) or (read_slide(slide), None, None)
        title = slide.shapes.title
        slides.append(
            DeckSlide(
                title=plan.title if title is None else title.text_frame.text,
                bullets=plan.bullets,
                notes=plan.notes,
                picture=None if picture is None else picture.image,
                picture_prompt=prompt,
                preview=preview,
            )
        )
    return tuple(slides)
