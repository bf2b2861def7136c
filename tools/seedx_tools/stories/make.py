"""Illustrated stories: text from a planner, or the caller's own, and a checked image on every page."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

from PIL import Image
from pydantic import ValidationError

from seedx_sdk import SeedX
from seedx_sdk.errors import GenerationCancelled, InputError, SeedXError
from seedx_sdk.imaging import ImageSource, open_image
from seedx_sdk.options import ImageOptions
from seedx_sdk.types import Result
from seedx_sdk.validation import check_text, open_images
from seedx_tools.errors import ToolFailed
from seedx_tools.illustration.prompts import in_color, vocabulary_of
from seedx_tools.stories.cast import with_cast
from seedx_tools.stories.formats.fonts import check_font
from seedx_tools.stories.idea import pages_named_in
from seedx_tools.stories.illustrate import PageImage, StoryIllustrator, fault_warnings
from seedx_tools.stories.language import check_language, story_language
from seedx_tools.stories.own_pages import PageLike, is_markdown_story, markdown_story, page_plans
from seedx_tools.stories.plan import MAX_PAGES, Character, PagePlan, StoryPageContent, StoryPlan, StoryPlanner
from seedx_tools.stories.save import check_characters, check_story_path, save_story
from seedx_tools.stories.specialist import SPECIALIST, missing_storyteller, tell_pages, title_of
from seedx_tools.stories.template_planner import TemplateStoryPlanner
from seedx_tools.tool import Progress, ignore_progress, result_fields

__all__ = ["MAX_PAGES", "Story", "StoryPage", "tell_story"]

DEFAULT_NUM_PAGES = 6
CharacterLike: TypeAlias = Character | Mapping[str, str]


class StoryPage(PageImage):
    """One page."""

    text: str


class Story(Result):
    """A story, saved if a path was given."""

    title: str
    language: str = "en"
    """BCP 47 code of the text."""
    characters: tuple[Character, ...] = ()
    """Whom the images show, and how."""
    pages: tuple[StoryPage, ...]
    path: Path | None


def tell_story(
    seedx: SeedX,
    prompt: str = "",
    *,
    pages: int | Sequence[PageLike] | None = None,
    characters: Sequence[CharacterLike] = (),
    title: str = "",
    language: str | None = None,
    path: str | os.PathLike[str] | None = None,
    font: str | os.PathLike[str] | None = None,
    first_images: ImageSource | Sequence[ImageSource] = (),
    seed: int = 0,
    planner: StoryPlanner | None = None,
    specialist: bool | None = None,
    tries: int = 2,
    check: bool = True,
    num_inference_steps: int | None = None,
    on_progress: Progress | None = None,
) -> Story:
    """Return a story with an image on every page.

    Args:
        seedx: Generates the images, looks at them, and describes the first ones if they are given.
        prompt: What the story is about: a hero, a place, a wish. Or a whole story in Markdown, whose words are kept: a
            `# title`, pages that begin with `## Page` or `---`, and `![what the image shows](draw)` in them. May be
            left out with pages of your own.
        pages: How many pages (1 to 40; None: as many as a Markdown story has or the prompt says, else 6), or the pages
            themselves: each a PagePlan, a mapping with text, picture and characters, or only a text, kept as it is.
        characters: Who is in the story and how they look, for pages of your own that name them.
        title: The story's title; empty: the planner's, or one from the prompt.
        language: BCP 47 code of the text, such as "he" or "pt-BR"; None: the planner's, or by the letters of the text.
        path: Where to save it: .html (one file), .pdf, .epub, .pptx, or a new folder; None does not save.
        font: A .ttf, .otf or .ttc file for .pdf and .pptx; None: what this machine has.
        first_images: Images that the story starts from: they become the first pages, the hero of the first the hero.
        seed: Seed of the first page's image; each further page adds 1, each further try 1000.
        planner: Writes the text; None: TemplateStoryPlanner, which needs no language model.
        specialist: Whether the model's `story` specialist writes and draws the pages after the first, whose text is the
            prompt; with True its absence is a warning. None: if the model has one, and no planner or text is given.
        tries: Maximum number of images of a page, 1 to 20: until the model sees in it what it should show. The best
            one is kept, and a warning says what is missing, or was drawn instead.
        check: Whether the model looks at every image, which costs one description of each.
        num_inference_steps: Denoising steps of each image; None: the model's own.
        on_progress: Called with (pages done, total pages, what is being done now).

    Raises:
        OutputPathError: If the path cannot be written.
        ImageError: If a first image cannot be read.
        PromptError: If the prompt is empty or not text, and there are no pages of your own.
        InputError: If an option is out of range, a page is not valid (the message names the page), or no font has the
            letters of a .pdf.
        ToolFailed: If the planner gave no story, or one that is too long.
    """
    started = time.perf_counter()
    target, face = None if path is None else check_story_path(path), check_font(font)
    if language is not None:
        check_language(language)
    warnings: list[str] = []
    own = _own_plan(prompt, pages, characters, title, warnings)
    num_pages = pages if isinstance(pages, int) else pages_named_in(prompt) or DEFAULT_NUM_PAGES
    given = open_images(first_images, partial(open_image, on_warning=warnings.append))
    if len(given) > (limit := num_pages if own is None else len(own.pages)):
        raise InputError(f"first_images has {len(given)} images for {limit} pages; give at most one for each page")
    report = on_progress or ignore_progress
    if (missing := missing_storyteller(seedx.info, wanted=specialist)) is not None:
        warnings.append(missing)
    tells = SPECIALIST in seedx.info.specialists and (planner is None if specialist is None else specialist)
    illustrator = StoryIllustrator(
        seedx, warnings.append, seed=seed, tries=tries, check=check, num_inference_steps=num_inference_steps
    )
    if own is None and tells:
        check_characters(title or title_of(prompt), [prompt], target, face)
        options: ImageOptions = {"seed": seed, "num_inference_steps": num_inference_steps}
        plan, contents = _told(seedx, prompt, num_pages, given, illustrator, options, warnings, report)
    else:
        seen = [_seen(seedx, image, seed, warnings) for image in given]
        plan = with_cast(own or _planned(seedx, prompt, num_pages, seen, planner), vocabulary_of(seedx.info))
        warnings.extend(plan.warnings)
        check_characters(title or plan.title, [page.text for page in plan.pages], target, face)
        first = [PageImage(image=image, image_prompt=text) for image, text in zip(given, seen, strict=True)]
        contents = _illustrated(plan, first, illustrator, warnings, report)
    illustrator.finish()
    report(len(contents), len(contents), "done")
    warnings.extend(fault_warnings(contents))
    title = title or plan.title
    language = story_language("\n".join((title, *(page.text for page in contents))), plan.language, language)
    if target is not None:
        saved = [StoryPageContent(page.text, page.image, page.image_prompt) for page in contents]
        save_story(title, language, saved, target, warnings.append, font=face)
    return Story(
        title=title,
        language=language,
        characters=plan.characters,
        pages=tuple(contents),
        path=target,
        **result_fields(seedx, seed=seed, started=started, warnings=warnings),
    )


def _own_plan(
    prompt: str,
    pages: int | Sequence[PageLike] | None,
    characters: Sequence[CharacterLike],
    title: str,
    warnings: list[str],
) -> StoryPlan | None:
    """Return the story that the caller wrote; None if there is only a prompt."""
    if pages is not None and not isinstance(pages, int):
        plans = page_plans(pages)
        text = check_text(prompt, "prompt") if prompt else plans[0].text
        plan = StoryPlan(title=title or title_of(text), pages=plans)
    else:
        check_text(prompt, "prompt")
        if pages is not None and not 1 <= pages <= MAX_PAGES:
            raise InputError(f"pages is {pages}; use 1 to {MAX_PAGES}")
        if not is_markdown_story(prompt):
            if characters:
                raise InputError("characters belong to pages of your own; without them, name the hero in the prompt")
            return None
        plan = markdown_story(prompt)
        if pages not in (None, len(plan.pages)):
            warnings.append(f"the story has {len(plan.pages)} pages of its own, not {pages}")
    for number, page in enumerate(plan.pages, start=1):
        check_text(page.text, f"page {number}: text")
        check_text(page.picture.strip() or page.text, f"page {number}: picture")
    try:
        cast = tuple(Character.model_validate(character) for character in characters)
    except ValidationError as error:
        raise InputError("each of characters needs a name and looks, such as Mina and 'a red cat'") from error
    return plan.model_copy(update={"characters": cast})


def _planned(seedx: SeedX, prompt: str, num_pages: int, seen: Sequence[str], planner: StoryPlanner | None) -> StoryPlan:
    """Return the plan of a story that starts from images in which the model sees this."""
    text, lines = check_text(prompt, "prompt"), "\n".join(" ".join(line.split()) for line in seen) or None
    plan = (planner or TemplateStoryPlanner(vocabulary_of(seedx.info))).plan(text, num_pages, lines)
    if len(plan.pages) > MAX_PAGES:
        raise ToolFailed(f"the planner wrote {len(plan.pages)} pages, not {num_pages}; at most {MAX_PAGES} are allowed")
    if len(plan.pages) != num_pages:
        warning = f"the planner wrote {len(plan.pages)} pages, not {num_pages}"
        plan = plan.model_copy(update={"warnings": (*plan.warnings, warning)})
    return plan


def _seen(seedx: SeedX, image: Image.Image, seed: int, warnings: list[str]) -> str:
    described = seedx.describe(image, seed=seed)
    warnings.extend(described.warnings)
    return described.text


def _illustrated(
    plan: StoryPlan,
    first: Sequence[PageImage],
    illustrator: StoryIllustrator,
    warnings: list[str],
    report: Progress,
) -> list[StoryPage]:
    """Return the pages of a plan: the first ones with the given images, the others with generated ones."""
    pages: list[StoryPage] = []
    for number, page in enumerate(plan.pages):
        report(number, len(plan.pages), page.text)
        drawn = first[number] if number < len(first) else _drawn(plan, page, number, illustrator, warnings)
        pages.append(StoryPage(text=page.text, **dict(drawn)))
    return pages


def _drawn(
    plan: StoryPlan, page: PagePlan, number: int, illustrator: StoryIllustrator, warnings: list[str]
) -> PageImage:
    """Return the image of a page; without one, and with a warning, if the model failed."""
    try:
        return illustrator.draw(page, plan.characters, number, plan.title)
    except GenerationCancelled:
        raise
    except SeedXError as error:
        warnings.append(f"page {number + 1}: its image failed and was left out: {error}")
        return PageImage()


def _told(
    seedx: SeedX,
    prompt: str,
    num_pages: int,
    given: Sequence[Image.Image],
    illustrator: StoryIllustrator,
    options: ImageOptions,
    warnings: list[str],
    report: Progress,
) -> tuple[StoryPlan, list[StoryPage]]:
    """Return the story of the model's specialist, whose images are checked for what their texts name in color."""
    text = check_text(prompt, "prompt")
    if len(given) > 1:
        warnings.append(f"the story specialist continues one image; the other {len(given) - 1} are not used")
    first = given[0] if given else None
    told = tell_pages(seedx, text, num_pages, first, options=options, warn=warnings.append, report=report)
    pages = list[StoryPage]()
    for number, page in enumerate(told):
        image = PageImage(image=page.image, image_prompt=page.alt)
        if page.image is not None and not (given and number == 0):
            image = illustrator.checked(image, in_color(page.text, vocabulary_of(seedx.info)), (), number)
        pages.append(StoryPage(text=page.text, **dict(image)))
    plan = StoryPlan(title=title_of(text), pages=tuple(PagePlan(text=page.text or "...") for page in pages))
    return plan, pages
