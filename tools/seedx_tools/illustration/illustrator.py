"""Images for slides and pages: prompts the model understands, and no failure that keeps a document from being saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image

from seedx_sdk import AsyncSeedX, SeedX
from seedx_sdk.errors import GenerationCancelled, SeedXError
from seedx_sdk.types import GeneratedImage, ModelInfo
from seedx_tools.illustration.image_files import ImageFile
from seedx_tools.illustration.prompts import ImagePrompt, image_prompt, vocabulary_of

ALT_PREFIX = "Generated image: "
"""Begins the alt text of generated images, before the prompt."""
NO_ROOM = "the slide has no room for an image; none was generated"
"""The warning of a slide whose layout has no place left for the image that its plan names."""

Warn = Callable[[str], None]
"""Called with one sentence when an image is missing or is not what was requested."""


@dataclass(frozen=True, slots=True)
class Illustration:
    """An image to place, and its alt text."""

    image: Image.Image
    alt: str
    file: ImageFile | None = None
    """What it was read from; None for an image that a model generated, which may be enlarged."""


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """An image to generate for a slide or a page."""

    prompt: ImagePrompt
    seed: int
    where: str
    """The slide or page, for warnings."""


def request_image(
    wanted: str | None, text: str, info: ModelInfo, *, context: str, seed: int, where: str
) -> ImageRequest:
    """Return the request for an image beside a text.

    Args:
        wanted: What the image should show; None chooses from the text.
        text: The text that the image stands beside.
        info: The model that will generate it.
        context: The title of the deck or story.
        seed: Seed of the image.
        where: The slide or page, for warnings.
    """
    return ImageRequest(image_prompt(wanted or text, vocabulary_of(info), context=context), seed, where)


def request_subject(wanted: str | None, text: str, info: ModelInfo, *, seed: int, where: str) -> ImageRequest | None:
    """Return the request for an image of what a text is about; None if the model cannot draw that.

    Args:
        wanted: What the image should show; None chooses from the text.
        text: The text that the image stands beside.
        info: The model that will generate it.
        seed: Seed of the image.
        where: The slide, for warnings.
    """
    prompt = image_prompt(wanted or text, vocabulary_of(info), only_subjects=True)
    return None if prompt.decorative else ImageRequest(prompt, seed, where)


def unknown_subjects_warning(where: Iterable[str], info: ModelInfo) -> str | None:
    """Return one warning about all slides without an image, because the model cannot draw what they are about."""
    named = ", ".join(where)
    if not named:
        return None
    return (
        f"{named}: {info.name} cannot draw the subject, and no decorative image was put in its place; name an image "
        "file or things that it knows ('![a red boat](draw)'), or load a larger model with SeedX(model=...)"
    )


def generate_illustration(seedx: SeedX, request: ImageRequest, warn: Warn) -> Illustration | None:
    """Return the image of a request; None, with a warning, if the model failed."""
    with _failure_as_warning(request, warn):
        return _illustration(seedx.generate(request.prompt.text, seed=request.seed), request, warn)
    return None


async def generate_illustration_async(seedx: AsyncSeedX, request: ImageRequest, warn: Warn) -> Illustration | None:
    """Return the image of a request; None, with a warning, if the model failed."""
    with _failure_as_warning(request, warn):
        return _illustration(await seedx.generate(request.prompt.text, seed=request.seed), request, warn)
    return None


def decorative_warning(requests: Iterable[ImageRequest], info: ModelInfo) -> str | None:
    """Return one warning about all images that only decorate, because the model cannot draw the subject."""
    decorative = [request.where for request in requests if request.prompt.decorative]
    if not decorative:
        return None
    return (
        f"{', '.join(decorative)}: {info.name} cannot draw the subject, so the images are decorative; name things "
        "that it knows, or load a larger model with SeedX(model=...)"
    )


class Illustrator:
    """Generates the images of a deck, one after another.

    Args:
        seedx: The model.
        warn: Called with one sentence when an image is not what was requested, or failed.
        seed: Seed of image number 0; number n is generated with seed + n.
    """

    def __init__(self, seedx: SeedX, warn: Warn, *, seed: int) -> None:
        self._seedx = seedx
        self._warn = warn
        self._seed = seed
        self._unknown: list[str] = []

    def draw(self, wanted: str | None, text: str, *, number: int, where: str) -> tuple[Illustration | None, str | None]:
        """Return an image and its prompt; None and a warning if the model failed or cannot draw the subject.

        Args:
            wanted: What the image should show; None chooses from the text.
            text: The text that the image stands beside.
            number: Which image it is; shifts the seed.
            where: The slide, for warnings.
        """
        request = request_subject(wanted, text, self._seedx.info, seed=self._seed + number, where=where)
        if request is None:
            self._unknown.append(where)
            return None, None
        return generate_illustration(self._seedx, request, self._warn), request.prompt.text

    def finish(self) -> None:
        """Warn once about all slides whose subject the model cannot draw."""
        warning = unknown_subjects_warning(self._unknown, self._seedx.info)
        if warning is not None:
            self._warn(warning)


@contextmanager
def _failure_as_warning(request: ImageRequest, warn: Warn) -> Iterator[None]:
    try:
        yield
    except GenerationCancelled:
        raise
    except SeedXError as error:
        warn(f"{request.where}: its image failed and was left out: {error}")


def _illustration(generated: GeneratedImage, request: ImageRequest, warn: Warn) -> Illustration | None:
    for warning in generated.warnings:
        warn(warning)
    if generated.image is None:
        warn(f"{request.where}: the model generated no image")
        return None
    return Illustration(generated.image, alt=f"{ALT_PREFIX}{request.prompt.text}")
