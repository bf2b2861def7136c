"""The tool that captions images and answers questions about them."""

from __future__ import annotations

from pydantic import Field

from seedx_sdk import SeedX
from seedx_sdk.options import SeedField
from seedx_sdk.types import Description
from seedx_tools.arguments import IMAGE_HELP, ImageRef
from seedx_tools.tool import Answer, Progress, Tool, ToolArgs


class DescribeArgs(ToolArgs, SeedField):
    """Arguments of describe."""

    images: tuple[ImageRef, ...] = Field(min_length=1, description=f"The images to look at, in order. {IMAGE_HELP}")
    question: str | None = Field(
        default=None,
        description="What to find out, as one plain question. Leave it out for a caption of the whole image.",
    )


def describe(seedx: SeedX, args: DescribeArgs, _on_progress: Progress) -> Description:
    """Caption one or more images, or answer a question about them.

    Use it also to count things and to read colors and positions. For coordinates use detect.

    Raises:
        ImageError: If an image cannot be read.
        PromptError: If the question is empty or too long.
    """
    images = args.images[0] if len(args.images) == 1 else list(args.images)
    return seedx.describe(images, args.question, seed=args.seed)


def _answer(result: Description) -> Answer:
    return Answer(result.text)


DESCRIBE = Tool.of(describe, name="describe", args=DescribeArgs, result=Description, answer=_answer, read_only=True)
