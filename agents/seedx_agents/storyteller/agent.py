"""A storyteller: plans characters and scenes, draws them alike on every page, looks at what it drew, and saves."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from PIL import Image
from pydantic import BaseModel, ConfigDict

from seedx_agents.storyteller.image_check import missing_from
from seedx_agents.storyteller.screenplay import Scene, Screenplay, template_screenplay
from seedx_sdk import SeedX
from seedx_sdk.errors import InputError, SeedXError
from seedx_sdk.options import check_seed
from seedx_sdk.types import ImageField, Result
from seedx_sdk.validation import check_text
from seedx_tools.catalog.generate import GENERATE
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.illustration.prompts import drawing_advice, vocabulary_of
from seedx_tools.stories.make import MAX_PAGES
from seedx_tools.stories.plan import StoryPageContent
from seedx_tools.stories.save import check_story_path, save_story
from seedx_tools.structured_output import StructuredChat
from seedx_tools.tool import Progress, ignore_progress

_SYSTEM_PROMPT = (
    "You write illustrated stories for children. First decide who is in the story and how each looks; then write the "
    "scenes, each with two or three short sentences, who is in its picture, what else, and where. Every picture shows "
    "at least one character. Write names and text in the language of the request, but looks, things and places in "
    "English."
)


class BookPage(BaseModel):
    """One page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scene: Scene
    image: ImageField | None = None
    """None until it is drawn."""
    picture_prompt: str = ""
    seed: int | None = None
    """The seed that drew the picture."""
    missing: tuple[str, ...] = ()
    """Names of characters that the model did not see in the picture when it looked."""


class Book(Result):
    """An illustrated story. As JSON it holds everything, so it can be kept and gone on with."""

    screenplay: Screenplay
    pages: tuple[BookPage, ...]

    @property
    def finished(self) -> bool:
        """Whether every page has its picture."""
        return all(page.image is not None for page in self.pages)

    def save(self, path: str | os.PathLike[str]) -> tuple[Path, tuple[str, ...]]:
        """Write the story as .html (one file), .pdf, .pptx, or into a new folder; return where, and warnings.

        Raises:
            OutputPathError: It cannot be written there.
        """
        target, warnings = check_story_path(path), list[str]()
        contents = [StoryPageContent(page.scene.text, page.image, page.picture_prompt) for page in self.pages]
        save_story(self.screenplay.title, self.screenplay.language, contents, target, warnings.append)
        return target, tuple(warnings)


