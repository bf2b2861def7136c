"""The tool that draws a picture from words, or from words and pictures."""

from __future__ import annotations

from pydantic import Field

from seedx_sdk import SeedX
from seedx_sdk.options import ImageFields
from seedx_sdk.types import GeneratedImage
from seedx_tools.arguments import IMAGE_HELP, ImageRef
from seedx_tools.tool import Answer, Progress, Tool, ToolArgs, drawing


class GenerateArgs(ToolArgs, ImageFields):
    """Arguments of generate."""

    prompt: str = Field(
        min_length=1,
        description="What to draw: things, their colours, where they stand, and the background, in one sentence.",
    )
    images: tuple[ImageRef, ...] = Field(
        default=(), description=f"Pictures that the prompt speaks of, in order; usually none. {IMAGE_HELP}"
    )


def generate(seedx: SeedX, args: GenerateArgs, on_progress: Progress) -> GeneratedImage:
    """Draw a new picture from a prompt.

    To change a picture that exists use edit. The result names the seed, so a picture can be drawn again.

    Raises:
        PromptError: The prompt is empty or too long.
        SizeError: The model cannot draw at this size.
        ImageError: A picture cannot be read.
    """
    return seedx.generate(
        args.prompt,
        list(args.images),
        width=args.width,
        height=args.height,
        num_inference_steps=args.num_inference_steps,
        guidance_scale=args.guidance_scale,
        seed=args.seed,
        on_progress=drawing(on_progress),
    )


def _answer(result: GeneratedImage) -> Answer:
    if result.image is None:
        return Answer(result.text)
    return Answer(
        f"Drew a picture of {result.image.width}x{result.image.height} pixels, seed {result.seed}.", result.image
    )


GENERATE = Tool.of(generate, name="generate", args=GenerateArgs, result=GeneratedImage, answer=_answer)
