"""Images for slides and pages: of things that the model knows, and never the reason that a deck is not saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from seedx_sdk import SeedX
from seedx_sdk.errors import GenerationCancelled, SeedXError
from seedx_tools.illustration.prompts import image_prompt, vocabulary_of


@dataclass(frozen=True, slots=True)
class Illustration:
    """An image to place, and its alternative text."""

    image: Image.Image
    alt: str


ALT_PREFIX = "Generated image: "
"""Begins the alternative text of generated images, before the prompt."""
NO_ROOM = "the slide has no room for an image; none was generated"
"""The warning of a slide whose layout has no place left for the image that its plan names."""


class Illustrator:
    """Generates the images of one deck or story.

    Args:
        seedx: The model.
        warn: Called with one sentence when an image failed or is not what was asked for.
        seed: Seed of image number 0; image n uses seed + n.
    """

    def __init__(self, seedx: SeedX, warn: Callable[[str], None], *, seed: int) -> None:
        self._seedx = seedx
        self._warn = warn
        self._seed = seed
        self._decorative: list[str] = []

    def draw(
        self, wanted: str | None, text: str, *, context: str, number: int, where: str
    ) -> tuple[Illustration | None, str]:
        """Return an image and its prompt; the image is None, with a warning, when the model failed.

        Args:
            wanted: What the image should show; None chooses from the text.
            text: The text beside the image.
            context: The title of the deck or story.
            number: Which image it is; added to the seed.
            where: The slide or page, for warnings.
        """
        prompt = image_prompt(wanted or text, vocabulary_of(self._seedx.info), context=context)
        if prompt.decorative:
            self._decorative.append(where)
        try:
            generated = self._seedx.generate(prompt.text, seed=self._seed + number)
        except GenerationCancelled:
            raise
        except SeedXError as error:
            self._warn(f"{where}: its image failed and was left out: {error}")
            return None, prompt.text
        for warning in generated.warnings:
            self._warn(warning)
        if generated.image is None:
            self._warn(f"{where}: the model generated no image")
            return None, prompt.text
        return Illustration(generated.image, alt=f"{ALT_PREFIX}{prompt.text}"), prompt.text

    def finish(self) -> None:
        """Warn once about all images that are only decorative, because the model does not know the subject."""
        if self._decorative:
            self._warn(
                f"{', '.join(self._decorative)}: {self._seedx.info.name} cannot draw the subject, so the images are "
                "decorative; name things that it knows, or load a larger model with SeedX(model=...)"
            )
