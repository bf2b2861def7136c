"""The tool that changes a picture as told."""

from __future__ import annotations

from pydantic import Field

from seedx_sdk import SeedX
from seedx_sdk.types import EditedImage
from seedx_tools.arguments import IMAGE_HELP, ImageRef
from seedx_tools.sizes import SIZE_DESCRIPTION, SIZE_PATTERN, parse_size
from seedx_tools.tool import Answer, Progress, Tool, ToolArgs, drawing


class EditArgs(ToolArgs):
    """Arguments of edit."""

    image: ImageRef = Field(description=f"The picture to change; it stays as it is. {IMAGE_HELP}")
    instruction: str = Field(
        min_length=1,
        description="One change as an order: 'make the house blue', 'remove the tree', 'add a boat on the left'.",
    )
    size: str | None = Field(default=None, pattern=SIZE_PATTERN, description=SIZE_DESCRIPTION)
    steps: int | None = Field(
        default=None, ge=1, le=200, description="Denoising steps: more is slower and finer. Default: the model's own."
    )
    guidance: float | None = Field(
        default=None, ge=0, le=30, description="How strictly to follow the instruction. Default: the model's own."
    )
    image_guidance: float | None = Field(
        default=None, ge=0, le=30, description="How closely to stay with the given picture. Default: the model's own."
    )
    seed: int = Field(default=0, ge=0, description="Change it to get another version of the same edit.")


def edit(seedx: SeedX, args: EditArgs, on_progress: Progress) -> EditedImage:
    """Change one thing in a picture and keep the rest: recolour, add, remove, replace, move, change the background.

    For several changes call it once for each, feeding the result of one into the next.

    Raises:
        ImageError: The picture cannot be read.
        PromptError: The instruction is empty or too long.
        SizeError: The model cannot draw at this size.
    """
    return seedx.edit(
        args.image,
        args.instruction,
        size=parse_size(args.size),
        steps=args.steps,
        guidance=args.guidance,
        image_guidance=args.image_guidance,
        seed=args.seed,
        on_progress=drawing(on_progress),
    )


def _answer(result: EditedImage) -> Answer:
    return Answer(f"The changed picture has {result.image.width}x{result.image.height} pixels.", result.image)


EDIT = Tool.of(edit, name="edit", args=EditArgs, result=EditedImage, answer=_answer)
