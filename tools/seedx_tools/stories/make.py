"""Illustrated stories: text from a planner and an image for each page, saved as HTML, PDF, a deck or a folder."""

from __future__ import annotations

import os
import time
from pathlib import Path

from PIL import Image
from pydantic import BaseModel, ConfigDict

from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_sdk.imaging import ImageSource, open_image
from seedx_sdk.types import ImageField, Result
from seedx_sdk.validation import check_text
from seedx_tools.errors import ToolFailed
from seedx_tools.illustration.illustrator import Illustrator
from seedx_tools.illustration.prompts import vocabulary_of
from seedx_tools.stories.plan import StoryPageContent, StoryPlan, StoryPlanner
from seedx_tools.stories.save import check_story_path, save_story
from seedx_tools.stories.specialist import SPECIALIST, missing_storyteller, tell_pages, title_of
from seedx_tools.stories.template_planner import TemplateStoryPlanner
from seedx_tools.tool import Progress, ignore_progress, result_fields

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
    specialist: bool | None = None,
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
        specialist: Whether the model's `story` specialist writes and draws the pages after the first, whose text is the
            prompt; with True its absence is a warning. None: if the model has one, and no planner is given.
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
    report = on_progress or ignore_progress
    if (missing := missing_storyteller(seedx.info, wanted=specialist)) is not None:
        warnings.append(missing)
    tells = SPECIALIST in seedx.info.specialists and (planner is None if specialist is None else specialist)
    if tells:
        title, language = title_of(text), "en"
        contents = tell_pages(seedx, text, pages, given, seed=seed, warn=warnings.append, report=report)
    else:
        plan, seen = _planned(seedx, text, pages, given, planner, seed, warnings)
        title, language = plan.title, plan.language
        contents = _illustrated(seedx, plan, given, seen, seed, warnings, report)
    report(len(contents), len(contents), "done")
    if target is not None:
        save_story(title, language, contents, target, warnings.append)
    return Story(
        title=title,
        pages=tuple(StoryPage(text=page.text, image=page.image, image_prompt=page.alt) for page in contents),
        path=target,
        **result_fields(seedx, seed=seed, started=started, warnings=warnings),
    )


def _planned(
    seedx: SeedX,
    text: str,
    num_pages: int,
    given: Image.Image | None,
    planner: StoryPlanner | None,
    seed: int,
    warnings: list[str],
) -> tuple[StoryPlan, str]:
    """Return the plan of a story, and what the model sees in the image that it starts from."""
    seen = None
    if given is not None:
        described = seedx.describe(given, seed=seed)
        seen = described.text
        warnings.extend(described.warnings)
    plan = (planner or TemplateStoryPlanner(vocabulary_of(seedx.info))).plan(text, num_pages, seen)
    warnings.extend(plan.warnings)
    if len(plan.pages) > MAX_PAGES:
        raise ToolFailed(f"the planner wrote {len(plan.pages)} pages, not {num_pages}; at most {MAX_PAGES} are allowed")
    if len(plan.pages) != num_pages:
        warnings.append(f"the planner wrote {len(plan.pages)} pages, not {num_pages}")
    return plan, seen or ""


def _illustrated(
    seedx: SeedX,
    plan: StoryPlan,
    given: Image.Image | None,
    seen: str,
    seed: int,
    warnings: list[str],
    report: Progress,
) -> list[StoryPageContent]:
    """Return the pages of a plan with an image generated for each, but the first if its image is given."""
    illustrator = Illustrator(seedx, warnings.append, seed=seed)
    contents: list[StoryPageContent] = []
    for number, page in enumerate(plan.pages):
        report(number, len(plan.pages), page.text)
        if number == 0 and given is not None:
            contents.append(StoryPageContent(page.text, given, seen))
            continue
        where = f"page {number + 1}"
        drawn, shows = illustrator.draw(page.picture, page.text, context=plan.title, number=number, where=where)
        contents.append(StoryPageContent(page.text, None if drawn is None else drawn.image, shows))
    illustrator.finish()
    return contents
