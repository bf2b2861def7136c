"""The tool that edits an image according to an instruction."""

from __future__ import annotations

from pydantic import Field

from seedx_sdk import SeedX
from seedx_sdk.types import EditedImage
from seedx_tools.arguments import HEIGHT_DESCRIPTION, IMAGE_HELP, WIDTH_DESCRIPTION, ImageRef
from seedx_tools.tool import Answer, Progress, Tool, ToolArgs, denoising


class EditArgs(ToolArgs):
    """Arguments of edit."""

    image: ImageRef = Field(description=f"The image to edit; it stays as it is. {IMAGE_HELP}")
    instruction: str = Field(
        min_length=1,
        description="One change as an instruction: 'make the house blue', 'remove the tree', 'add a boat on the left'.",
    )
    width: int | None = Field(default=None, description=WIDTH_DESCRIPTION)
    height: int | None = Field(default=None, description=HEIGHT_DESCRIPTION)
    num_inference_steps: int | None = Field(
        default=None,
        ge=1,
        le=200,
        description="Denoising steps: more steps are slower and give finer detail. Default: the model's own.",
    )
    guidance_scale: float | None = Field(
        default=None, ge=0, le=30, description="How strictly to follow the instruction. Default: the model's own."
    )
    image_guidance_scale: float | None = Field(
        default=None, ge=0, le=30, description="How closely to keep to the given image. Default: the model's own."
    )
    seed: int = Field(default=0, ge=0, description="Another seed gives another version of the same edit.")


def edit(seedx: SeedX, args: EditArgs, on_progress: Progress) -> EditedImage:
    """Change one thing in an image and keep the rest: recolor, add, remove, replace or move it, or the background.

    For several changes, call it once for each and pass the result of one call to the next.

    Raises:
        ImageError: If the image cannot be read.
        PromptError: If the instruction is empty or too long.
        SizeError: If the model cannot generate at this size.
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
        on_progress=denoising(on_progress),
    )


def _answer(result: EditedImage) -> Answer:
    return Answer(f"Edited the image; the result has {result.image.width}x{result.image.height} pixels.", result.image)


EDIT = Tool.of(edit, name="edit", args=EditArgs, result=EditedImage, answer=_answer)
