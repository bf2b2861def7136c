"""A storyteller: a chat model writes characters and scenes, rewrites what cannot be drawn, and may be interrupted.

Pages are drawn and checked as in `seedx_tools.tell_story`, which needs no chat model.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from seedx_sdk import SeedX
from seedx_sdk.errors import InputError, SeedXError
from seedx_sdk.options import check_seed
from seedx_sdk.types import Result
from seedx_sdk.validation import check_text
from seedx_tools.chat_models import ChatModel
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.illustration.prompts import drawing_advice, vocabulary_of
from seedx_tools.stories.cast import with_cast
from seedx_tools.stories.illustrate import PageImage, StoryIllustrator, fault_warnings
from seedx_tools.stories.language import story_language
from seedx_tools.stories.plan import MAX_PAGES, StoryPageContent
from seedx_tools.stories.save import check_story_path, save_story
from seedx_tools.stories.screenplay import Scene, Screenplay
from seedx_tools.stories.template_planner import TemplateStoryPlanner
from seedx_tools.structured_output import StructuredChat
from seedx_tools.tool import Progress, ignore_progress, result_fields

_SYSTEM_PROMPT = (
    "You write illustrated stories for children. First decide who is in the story and how each looks; then write the "
    "scenes, each with two or three short sentences, who is in its image, what else, and where. Every image shows "
    "at least one character. Write names and text in the language of the request, but looks, things and places in "
    "English."
)


class BookPage(PageImage):
    """One page."""

    scene: Scene


class Book(Result):
    """An illustrated story. As JSON it is complete, so that an unfinished book can be stored and resumed."""

    screenplay: Screenplay
    pages: tuple[BookPage, ...]

    @property
    def finished(self) -> bool:
        """Whether every page has its image."""
        return all(page.image is not None for page in self.pages)

    @property
    def language(self) -> str:
        """BCP 47 code of the text."""
        text = "\n".join((self.screenplay.title, *(page.scene.text for page in self.pages)))
        return story_language(text, self.screenplay.language)

    def save(
        self, path: str | os.PathLike[str], *, font: str | os.PathLike[str] | None = None
    ) -> tuple[Path, tuple[str, ...]]:
        """Write the story as .html, .pdf, .epub, .pptx, or into a new folder; return the path and the warnings.

        Args:
            path: The file or folder.
            font: A .ttf, .otf or .ttc file for .pdf and .pptx; None: what this machine has.

        Raises:
            OutputPathError: If it cannot be written there.
            InputError: If no font has the letters of a .pdf.
        """
        target, warnings = check_story_path(path), list[str]()
        contents = [StoryPageContent(page.scene.text, page.image, page.image_prompt) for page in self.pages]
        save_story(self.screenplay.title, self.language, contents, target, warnings.append, font=font)
        return target, tuple(warnings)


class Storyteller:
    """Plans and illustrates stories.

    Args:
        seedx: Generates the images and checks them.
        chat_model: A LangChain chat model with structured output that writes the story. None: a fixed plot around the
            prompt.
        seed: Seed of the first page; each further page adds 1, each further try 1000.
        num_inference_steps: Denoising steps of each image; None: the model's own.
        tries: Maximum number of images per page, 1 to 20, until all its characters and things are seen; the best one
            is kept.
        check: Whether the model looks at every image, which costs one description of each.
        retries: How often an unusable answer goes back to the chat model.

    Raises:
        InputError: If the seed or the tries are out of range.
        ToolFailed: If the chat model has no structured output.
    """

    def __init__(
        self,
        seedx: SeedX,
        chat_model: ChatModel | None = None,
        *,
        seed: int = 0,
        num_inference_steps: int | None = None,
        tries: int = 3,
        check: bool = True,
        retries: int = 2,
    ) -> None:
        self._seedx, self._seed = seedx, check_seed(seed)
        self._num_inference_steps, self._tries, self._check = num_inference_steps, tries, check
        self._illustrator([])  # checks the tries
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
            plan = TemplateStoryPlanner(vocabulary).plan(text, pages, None)
            return Screenplay.of(with_cast(plan, vocabulary))
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
        warnings: list[str] = list(with_cast(screenplay.plan(), vocabulary_of(self._seedx.info)).warnings)
        illustrator = self._illustrator(warnings)
        for number, page in enumerate(pages):
            if page.image is not None:
                continue
            on_progress(number, len(pages), page.scene.text)
            try:
                pages[number] = self._page(screenplay, page.scene, number, illustrator)
            except SeedXError as error:
                warnings.append(f"stopped at page {number + 1}: {error}; illustrate the book again to resume")
                break
        else:
            on_progress(len(pages), len(pages), "done")
        illustrator.finish()
        warnings += fault_warnings(pages)
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

    def _illustrator(self, warnings: list[str]) -> StoryIllustrator:
        return StoryIllustrator(
            self._seedx,
            warnings.append,
            seed=self._seed,
            tries=self._tries,
            check=self._check,
            num_inference_steps=self._num_inference_steps,
        )

    def _page(self, screenplay: Screenplay, scene: Scene, number: int, illustrator: StoryIllustrator) -> BookPage:
        """Return the scene with its image; if it cannot be drawn, the chat model rewrites it."""

        def draw(scene: Scene) -> BookPage:
            try:
                screenplay.check(scene, "the scene")
                plan = with_cast(screenplay.plan(), vocabulary_of(self._seedx.info))
                image = illustrator.draw(scene.page(), plan.characters, number, screenplay.title)
            except (ValueError, InputError) as error:
                raise ToolRetry(str(error)) from error
            return BookPage(scene=scene, **dict(image))

        try:
            return draw(scene)
        except ToolRetry as error:
            if self._scene_writer is None:
                raise
            prompt = f"{screenplay.model_dump_json()}\n\nScene {number + 1} cannot be drawn: {error}\nRewrite it."
            system_prompt = _SYSTEM_PROMPT + drawing_advice(vocabulary_of(self._seedx.info))
            return self._scene_writer.apply(system_prompt, prompt, draw)
