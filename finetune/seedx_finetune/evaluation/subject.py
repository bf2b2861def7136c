"""What is evaluated: anything that answers as `seedx_sdk.SeedX` does, and how a refused image is counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PIL import Image

from seedx_sdk.errors import ModelError
from seedx_sdk.types import Description, Detection, EditedImage, GeneratedImage

OnSample = Callable[[str], None]
"""Called after each sample with what is being done, to show progress."""


class Subject(Protocol):
    """The four calls of `SeedX` that are measured, each with the seed that makes it repeatable."""

    def describe(self, images: Image.Image, question: str | None = None, *, seed: int = 0) -> Description:
        """Return the answer to a question about the image."""
        ...

    def detect(self, image: Image.Image, phrase: str, *, seed: int = 0) -> Detection:
        """Boxes around what the phrase names."""
        ...

    def generate(self, prompt: str, *, seed: int = 0) -> GeneratedImage:
        """Return an image generated from a prompt."""
        ...

    def edit(self, image: Image.Image, instruction: str, *, seed: int = 0) -> EditedImage:
        """Return the edited image."""
        ...


def drawn(call: Callable[[], GeneratedImage | EditedImage]) -> Image.Image | None:
    """Return the image that a call draws, or None (a miss) where the model ends without one.

    Missing or damaged weights are still raised: they are no property of the model.
    """
    try:
        return call().image
    except ModelError as error:
        if type(error) is not ModelError:
            raise
        return None
