"""Stories that the model's `story` specialist writes and draws by itself, page after page."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from PIL import Image

from seedx_sdk import ImagePart, ModelInfo, SeedX, TextPart
from seedx_sdk.options import ImageOptions
from seedx_sdk.types import ImageProgress
from seedx_tools.errors import ToolFailed
from seedx_tools.stories.plan import StoryPageContent
from seedx_tools.tool import Progress

SPECIALIST = "story"
_TITLE_CHARS = 60


def missing_storyteller(info: ModelInfo, *, wanted: bool | None) -> str | None:
    """Return the warning for a user who wants the specialist of a model that has none, otherwise None."""
    if not wanted or SPECIALIST in info.specialists:
        return None
    return (
        f"{info.name} has no {SPECIALIST} specialist, so the story follows a template; train one with "
        f"`seedx train {SPECIALIST}` and add it with `seedx export`"
    )


def title_of(prompt: str) -> str:
    """Return the title of a story that has none of its own: its prompt, shortened."""
    return textwrap.shorten(prompt, _TITLE_CHARS, placeholder=" ...").rstrip(".")


def tell_pages(
    seedx: SeedX,
    prompt: str,
    num_pages: int,
    first_image: Image.Image | None,
    *,
    options: ImageOptions,
    warn: Callable[[str], None],
    report: Progress,
) -> list[StoryPageContent]:
    """Return the pages of a story.

    The first one has the prompt as its text, and the given image or one that is generated from the prompt. The
    specialist continues from there.

    Raises:
        ToolFailed: If the model generated no image for the first page.
    """
    report(0, num_pages, prompt)
    if first_image is None:
        generated = seedx.generate(prompt, **options)
        for warning in generated.warnings:
            warn(warning)
        if generated.image is None:
            raise ToolFailed("the model generated no image for the first page; try another seed")
        first_image = generated.image
    pages = [StoryPageContent(prompt, first_image, prompt)]
    if num_pages > 1:
        done = 1

        def drawing(event: ImageProgress) -> None:
            nonlocal done
            if event.step == event.total:
                report(done, num_pages, "drawing")
                done += 1

        reply = seedx.continue_story(prompt, first_image, max_images=num_pages - 1, on_progress=drawing, **options)
        for warning in reply.warnings:
            warn(warning)
        text = ""
        for part in reply.message.content:
            if isinstance(part, TextPart):
                text = part.text
            elif isinstance(part, ImagePart):
                pages.append(StoryPageContent(text, part.image, text))
                text = ""
        if text:
            pages.append(StoryPageContent(text, None, ""))
    if len(pages) < num_pages:
        warn(f"the specialist ended the story after {len(pages)} pages, not {num_pages}")
    return pages
