"""Images for the pages of a story: characters kept alike, every image checked, and drawn again if need be."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image
from pydantic import BaseModel, ConfigDict

from seedx_sdk import SeedX
from seedx_sdk.errors import GenerationCancelled, InputError, SeedXError
from seedx_sdk.types import ImageField
from seedx_tools.errors import ToolFailed
from seedx_tools.illustration.illustrator import ImageRequest, Warn, decorative_warning, request_image
from seedx_tools.illustration.image_check import ImageCheck, bare, check_image
from seedx_tools.illustration.prompts import count_things, find_things, vocabulary_of
from seedx_tools.stories.cast import image_text
from seedx_tools.stories.plan import Character, PagePlan, and_join

MAX_TRIES = 20
_SEEDS_APART = 1000
"""What each further try adds to the seed of its page."""


class PageImage(BaseModel):
    """The image of a page, and what the model sees in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image: ImageField | None = None
    """None if it was not generated."""
    image_prompt: str = ""
    """The prompt of the image; for a given one, what the model sees in it."""
    seed: int | None = None
    """The seed of the image; None if it was given, or generated with others."""
    missing: tuple[str, ...] = ()
    """Names of the characters, and things, that the model did not see in the image."""
    faults: tuple[str, ...] = ()
    """What is missing, or was drawn instead: "a blue dog instead of a brown dog"."""


class StoryIllustrator:
    """Draws the pages of one story.

    Args:
        seedx: Generates the images and looks at them.
        warn: Called with one sentence for what is not as it should be.
        seed: Seed of page 1; each further page adds 1, each further try 1000.
        tries: Maximum number of images of a page; the one with the fewest faults is kept.
        check: Whether to look at each image, which costs one description; without it, every page has one try.
        num_inference_steps: Denoising steps of each image; None: the model's own.

    Raises:
        InputError: If tries is out of range.
    """

    def __init__(
        self,
        seedx: SeedX,
        warn: Warn,
        *,
        seed: int = 0,
        tries: int = 2,
        check: bool = True,
        num_inference_steps: int | None = None,
    ) -> None:
        if not 1 <= tries <= MAX_TRIES:
            raise InputError(f"tries is {tries}; use 1 to {MAX_TRIES}")
        self._seedx, self._warn, self._seed = seedx, warn, seed
        self._tries, self._check, self._num_inference_steps = tries, check, num_inference_steps
        self._requests: list[ImageRequest] = []
        self._unchecked: dict[str, list[str]] = {}

    def draw(self, page: PagePlan, characters: tuple[Character, ...], number: int, title: str) -> PageImage:
        """Return the best image of a page.

        Args:
            page: The page; its characters are names of characters.
            characters: Everybody in the story.
            number: Of the page, from 0.
            title: Of the story, which names what the page itself does not.

        Raises:
            InputError: If the page gives no valid prompt.
            ToolFailed: If the model generated no image.
            SeedXError: If the model failed before there was any image.
        """
        where, wanted = f"page {number + 1}", image_text(page, characters)
        request = request_image(wanted, page.text, self._seedx.info, context=title, seed=self._seed, where=where)
        self._requests.append(request)
        shown = tuple(character for character in characters if character.name in page.characters)
        if page.picture.strip():
            self._warn_of_what_is_left_out(wanted, request)
        best: PageImage | None = None
        for attempt in range(self._tries if self._check else 1):
            seed = self._seed + number + _SEEDS_APART * attempt
            image = self._generated(request.prompt.text, seed, where, again=best is not None)
            if image is None:
                continue
            drawn = PageImage(image=image, image_prompt=request.prompt.text, seed=seed)
            if not request.prompt.decorative:
                drawn = self.checked(drawn, request.prompt.text, shown, number)
            if best is None or len(drawn.faults) < len(best.faults):
                best = drawn
            if not drawn.faults:
                break
        if best is None:
            raise ToolFailed(f"{self._seedx.info.name} generated no image of {request.prompt.text!r}; try another seed")
        return best

    def checked(self, drawn: PageImage, wanted: str, shown: tuple[Character, ...], number: int) -> PageImage:
        """Return the image of a page with what is missing in it; as it is if it cannot be checked.

        Args:
            drawn: The image.
            wanted: What it should show; empty: nothing in particular.
            shown: The characters among that.
            number: Of the page, from 0.
        """
        if not self._check or not wanted or drawn.image is None:
            return drawn
        found = check_image(self._seedx, drawn.image, wanted, [character.looks for character in shown])
        if found.unchecked:
            self._unchecked.setdefault(found.unchecked, []).append(str(number + 1))
        missing, faults = self._by_name(found, shown)
        return drawn.model_copy(update={"missing": missing, "faults": faults})

    def finish(self) -> None:
        """Warn once about all images that only decorate, and all that could not be checked."""
        warning = decorative_warning(self._requests, self._seedx.info)
        if warning is not None:
            self._warn(warning)
        for reason, pages in self._unchecked.items():
            numbers = tuple(dict.fromkeys(pages))
            which = "image of page {} was" if len(numbers) == 1 else "images of pages {} were"
            self._warn(f"the {which.format(and_join(numbers))} not checked: {reason}")

    def _generated(self, prompt: str, seed: int, where: str, *, again: bool) -> Image.Image | None:
        try:
            generated = self._seedx.generate(prompt, seed=seed, num_inference_steps=self._num_inference_steps)
        except SeedXError as error:
            if not again or isinstance(error, GenerationCancelled):
                raise
            self._warn(f"{where} was not generated again: {error}")
            return None
        for warning in generated.warnings:
            self._warn(warning)
        return generated.image

    def _by_name(self, found: ImageCheck, shown: tuple[Character, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what is missing, characters by their names, and the faults with these names."""
        vocabulary, names = vocabulary_of(self._seedx.info), dict[str, str]()
        for one in shown:
            things = (bare(one.looks),) if vocabulary is None else count_things(one.looks, vocabulary)
            names |= {thing: one.name for thing in things if one.name.lower() not in one.looks.lower()}
        faults = tuple(
            next((f"{fault} ({name})" for thing, name in names.items() if fault.endswith(f" {thing}")), fault)
            for fault in found.faults
        )
        return tuple(names.get(thing, thing) for thing in found.missing), faults

    def _warn_of_what_is_left_out(self, wanted: str, request: ImageRequest) -> None:
        vocabulary = vocabulary_of(self._seedx.info)
        if vocabulary is None:
            return
        asked = find_things(request.prompt.text, vocabulary)
        kinds = {thing.split()[-1] for thing in asked}
        left_out = [thing for thing in find_things(wanted, vocabulary) if thing.split()[-1] not in kinds]
        if left_out:
            self._warn(
                f"{request.where}: its image has room for {and_join(asked)} only; left out: {and_join(left_out)}"
            )


def fault_warnings(pages: Sequence[PageImage]) -> list[str]:
    """Return one sentence for each page whose image is not what it should show."""
    return [
        f"page {number}: the model sees {'; '.join(page.faults)}"
        for number, page in enumerate(pages, start=1)
        if page.faults
    ]
