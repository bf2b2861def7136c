"""The tool that reads pictures: what is there, and answers to questions."""

from __future__ import annotations

from pydantic import Field

from seedx_sdk import SeedX
from seedx_sdk.options import SeedField
from seedx_sdk.types import Description
from seedx_tools.arguments import IMAGE_HELP, ImageRef
from seedx_tools.tool import Answer, Progress, Tool, ToolArgs


class DescribeArgs(ToolArgs, SeedField):
    """Arguments of describe."""

    images: tuple[ImageRef, ...] = Field(min_length=1, description=f"The pictures to look at, in order. {IMAGE_HELP}")
    question: str | None = Field(
        default=None,
        description="What to find out, as one plain question. Leave out for a description of the whole picture.",
    )


def describe(seedx: SeedX, args: DescribeArgs, _on_progress: Progress) -> Description:
    """Say in words what is in one or more pictures, or answer a question about them.

    Use it to caption, to count, to read colours and positions. To get coordinates use detect.

    Raises:
        ImageError: A picture cannot be read.
        PromptError: The question is empty or too long.
    """
    images = args.images[0] if len(args.images) == 1 else list(args.images)
    return seedx.describe(images, args.question, seed=args.seed)


DESCRIBE = Tool.of(
    describe, name="describe", args=DescribeArgs, result=Description, answer=lambda result: Answer(result.text)
)