class Storyteller:
    """Plans and draws stories.

    Args:
        seedx: Draws, and looks at what it drew.
        chat_model: A LangChain chat model with structured output, which writes. None: a fixed frame around the prompt.
        seed: Seed of the first page; each further page adds one, each further try 1000.
        num_inference_steps: Denoising steps of each picture; None: the model's own.
        tries: How often a page is drawn at most, until all its characters are seen in it; the best try is kept.
        retries: How often an answer of the head that cannot be used goes back to it.

    Raises:
        InputError: The seed or the tries are out of range.
        ToolFailed: The chat model has no structured output.
    """

    def __init__(
        self,
        seedx: SeedX,
        chat_model: BaseChatModel | None = None,
        *,
        seed: int = 0,
        num_inference_steps: int | None = None,
        tries: int = 3,
        retries: int = 2,
    ) -> None:
        if not 1 <= tries <= 20:
            raise InputError(f"tries is {tries}; use 1 to 20")
        self._seedx, self._seed, self._num_inference_steps, self._tries = (
            seedx,
            check_seed(seed),
            num_inference_steps,
            tries,
        )
        self._write = None if chat_model is None else StructuredChat(chat_model, Screenplay, retries)
        self._mend = None if chat_model is None else StructuredChat(chat_model, Scene, retries)

    def plan(self, prompt: str, pages: int = 6) -> Screenplay:
        """Return the story in words.

        Raises:
            PromptError: The prompt is empty or not text.
            InputError: pages is out of range.
            ToolFailed: The head gave no valid story in all its tries.
        """
        words = check_text(prompt, "prompt")
        if not 1 <= pages <= MAX_PAGES:
            raise InputError(f"pages is {pages}; use 1 to {MAX_PAGES}")
        vocabulary = vocabulary_of(self._seedx.info)
        if self._write is None:
            return template_screenplay(words, pages, vocabulary, self._seedx.info.name)
        written = self._write(_SYSTEM_PROMPT + drawing_advice(vocabulary), f"{words}\n\n{pages} scenes.")
        if len(written.scenes) == pages:
            return written
        if len(written.scenes) > MAX_PAGES:
            raise ToolFailed(f"the head wrote {len(written.scenes)} scenes, not {pages}; at most {MAX_PAGES} are drawn")
        warning = f"the storyteller wrote {len(written.scenes)} scenes, not {pages}"
        return written.model_copy(update={"warnings": (warning,)})

    def illustrate(self, story: Screenplay | Book, *, on_progress: Progress = ignore_progress) -> Book:
        """Return the story with a picture on every page; what a book has already stays as it is.

        When the model fails, or is cancelled, the book holds what was drawn so far and a warning; give it to this
        method again to go on.

        Args:
            story: A plan, or a book that is not finished.
            on_progress: Called with (pages done, pages in all, what is drawn now).
        """
        started = time.perf_counter()
        screenplay = story.screenplay if isinstance(story, Book) else story
        pages = list(story.pages if isinstance(story, Book) else [BookPage(scene=scene) for scene in screenplay.scenes])
        warnings = list(screenplay.warnings)
        for number, page in enumerate(pages):
            if page.image is not None:
                continue
            on_progress(number, len(pages), page.scene.text)
            try:
                pages[number] = self._page(screenplay, page, number, warnings)
            except ToolFailed as error:
                warnings.append(f"stopped at page {number + 1}: {error}; illustrate the book again to go on")
                break
        else:
            on_progress(len(pages), len(pages), "done")
        warnings += _not_seen(pages)
        return Book(
            screenplay=screenplay,
            pages=tuple(pages),
            seed=self._seed,
            model=self._seedx.info.name,
            revision=self._seedx.info.revision,
            timings={"total": time.perf_counter() - started},
            warnings=tuple(dict.fromkeys(warnings)),
        )

    def tell(self, prompt: str, pages: int = 6, *, on_progress: Progress = ignore_progress) -> Book:
        """Return plan() and illustrate() in one.

        Raises:
            As plan.
        """
        return self.illustrate(self.plan(prompt, pages), on_progress=on_progress)

    def _page(self, screenplay: Screenplay, page: BookPage, number: int, warnings: list[str]) -> BookPage:
        """The page with its picture; when its scene cannot be drawn, the head is asked for another."""
        try:
            return self._draw(screenplay, page.scene, number, warnings)
        except ToolRetry as error:
            if self._mend is None:
                raise ToolFailed(str(error)) from error
            request = f"{screenplay.model_dump_json()}\n\nScene {number + 1} cannot be drawn: {error}\nWrite it anew."
            system_prompt = _SYSTEM_PROMPT + drawing_advice(vocabulary_of(self._seedx.info))
            return self._mend.used(
                system_prompt, request, lambda scene: self._draw(screenplay, scene, number, warnings)
            )

    def _draw(self, screenplay: Screenplay, scene: Scene, number: int, warnings: list[str]) -> BookPage:
        """The best of several tries, by the characters that the model sees in it.

        Raises:
            ToolRetry: The scene cannot be drawn as it is written.
            ToolFailed: The model failed before there was any picture.
        """
        try:
            screenplay.check(scene, "the scene")
        except ValueError as error:
            raise ToolRetry(str(error)) from error
        prompt = screenplay.picture(scene, vocabulary_of(self._seedx.info))
        best: BookPage | None = None
        for attempt in range(self._tries):
            seed = self._seed + number + 1000 * attempt
            try:
                drawn = GENERATE.run(
                    self._seedx, {"prompt": prompt, "seed": seed, "num_inference_steps": self._num_inference_steps}
                )
            except ToolFailed as error:
                if best is None:
                    raise
                warnings.append(f"page {number + 1} was not tried again: {error}")
                break
            warnings += drawn.warnings
            if drawn.image is None:
                continue
            missing = self._missing(screenplay, scene, drawn.image)
            if best is None or len(missing) < len(best.missing):
                best = BookPage(scene=scene, image=drawn.image, picture_prompt=prompt, seed=seed, missing=missing)
            if not missing:
                break
        if best is None:
            raise ToolFailed(f"{self._seedx.info.name} drew no picture of {prompt!r}; try another seed")
        return best

    def _missing(self, screenplay: Screenplay, scene: Scene, picture: Image.Image) -> tuple[str, ...]:
        shown = screenplay.shown(scene)
        try:
            missing = missing_from(self._seedx, picture, [character.looks for character in shown])
        except SeedXError:
            return tuple(character.name for character in shown)
        return tuple(character.name for character in shown if character.looks in missing)


def _not_seen(pages: Sequence[BookPage]) -> list[str]:
    return [
        f"page {number}: {' and '.join(page.missing)} could not be made out in the picture"
        for number, page in enumerate(pages, start=1)
        if page.missing
    ]
