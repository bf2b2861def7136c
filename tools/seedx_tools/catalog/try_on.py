"""The tool that dresses a person in a garment."""

from __future__ import annotations

from pydantic import Field

from seedx_sdk import SeedX
from seedx_sdk.options import EditFields
from seedx_sdk.types import TryOnImage
from seedx_tools.arguments import IMAGE_HELP, ImageRef
from seedx_tools.tool import Answer, Progress, Tool, ToolArgs, denoising


class TryOnArgs(ToolArgs, EditFields):
    """Arguments of try_on."""

    person: ImageRef = Field(description=f"The image of the person to dress; it stays as it is. {IMAGE_HELP}")
    garment: ImageRef = Field(description=f"The image of the garment alone. {IMAGE_HELP}")
    region: list[int] | None = Field(
        default=None,
        min_length=4,
        max_length=4,
        examples=[[16, 32, 112, 96]],
        description="Where on the person the garment goes: x0, y0, x1, y1 in pixels of that image. Leave it out and it "
        "is found.",
    )
    phrase: str = Field(
        default="the clothes",
        min_length=1,
        description="What the garment replaces, to be found on the person: 'the shirt'.",
    )


def try_on(seedx: SeedX, args: TryOnArgs, on_progress: Progress) -> TryOnImage:
    """Show a person in a garment, from one image of the person and one of the garment.

    The result says which region of the person's image was redrawn. It needs a model with a try_on specialist.

    Raises:
        ImageError: If an image cannot be read.
        InputError: If the region is not inside the image, or none was given and none found.
        SizeError: If the model cannot generate at this size.
        SpecialistMissingError: If the model has no try_on specialist.
    """
    options = args.model_dump(include={*EditFields.model_fields})
    x0, y0, x1, y1 = args.region or (0, 0, 0, 0)
    return seedx.try_on(
        args.person,
        args.garment,
        region=None if args.region is None else (x0, y0, x1, y1),
        phrase=args.phrase,
        **options,
        on_progress=denoising(on_progress),
    )


def _answer(result: TryOnImage) -> Answer:
    size = f"{result.image.width}x{result.image.height}"
    redrawn = " ".join(map(str, result.region.pixels))
    return Answer(
        f"Dressed the person; the result has {size} pixels. Redrawn: x0 y0 x1 y1 = {redrawn} of the given image.",
        result.image,
    )


TRY_ON = Tool.of(try_on, name="try_on", args=TryOnArgs, result=TryOnImage, answer=_answer)
