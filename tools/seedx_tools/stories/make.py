"""Illustrated stories: words from a planner, one picture for each page, saved as a page, a book, a deck or a folder."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_sdk.imaging import ImageSource, open_image
from seedx_sdk.types import ImageField, Result
from seedx_sdk.validation import check_text
from seedx_tools.arguments import IMAGE_HELP, ImageRef, OutputPath
from seedx_tools.errors import ToolFailed
from seedx_tools.illustration.contact_sheet import contact_sheet
from seedx_tools.illustration.illustrator import Illustrator
from seedx_tools.illustration.prompts import vocabulary_of
from seedx_tools.stories.plan import StoryPageContent, StoryPlan, StoryPlanner
from seedx_tools.stories.save import check_story_path, save_story
from seedx_tools.stories.template_planner import TemplateStoryPlanner
from seedx_tools.tool import Answer, Progress, Tool, ToolArgs

MAX_PAGES = 40
"""More is refused: each page costs a picture."""


class StoryPage(BaseModel):
    """One page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    image: ImageField | None
    """None when the model failed to draw it; the story's warnings say why."""
    picture_prompt: str
    """What the model was asked to draw; for a given first picture, what the model sees in it."""


class Story(Result):
    """A story that was told, and saved if a path was given."""

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
    """Return a story with a picture on every page.

    Args:
        seedx: Draws the pictures, and describes the first one if it is given.
        prompt: What the story is about: a hero, a place, a wish.
        pages: How many pages.
        path: Where to save it: .html (one file), .pdf, .pptx, or a new folder; None does not save.
        first_image: A picture that the story starts from: it becomes the first page, and its hero the hero.
        seed: Seed of the first page's picture; each further page adds one.
        planner: Writes the words; None: TemplateStoryPlanner, which needs no language model.
        on_progress: Called with (pages done, pages in all, what comes now).

    Raises:
        OutputPathError: The path cannot be written.
        ImageError: The first picture cannot be read.
        PromptError: The prompt is empty or not text.
        InputError: pages is out of range.
        ToolFailed: The planner gave no story.
    """
    started = time.perf_counter()
    target = None if path is None else check_story_path(path)
    words = check_text(prompt, "prompt")
    if not 1 <= pages <= MAX_PAGES:
        raise InputError(f"pages is {pages}; use 1 to {MAX_PAGES}")
    warnings: list[str] = []
    given = None if first_image is None else open_image(first_image, on_warning=warnings.append)
    seen = None
    if given is not None:
        described = seedx.describe(given, seed=seed)
        seen = described.text
        warnings.extend(described.warnings)
    plan = (planner or TemplateStoryPlanner(vocabulary_of(seedx.info))).plan(words, pages, seen)
    warnings.extend(plan.warnings)
    if len(plan.pages) > MAX_PAGES:
        raise ToolFailed(f"the planner wrote {len(plan.pages)} pages, not {pages}; at most {MAX_PAGES} are drawn")
    if len(plan.pages) != pages:
        warnings.append(f"the planner wrote {len(plan.pages)} pages, not {pages}")
    artist = Illustrator(seedx, warnings.append, seed=seed)
    told: list[StoryPage] = []
    for number, page in enumerate(plan.pages):
        if on_progress is not None:
            on_progress(number, len(plan.pages), page.text)
        if number == 0 and given is not None:
            told.append(StoryPage(text=page.text, image=given, picture_prompt=seen or ""))
            continue
        where = f"page {number + 1}"
        drawn, asked = artist.draw(page.picture, page.text, context=plan.title, number=number, where=where)
        told.append(StoryPage(text=page.text, image=None if drawn is None else drawn.image, picture_prompt=asked or ""))
    artist.finish()
    if on_progress is not None:
        on_progress(len(plan.pages), len(plan.pages), "done")
    if target is not None:
        _save(plan, told, target, warnings)
    return Story(
        title=plan.title,
        pages=tuple(told),
        path=target,
        seed=seed,
        model=seedx.info.name,
        revision=seedx.info.revision,
        timings={"total": time.perf_counter() - started},
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _save(plan: StoryPlan, pages: list[StoryPage], target: Path, warnings: list[str]) -> None:
    contents = [StoryPageContent(page.text, page.image, page.picture_prompt) for page in pages]
    save_story(plan.title, plan.language, contents, target, warnings.append)


class TellStoryArgs(ToolArgs):
    """Arguments of tell_story."""

    prompt: str = Field(
        min_length=1,
        description="What the story is about, in one sentence: a hero, a place, a wish. 'A red cat who wants to sail'.",
    )
    pages: int = Field(default=6, ge=1, le=MAX_PAGES, description="Number of pages, each with a picture.")
    path: OutputPath | None = Field(
        default=None,
        description="Where to save the story: a path that ends in .html, .pdf or .pptx, or a new folder. Optional.",
    )
    first_image: ImageRef | None = Field(
        default=None, description=f"A picture that the story starts from; it becomes the first page. {IMAGE_HELP}"
    )
    seed: int = Field(default=0, ge=0, description="Change it to get other pictures.")


def run_tell_story(seedx: SeedX, args: TellStoryArgs, on_progress: Progress) -> Story:
    """Tell an illustrated story: pages of text, each with a drawn picture, optionally saved as a file.

    The words follow a simple frame around the hero and the place in the prompt.
    """
    return tell_story(
        seedx,
        args.prompt,
        pages=args.pages,
        path=args.path,
        first_image=args.first_image,
        seed=args.seed,
        on_progress=on_progress,
    )


def _answer(story: Story) -> Answer:
    lines = [story.title, *(f"{number}. {page.text}" for number, page in enumerate(story.pages, start=1))]
    if story.path is not None:
        lines.append(f"Saved as {story.path}.")
    return Answer("\n".join(lines), contact_sheet([page.image for page in story.pages if page.image is not None]))


TELL_STORY = Tool.of(run_tell_story, name="tell_story", args=TellStoryArgs, result=Story, answer=_answer)
