"""The tool that generates an image from a prompt, or from a prompt and images."""

from __future__ import annotations

from pydantic import Field

from seedx_sdk import SeedX
from seedx_sdk.types import GeneratedImage
from seedx_tools.arguments import HEIGHT_DESCRIPTION, IMAGE_HELP, WIDTH_DESCRIPTION, ImageRef
from seedx_tools.tool import Answer, Progress, Tool, ToolArgs, denoising


class GenerateArgs(ToolArgs):
    """Arguments of generate."""

    prompt: str = Field(
        min_length=1,
        description="What the image shows: things, their colors, where they are, and the background, in one sentence.",
    )
    images: tuple[ImageRef, ...] = Field(
        default=(), description=f"Images that the prompt refers to, in order; usually none. {IMAGE_HELP}"
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
        default=None, ge=0, le=30, description="How strictly to follow the prompt. Default: the model's own."
    )
    seed: int = Field(default=0, ge=0, description="Another seed gives another image of the same prompt.")


def generate(seedx: SeedX, args: GenerateArgs, on_progress: Progress) -> GeneratedImage:
    """Generate a new image from a prompt.

    To change an existing image use edit. The result names the seed, with which the image can be generated again.

    Raises:
        PromptError: If the prompt is empty or too long.
        SizeError: If the model cannot generate at this size.
        ImageError: If an image cannot be read.
    """
    return seedx.generate(
        args.prompt,
        list(args.images),
        width=args.width,
        height=args.height,
        num_inference_steps=args.num_inference_steps,
        guidance_scale=args.guidance_scale,
        seed=args.seed,
        on_progress=denoising(on_progress),
    )


def _answer(result: GeneratedImage) -> Answer:
    if result.image is None:
        return Answer(result.text)
    return Answer(
        f"Generated an image of {result.image.width}x{result.image.height} pixels with seed {result.seed}.",
        result.image,
    )


GENERATE = Tool.of(generate, name="generate", args=GenerateArgs, result=GeneratedImage, answer=_answer)
