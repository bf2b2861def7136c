"""The options for how images are computed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
import typer

from seedx_sdk.engine.image_service.placement import Placement
from seedx_sdk.errors import InputError

__all__ = ["PlacementArguments"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacementArguments:
    """How images are computed."""

    TITLE: ClassVar = "Speed of images"

    compile: Annotated[
        bool,
        typer.Option(
            "--compile", help="Compile the de-tokenizer for the prepared sizes: minutes at startup, faster images."
        ),
    ] = False
    cuda_graphs: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="CUDA graphs of the U-Net that are kept (default: 16 on a GPU without --offload).",
        ),
    ] = None
    prepare_size: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WxH", help="Size to compile and capture at startup, besides the model's own (repeatable)."
        ),
    ] = None
    prepare_batch: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Images of a batch to prepare (repeatable; default: 1, 2, 4 and so on, --max-batch).",
        ),
    ] = None
    channels_last: Annotated[
        bool, typer.Option("--channels-last", help="Memory format of the U-Net: slower on GPUs so far; measure it.")
    ] = False
    tile_side: Annotated[
        int,
        typer.Option(metavar="PIXELS", help="Larger images are decoded in tiles of this side, a multiple of 64."),
    ] = Placement().tile_side

    def chosen(self, device: torch.device, *, offload: bool) -> Placement:
        """Return the placement of a model.

        Raises:
            InputError: If an option is not possible on this device, or together with another one.
        """
        placement = Placement(
            offload=offload,
            compile=self.compile,
            cuda_graphs=self.cuda_graphs,
            prepared_sizes=tuple(map(_size, self.prepare_size or ())),
            prepared_batches=tuple(self.prepare_batch) if self.prepare_batch else None,
            channels_last=self.channels_last,
            tile_side=self.tile_side,
        )
        placement.check(device)
        return placement


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None:
        raise InputError(f"--prepare-size {text!r} must be width x height in pixels, such as 1344x768")
    return int(match[1]), int(match[2])
