"""The tool that tells illustrated stories."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Self, TypeAlias

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from seedx_sdk import SeedX
from seedx_tools.arguments import IMAGE_HELP, ImageRef, OutputPath
from seedx_tools.illustration.contact_sheet import contact_sheet
from seedx_tools.stories.make import MAX_PAGES, Story, tell_story
from seedx_tools.stories.own_pages import page_plans
from seedx_tools.stories.plan import Character, PagePlan
from seedx_tools.tool import Answer, Progress, SavingArgs, Tool


def _pages(value: object) -> int | tuple[PagePlan, ...]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return page_plans(value)
    number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MAX_PAGES:
        said = json.dumps(value, default=str)[:40]
        raise ValueError(f"{said} is not allowed; give a whole number from 1 to {MAX_PAGES}, or the pages themselves")
    return number


Pages: TypeAlias = Annotated[
    int | tuple[PagePlan, ...],
    PlainValidator(_pages),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MAX_PAGES},
                {"type": "array", "items": PagePlan.model_json_schema(), "minItems": 1, "maxItems": MAX_PAGES},
            ]
        }
    ),
]
"""How many pages, or the pages themselves."""


class TellStoryArgs(SavingArgs):
    """Arguments of tell_story."""

    prompt: str = Field(
        default="",
        description="What the story is about, in one sentence: a hero, a place, a wish. 'A red cat who wants to sail'. "
        "May be left out if you write the pages.",
    )
    pages: Pages = Field(
        default=6,
        description="Best: the pages that you write, each with its text and what its image shows; the words are kept. "
        "Or only the number of pages, for a story with a fixed plot.",
    )
    characters: tuple[Character, ...] = Field(
        default=(), description="With pages that you write: who is in the story and how they look, on every page alike."
    )
    title: str = Field(default="", description="The story's title. Left out, one is taken from the prompt.")
    language: str | None = Field(
        default=None, description="Language code of the text, such as 'he' or 'pt-BR'. Left out, its letters decide."
    )
    path: OutputPath | None = Field(
        default=None,
        description="Where to save the story: a path ending in .html, .pdf, .epub or .pptx, or a new folder. None: not "
        "saved.",
    )
    first_images: tuple[ImageRef, ...] = Field(
        default=(),
        description="Images that the story starts from: they become the first pages, and the hero of the first one the "
        f"hero. {IMAGE_HELP}",
    )
    check: bool = Field(
        default=True,
        description="Whether to look at each image, to draw it once more if something is missing, and to report that.",
    )
    seed: int = Field(default=0, ge=0, description="Another seed gives other images.")

    @model_validator(mode="after")
    def _told(self) -> Self:
        if not self.prompt.strip() and isinstance(self.pages, int):
            raise ValueError("give a prompt, or the pages that you write")
        return self


def run_tell_story(seedx: SeedX, args: TellStoryArgs, on_progress: Progress) -> Story:
    """Tell an illustrated story: pages of text, each with a generated image, optionally saved as a file.

    Write the pages yourself, and they are illustrated word for word, with the same characters on every page. From a
    prompt alone, the text follows a fixed plot around its hero, place and wish. Each image is looked at; the warnings
    say what it lacks.
    """
    return tell_story(
        seedx,
        args.prompt,
        pages=args.pages if "pages" in args.model_fields_set else None,  # a Markdown story has its own number
        characters=args.characters,
        title=args.title,
        language=args.language,
        path=args.path,
        first_images=args.first_images,
        check=args.check,
        seed=args.seed,
        on_progress=on_progress,
    )


def _answer(story: Story) -> Answer:
    lines = [story.title, *(f"{number}. {page.text}" for number, page in enumerate(story.pages, start=1))]
    if story.path is not None:
        lines.append(f"Saved as {story.path}.")
    return Answer("\n".join(lines), contact_sheet([page.image for page in story.pages if page.image is not None]))


TELL_STORY = Tool.of(run_tell_story, name="tell_story", args=TellStoryArgs, result=Story, answer=_answer)
