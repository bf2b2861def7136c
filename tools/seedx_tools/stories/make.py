"""Illustrated stories: text from a planner and an image for each page, saved as HTML, PDF, a deck or a folder."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_sdk.imaging import ImageSource, open_image
from seedx_sdk.types import ImageField, Result
from seedx_sdk.validation import check_text
from seedx_tools.errors import ToolFailed
from seedx_tools.illustration.illustrator import Illustrator
from seedx_tools.illustration.prompts import vocabulary_of
from seedx_tools.stories.plan import StoryPageContent, StoryPlanner
from seedx_tools.stories.save import check_story_path, save_story
from seedx_tools.stories.template_planner import TemplateStoryPlanner
from seedx_tools.tool import Progress, result_fields

MAX_PAGES = 40
"""More pages are rejected: each costs an image."""


class StoryPage(BaseModel):
    """One page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    image: ImageField | None
    """None if the model failed to generate it; the story's warnings say why."""
    image_prompt: str
    """The prompt of the image; for a given first image, what the model sees in it."""


class Story(Result):
    """A story, saved if a path was given."""

    title: str
    pages: tuple[StoryPage, ...]
    path: Path | None


def tell_story(
    seedx: SeedX,
    prompt: str,
    *,
    pages: int = 6,
    path: str | os.PathLike[str] | None = None,
    first_image: ImageSource | None = None,
    seed: int = 0,
    planner: StoryPlanner | None = None,
    on_progress: Progress | None = None,
) -> Story:
    """Return a story with an image on every page.

    Args:
        seedx: Generates the images, and describes the first one if it is given.
        prompt: What the story is about: a hero, a place, a wish.
        pages: How many pages.
        path: Where to save it: .html (one file), .pdf, .pptx, or a new folder; None does not save.
        first_image: An image that the story starts from: it becomes the first page, and its hero the hero.
        seed: Seed of the first page's image; each further page adds one.
        planner: Writes the text; None: TemplateStoryPlanner, which needs no language model.
        on_progress: Called with (pages done, total pages, what is being done now).

    Raises:
        OutputPathError: If the path cannot be written.
        ImageError: If the first image cannot be read.
        PromptError: If the prompt is empty or not text.
        InputError: If pages is out of range.
        ToolFailed: If the planner gave no story, or one that is too long.
    """
    started = time.perf_counter()
    target = None if path is None else check_story_path(path)
    text = check_text(prompt, "prompt")
    if not 1 <= pages <= MAX_PAGES:
        raise InputError(f"pages is {pages}; use 1 to {MAX_PAGES}")
    warnings: list[str] = []
    given = None if first_image is None else open_image(first_image, on_warning=warnings.append)
    seen = None
    if given is not None:
        described = seedx.describe(given, seed=seed)
        seen = described.text
        warnings.extend(described.warnings)
    plan = (planner or TemplateStoryPlanner(vocabulary_of(seedx.info))).plan(text, pages, seen)
    warnings.extend(plan.warnings)
    if len(plan.pages) > MAX_PAGES:
        raise ToolFailed(f"the planner wrote {len(plan.pages)} pages, not {pages}; at most {MAX_PAGES} are allowed")
    if len(plan.pages) != pages:
        warnings.append(f"the planner wrote {len(plan.pages)} pages, not {pages}")
    illustrator = Illustrator(seedx, warnings.append, seed=seed)
    story_pages: list[StoryPage] = []
    for number, page in enumerate(plan.pages):
        if on_progress is not None:
            on_progress(number, len(plan.pages), page.text)
        if number == 0 and given is not None:
            story_pages.append(StoryPage(text=page.text, image=given, image_prompt=seen or ""))
            continue
        where = f"page {number + 1}"
        drawn, shows = illustrator.draw(page.picture, page.text, context=plan.title, number=number, where=where)
        story_pages.append(StoryPage(text=page.text, image=None if drawn is None else drawn.image, image_prompt=shows))
    illustrator.finish()
    if on_progress is not None:
        on_progress(len(plan.pages), len(plan.pages), "done")
    if target is not None:
        contents = [StoryPageContent(page.text, page.image, page.image_prompt) for page in story_pages]
        save_story(plan.title, plan.language, contents, target, warnings.append)
    return Story(
        title=plan.title,
        pages=tuple(story_pages),
        path=target,
        **result_fields(seedx, seed=seed, started=started, warnings=warnings),
    )
