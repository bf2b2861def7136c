"""A storyteller: plans characters and scenes, draws them alike on every page, checks the images, and saves."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from PIL import Image
from pydantic import BaseModel, ConfigDict

from seedx_agents.storyteller.image_check import missing_subjects
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
from seedx_tools.tool import Progress, ignore_progress, result_fields

_SYSTEM_PROMPT = (
    "You write illustrated stories for children. First decide who is in the story and how each looks; then write the "
    "scenes, each with two or three short sentences, who is in its image, what else, and where. Every image shows "
    "at least one character. Write names and text in the language of the request, but looks, things and places in "
    "English."
)


class BookPage(BaseModel):
    """One page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scene: Scene
    image: ImageField | None = None
    """None until it is generated."""
    image_prompt: str = ""
    seed: int | None = None
    """The seed of the image."""
    missing: tuple[str, ...] = ()
    """Names of characters that the model did not see in the image."""


class Book(Result):
    """An illustrated story. As JSON it is complete, so that an unfinished book can be stored and resumed."""

    screenplay: Screenplay
    pages: tuple[BookPage, ...]

    @property
    def finished(self) -> bool:
        """Whether every page has its image."""
        return all(page.image is not None for page in self.pages)

    def save(self, path: str | os.PathLike[str]) -> tuple[Path, tuple[str, ...]]:
        """Write the story as .html (one file), .pdf, .pptx, or into a new folder; return the path and the warnings.

        Raises:
            OutputPathError: If it cannot be written there.
        """
        target, warnings = check_story_path(path), list[str]()
        contents = [StoryPageContent(page.scene.text, page.image, page.image_prompt) for page in self.pages]
        save_story(self.screenplay.title, self.screenplay.language, contents, target, warnings.append)
        return target, tuple(warnings)


class Storyteller:
    """Plans and illustrates stories.

    Args:
        seedx: Generates the images and checks them.
        chat_model: A LangChain chat model with structured output that writes the story. None: a fixed template around
            the prompt.
        seed: Seed of the first page; each further page adds 1, each further try 1000.
        num_inference_steps: Denoising steps of each image; None: the model's own.
        tries: Maximum number of images per page, until all its characters are seen; the best one is kept.
        retries: How often an unusable answer goes back to the chat model.

    Raises:
        InputError: If the seed or the tries are out of range.
        ToolFailed: If the chat model has no structured output.
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
        self._seedx, self._seed = seedx, check_seed(seed)
        self._num_inference_steps, self._tries = num_inference_steps, tries
        self._writer = None if chat_model is None else StructuredChat(chat_model, Screenplay, retries)
        self._scene_writer = None if chat_model is None else StructuredChat(chat_model, Scene, retries)

    def plan(self, prompt: str, pages: int = 6) -> Screenplay:
        """Return the story before it is illustrated.

        Raises:
            PromptError: If the prompt is empty or not text.
            InputError: If pages is out of range.
            ToolFailed: If the chat model failed or gave no valid story.
        """
        text = check_text(prompt, "prompt")
        if not 1 <= pages <= MAX_PAGES:
            raise InputError(f"pages is {pages}; use 1 to {MAX_PAGES}")
        vocabulary = vocabulary_of(self._seedx.info)
        if self._writer is None:
            return template_screenplay(text, pages, vocabulary, self._seedx.info.name)
        screenplay = self._writer(_SYSTEM_PROMPT + drawing_advice(vocabulary), f"{text}\n\n{pages} scenes.")
        count = len(screenplay.scenes)
        if count == pages:
            return screenplay
        if count > MAX_PAGES:
            raise ToolFailed(f"the chat model wrote {count} scenes, not {pages}; at most {MAX_PAGES} are allowed")
        return screenplay.model_copy(update={"warnings": (f"the chat model wrote {count} scenes, not {pages}",)})

    def illustrate(self, story: Screenplay | Book, *, on_progress: Progress = ignore_progress) -> Book:
        """Return the story with an image on every page; pages that have one stay as they are.

        If the model fails or is cancelled, the book holds what was generated so far and a warning; pass it to this
        method again to resume.

        Args:
            story: A plan, or an unfinished book.
            on_progress: Called with (pages done, total pages, the text of the current page).
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
                warnings.append(f"stopped at page {number + 1}: {error}; illustrate the book again to resume")
                break
        else:
            on_progress(len(pages), len(pages), "done")
        warnings += _missing_warnings(pages)
        return Book(
            screenplay=screenplay,
            pages=tuple(pages),
            **result_fields(self._seedx, seed=self._seed, started=started, warnings=warnings),
        )

    def tell(self, prompt: str, pages: int = 6, *, on_progress: Progress = ignore_progress) -> Book:
        """Plan and illustrate a story.

        Raises:
            SeedXError: As plan.
        """
        return self.illustrate(self.plan(prompt, pages), on_progress=on_progress)

    def _page(self, screenplay: Screenplay, page: BookPage, number: int, warnings: list[str]) -> BookPage:
        """Return the page with its image; if its scene cannot be drawn, the chat model rewrites it."""
        try:
            return self._draw(screenplay, page.scene, number, warnings)
        except ToolRetry as error:
            if self._scene_writer is None:
                raise ToolFailed(str(error)) from error
            prompt = f"{screenplay.model_dump_json()}\n\nScene {number + 1} cannot be drawn: {error}\nRewrite it."
            system_prompt = _SYSTEM_PROMPT + drawing_advice(vocabulary_of(self._seedx.info))
            return self._scene_writer.apply(
                system_prompt, prompt, lambda scene: self._draw(screenplay, scene, number, warnings)
            )

    def _draw(self, screenplay: Screenplay, scene: Scene, number: int, warnings: list[str]) -> BookPage:
        """Return the best of several tries, by the characters that the model sees in them.

        Raises:
            ToolRetry: If the scene is not a valid prompt.
            ToolFailed: If the model failed before there was any image.
        """
        try:
            screenplay.check(scene, "the scene")
        except ValueError as error:
            raise ToolRetry(str(error)) from error
        prompt = screenplay.image_prompt(scene, vocabulary_of(self._seedx.info))
        best: BookPage | None = None
        for attempt in range(self._tries):
            seed = self._seed + number + 1000 * attempt
            try:
                generated = GENERATE.run(
                    self._seedx, {"prompt": prompt, "seed": seed, "num_inference_steps": self._num_inference_steps}
                )
            except ToolFailed as error:
                if best is None:
                    raise
                warnings.append(f"page {number + 1} was not generated again: {error}")
                break
            warnings += generated.warnings
            if generated.image is None:
                continue
            missing = self._missing(screenplay, scene, generated.image)
            if best is None or len(missing) < len(best.missing):
                best = BookPage(scene=scene, image=generated.image, image_prompt=prompt, seed=seed, missing=missing)
            if not missing:
                break
        if best is None:
            raise ToolFailed(f"{self._seedx.info.name} generated no image of {prompt!r}; try another seed")
        return best

    def _missing(self, screenplay: Screenplay, scene: Scene, image: Image.Image) -> tuple[str, ...]:
        shown = screenplay.shown(scene)
        try:
            missing = missing_subjects(self._seedx, image, [character.looks for character in shown])
        except SeedXError:
            return tuple(character.name for character in shown)
        return tuple(character.name for character in shown if character.looks in missing)


def _missing_warnings(pages: Sequence[BookPage]) -> list[str]:
    return [
        f"page {number}: {' and '.join(page.missing)} could not be recognized in the image"
        for number, page in enumerate(pages, start=1)
        if page.missing
    ]
