"""Pictures for slides and pages: in the words that the model knows, and never the reason that a deck is not saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from seedx_sdk import SeedX
from seedx_sdk.errors import GenerationCancelled, SeedXError
from seedx_tools.illustration.prompts import picture_prompt, vocabulary_of


@dataclass(frozen=True, slots=True)
class Illustration:
    """A picture to place, and what it shows in words."""

    image: Image.Image
    alt: str


NO_ROOM = "beside what it holds there is no room for a picture; none was drawn"
"""The warning of a slide whose picture was asked for in vain."""


class Illustrator:
    """Draws the pictures of one deck or story.

    Args:
        seedx: The model.
        warn: Called with one sentence when a picture is not what was asked for, or failed.
        seed: Seed of picture number 0; number n is drawn with seed + n.
    """

    def __init__(self, seedx: SeedX, warn: Callable[[str], None], *, seed: int) -> None:
        self._seedx = seedx
        self._warn = warn
        self._seed = seed
        self._decorative: list[str] = []

    def draw(
        self, wanted: str | None, words: str, *, context: str, number: int, where: str
    ) -> tuple[Illustration | None, str | None]:
        """Return a picture and its prompt; the picture is None, with a warning, when the model failed.

        Args:
            wanted: What the picture should show; None chooses from the words.
            words: The words that the picture stands beside.
            context: The title of the deck or story.
            number: Which picture it is; shifts the seed.
            where: The slide or page, for warnings.
        """
        prompt = picture_prompt(wanted or words, vocabulary_of(self._seedx.info), context=context)
        if prompt.decorative:
            self._decorative.append(where)
        try:
            drawn = self._seedx.generate(prompt.text, seed=self._seed + number)
        except GenerationCancelled:
            raise
        except SeedXError as error:
            self._warn(f"{where}: its picture failed and was left out: {error}")
            return None, prompt.text
        for warning in drawn.warnings:
            self._warn(warning)
        if drawn.image is None:
            self._warn(f"{where}: the model drew no picture")
            return None, prompt.text
        return Illustration(drawn.image, alt=f"Drawn picture: {prompt.text}"), prompt.text

    def finish(self) -> None:
        """Warn once of all pictures that only decorate, because the model cannot draw what the words are about."""
        if self._decorative:
            self._warn(
                f"{', '.join(self._decorative)}: {self._seedx.info.name} cannot draw the subject, so the pictures are "
                "decorative; name things that it knows, or load a larger model with SeedX(model=...)"
            )
