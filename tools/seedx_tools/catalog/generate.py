"""The tool that generates an image from a prompt, or from a prompt and images."""

from __future__ import annotations

from pydantic import Field

from seedx_sdk import SeedX
from seedx_sdk.options import ImageFields
from seedx_sdk.types import GeneratedImage
from seedx_tools.arguments import IMAGE_HELP, ImageRef
from seedx_tools.tool import Answer, Progress, Tool, ToolArgs, denoising


class GenerateArgs(ToolArgs, ImageFields):
    """Arguments of generate."""

    prompt: str = Field(
        min_length=1,
        description="What the image shows: things, their colors, where they are, and the background, in one sentence.",
    )
    images: tuple[ImageRef, ...] = Field(
        default=(), description=f"Images that the prompt refers to, in order; usually none. {IMAGE_HELP}"
    )


def generate(seedx: SeedX, args: GenerateArgs, on_progress: Progress) -> GeneratedImage:
    """Generate a new image from a prompt.

    To change an existing image use edit. The result names the seed, with which the image can be generated again.

    Raises:
        PromptError: If the prompt is empty or too long.
        SizeError: If the model cannot generate at this size.
        ImageError: If an image cannot be read.
    """
    options = args.model_dump(include={*ImageFields.model_fields})
    return seedx.generate(args.prompt, list(args.images), **options, on_progress=denoising(on_progress))


def _answer(result: GeneratedImage) -> Answer:
    if result.image is None:
        return Answer(result.text)
    return Answer(
        f"Generated an image of {result.image.width}x{result.image.height} pixels with seed {result.seed}.",
        result.image,
    )


GENERATE = Tool.of(generate, name="generate", args=GenerateArgs, result=GeneratedImage, answer=_answer)
