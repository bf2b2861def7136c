"""The tool that tells illustrated stories."""

from __future__ import annotations

from pydantic import Field

from seedx_sdk import SeedX
from seedx_tools.arguments import IMAGE_HELP, ImageRef, OutputPath
from seedx_tools.illustration.contact_sheet import contact_sheet
from seedx_tools.stories.make import MAX_PAGES, Story, tell_story
from seedx_tools.tool import Answer, Progress, SavingArgs, Tool


class TellStoryArgs(SavingArgs):
    """Arguments of tell_story."""

    prompt: str = Field(
        min_length=1,
        description="What the story is about, in one sentence: a hero, a place, a wish. 'A red cat who wants to sail'.",
    )
    pages: int = Field(default=6, ge=1, le=MAX_PAGES, description="Number of pages, each with an image.")
    path: OutputPath | None = Field(
        default=None,
        description="Where to save the story: a path ending in .html, .pdf or .pptx, or a new folder. None: not saved.",
    )
    first_image: ImageRef | None = Field(
        default=None, description=f"An image that the story starts from; it becomes the first page. {IMAGE_HELP}"
    )
    seed: int = Field(default=0, ge=0, description="Another seed gives other images.")


def run_tell_story(seedx: SeedX, args: TellStoryArgs, on_progress: Progress) -> Story:
    """Tell an illustrated story: pages of text, each with a generated image, optionally saved as a file.

    A model with a story specialist writes the text from the second page on. Without one, the text follows a fixed
    template around the hero and the place in the prompt.
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
