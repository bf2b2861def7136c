"""The result of making a deck: the text and picture of each slide, and previews."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from PIL import Image
from pptx.presentation import Presentation as PresentationObject
from pydantic import BaseModel, ConfigDict

from seedx_sdk import SeedX
from seedx_sdk.files import output_file
from seedx_sdk.types import ImageField, Result
from seedx_tools.decks.ooxml.package import open_deck
from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.preview import RENDERER, render_slides
from seedx_tools.decks.reader import read_slide
from seedx_tools.decks.reading.texts import title_shape
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.shapes import paragraph_text
from seedx_tools.illustration.illustrator import Illustration
from seedx_tools.tool import result_fields

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


class Deck(Result):
    """A saved deck."""

    path: Path
    title: str
    slides: tuple[DeckSlide, ...]
    """In the order of the file, including continued slides."""
    preview_by: str = RENDERER
    """The renderer of the previews."""

    @property
    def previews(self) -> tuple[Image.Image, ...]:
        """An image of each slide of the saved file, 960 pixels wide, rendered whenever this is read.

        Raises:
            TemplateError: If the file is no longer there.
        """
        return tuple(render_slides(open_deck(self.path)))

    def save_previews(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write slide-01.png, slide-02.png, ... into an existing directory and return their paths.

        Raises:
            OutputPathError: If a preview cannot be written there.
            TemplateError: If the deck is no longer where it was saved.
        """
        paths = []
        for number, preview in enumerate(self.previews, start=1):
            path = Path(folder) / f"slide-{number:02d}.png"
            with output_file(path) as partial:
                preview.save(partial, "PNG")
            paths.append(path)
        return paths


def deck_result(
    seedx: SeedX,
    deck: PresentationObject,
    path: Path,
    slides: Sequence[DeckSlide],
    *,
    title: str = "",
    seed: int,
    started: float,
    warnings: Iterable[str] = (),
) -> Deck:
    """Return the result of saving a deck.

    Args:
        seedx: Names the model.
        deck: The deck.
        path: Where it was saved.
        slides: Its slides, as describe_slides returns them.
        title: The title of the deck; "": the one in its properties, else that of its first slide.
        seed: Seed of the first image.
        started: The time.perf_counter() at which the work began.
        warnings: One sentence for each thing that is missing or was changed; repeated ones are left out.
    """
    first = slides[0].title if slides else ""
    return Deck(
        path=path,
        title=title or deck.core_properties.title or first or "Untitled",
        slides=tuple(slides),
        **result_fields(seedx, seed=seed, started=started, warnings=warnings),
    )


def describe_slides(deck: PresentationObject, made: Mapping[int, MadeSlide]) -> tuple[DeckSlide, ...]:
    """Return the content of each slide of a deck.

    Args:
        deck: The deck.
        made: What the new slides were made from, by slide id; other slides are read from the deck.
    """
    slides = []
    for slide in deck.slides:
        plan, illustration, prompt = made.get(slide.slide_id) or (read_slide(slide), None, None)
        title = title_shape(slide)
        slides.append(
            DeckSlide(
                title=plan.title
                if title is None
                else "\n".join(paragraph_text(p._p) for p in title.text_frame.paragraphs),
                bullets=tuple(plain_text(bullet).replace("\v", " ") for bullet in plan.bullets),
                notes=plan.notes,
                picture=None if illustration is None else illustration.image,
                picture_prompt=prompt,
            )
        )
    return tuple(slides)
