"""The tool that edits an image according to an instruction."""

from __future__ import annotations

from pydantic import Field

from seedx_sdk import SeedX
from seedx_sdk.options import EditFields
from seedx_sdk.types import EditedImage
from seedx_tools.arguments import IMAGE_HELP, ImageRef
from seedx_tools.tool import Answer, Progress, Tool, ToolArgs, denoising


class EditArgs(ToolArgs, EditFields):
    """Arguments of edit."""

    image: ImageRef = Field(description=f"The image to edit; it stays as it is. {IMAGE_HELP}")
    instruction: str = Field(
        min_length=1,
        description="One change as an instruction: 'make the house blue', 'remove the tree', 'add a boat on the left'.",
    )


def edit(seedx: SeedX, args: EditArgs, on_progress: Progress) -> EditedImage:
    """Change one thing in an image and keep the rest: recolor, add, remove, replace or move it, or the background.

    For several changes, call it once for each and pass the result of one call to the next.

    Raises:
        ImageError: If the image cannot be read.
        PromptError: If the instruction is empty or too long.
        SizeError: If the model cannot generate at this size.
    """
    options = args.model_dump(include={*EditFields.model_fields})
    return seedx.edit(args.image, args.instruction, **options, on_progress=denoising(on_progress))


def _answer(result: EditedImage) -> Answer:
    return Answer(f"Edited the image; the result has {result.image.width}x{result.image.height} pixels.", result.image)


EDIT = Tool.of(edit, name="edit", args=EditArgs, result=EditedImage, answer=_answer)
