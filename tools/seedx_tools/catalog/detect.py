"""The tool that finds things in an image."""

from __future__ import annotations

from pydantic import Field

from seedx_sdk import SeedX
from seedx_sdk.options import SeedField
from seedx_sdk.types import Detection
from seedx_tools.arguments import IMAGE_HELP, ImageRef
from seedx_tools.tool import Answer, Progress, Tool, ToolArgs


class DetectArgs(ToolArgs, SeedField):
    """Arguments of detect."""

    image: ImageRef = Field(description=f"The image to search. {IMAGE_HELP}")
    phrase: str = Field(
        min_length=1,
        description="What to find, as a noun phrase: 'the red house' for one thing, 'all houses' for every one.",
    )


def detect(seedx: SeedX, args: DetectArgs, _on_progress: Progress) -> Detection:
    """Find things in an image and return a box for each, in pixels and as fractions of the width and height.

    The result also holds a copy of the image with the boxes drawn on it. No boxes means that the model did not find
    the phrase in the image.

    Raises:
        ImageError: If the image cannot be read.
        PromptError: If the phrase is empty or too long.
    """
    return seedx.detect(args.image, args.phrase, seed=args.seed)


def _answer(result: Detection) -> Answer:
    if not result.boxes:
        return Answer("Nothing found.")
    lines = (f"{box.label}: x0 y0 x1 y1 = {' '.join(map(str, box.pixels))}" for box in result.boxes)
    size = f"{result.annotated.width}x{result.annotated.height}"
    return Answer("\n".join((f"Found {len(result.boxes)}, in pixels of the {size} image:", *lines)), result.annotated)


DETECT = Tool.of(detect, name="detect", args=DetectArgs, result=Detection, answer=_answer, read_only=True)
