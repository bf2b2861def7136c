"""The tool that changes a picture as told."""

from __future__ import annotations

from pydantic import Field

from seedx_sdk import SeedX
from seedx_sdk.options import EditFields
from seedx_sdk.types import EditedImage
from seedx_tools.arguments import IMAGE_HELP, ImageRef
from seedx_tools.tool import Answer, Progress, Tool, ToolArgs, drawing


class EditArgs(ToolArgs, EditFields):
    """Arguments of edit."""

    image: ImageRef = Field(description=f"The picture to change; it stays as it is. {IMAGE_HELP}")
    instruction: str = Field(
        min_length=1,
        description="One change as an order: 'make the house blue', 'remove the tree', 'add a boat on the left'.",
    )


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
        width=args.width,
        height=args.height,
        num_inference_steps=args.num_inference_steps,
        guidance_scale=args.guidance_scale,
        image_guidance_scale=args.image_guidance_scale,
        seed=args.seed,
        force=args.force,
        on_progress=drawing(on_progress),
    )


def _answer(result: EditedImage) -> Answer:
    return Answer(f"The changed picture has {result.image.width}x{result.image.height} pixels.", result.image)


EDIT = Tool.of(edit, name="edit", args=EditArgs, result=EditedImage, answer=_answer)
