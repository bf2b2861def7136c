"""The tool that points at things in a picture."""

from __future__ import annotations

from pydantic import Field

from seedx_sdk import SeedX
from seedx_sdk.types import Detection
from seedx_tools.tool import Tool, ToolArgs


class DetectArgs(ToolArgs):
    """Arguments of detect."""

    image: str = Field(description="The picture: a file path or a data URI (data:image/png;base64,...).")
    phrase: str = Field(
        min_length=1,
        description="What to find, as a noun phrase: 'the red house' for one thing, 'all houses' for every one.",
    )
    seed: int = Field(default=0, ge=0, description="Same seed, same answer.")


def detect(seedx: SeedX, args: DetectArgs) -> Detection:
    """Find things in a picture and return a box for each, in pixels and as shares of the width and height.

    The result also holds a copy of the picture with the boxes drawn on it. No box means that the model did not
    find the phrase in the picture.

    Raises:
        ImageError: The picture cannot be read.
        PromptError: The phrase is empty or too long.
    """
    return seedx.detect(args.image, args.phrase, seed=args.seed)


DETECT = Tool.of(detect, name="detect", args=DetectArgs, result=Detection)
