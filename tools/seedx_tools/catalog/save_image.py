"""The tool that writes an image to a file."""

from __future__ import annotations

import time
from pathlib import Path

from pydantic import Field

from seedx_sdk import SeedX
from seedx_sdk.imaging import open_image, save_image
from seedx_sdk.types import Result
from seedx_tools.arguments import IMAGE_HELP, ImageRef, OutputPath
from seedx_tools.tool import Answer, Progress, SavingArgs, Tool, result_fields


class SaveImageArgs(SavingArgs):
    """Arguments of save_image."""

    image: ImageRef = Field(description=f"The image to save. {IMAGE_HELP}")
    path: OutputPath = Field(
        examples=["house.png"],
        description="Where to save it; must end in .png, .jpg or .webp, and its directory must exist.",
    )


class SavedImage(Result):
    """An image file."""

    path: Path


def run_save_image(seedx: SeedX, args: SaveImageArgs, _on_progress: Progress) -> SavedImage:
    """Save an image of the conversation as a file, in full size.

    Use it only if the user asks for a file: each image keeps its name without one.
    """
    started = time.perf_counter()
    warnings: list[str] = []
    path = save_image(open_image(args.image, on_warning=warnings.append), args.path)
    return SavedImage(path=path, **result_fields(seedx, seed=0, started=started, warnings=warnings))


def _answer(result: SavedImage) -> Answer:
    return Answer(f"Saved as {result.path.name}.")


SAVE_IMAGE = Tool.of(run_save_image, name="save_image", args=SaveImageArgs, result=SavedImage, answer=_answer)
