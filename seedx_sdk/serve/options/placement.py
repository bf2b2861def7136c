"""The command-line options for how images are computed, which `seedx serve` and `seedx deploy` share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import torch
import typer

from seedx_sdk.engine.image_service.placement import Placement
from seedx_sdk.errors import InputError

__all__ = [
    "ChannelsLastOption",
    "CompileOption",
    "CudaGraphsOption",
    "PrepareBatchOption",
    "PrepareSizeOption",
    "TileSideOption",
    "chosen_placement",
]

CompileOption = Annotated[
    bool,
    typer.Option(
        "--compile", help="Compile the de-tokenizer for the prepared sizes: minutes at startup, faster images."
    ),
]
CudaGraphsOption = Annotated[
    int | None,
    typer.Option(
        min=0, metavar="N", help="CUDA graphs of the U-Net that are kept (default: 16 on a GPU without --offload)."
    ),
]
PrepareSizeOption = Annotated[
    list[str] | None,
    typer.Option(metavar="WxH", help="Size to compile and capture at the start, besides the model's own (repeatable)."),
]
PrepareBatchOption = Annotated[
    list[int] | None,
    typer.Option(
        min=1, metavar="N", help="Images of a batch to prepare (repeatable; default: 1, 2, 4 and so on, --max-batch)."
    ),
]
ChannelsLastOption = Annotated[
    bool, typer.Option("--channels-last", help="Memory format of the U-Net: slower on GPUs so far; measure it.")
]
TileSideOption = Annotated[
    int, typer.Option(metavar="PIXELS", help="Larger images are decoded in tiles of this side, a multiple of 64.")
]


def chosen_placement(
    device: torch.device,
    *,
    offload: bool,
    compile: bool,
    cuda_graphs: int | None,
    prepare_sizes: Sequence[str] | None,
    prepare_batches: Sequence[int] | None,
    channels_last: bool,
    tile_side: int,
) -> Placement:
    """Return the placement of a model.

    Raises:
        InputError: If an option is not possible on this device, or together with another one.
    """
    placement = Placement(
        offload=offload,
        compile=compile,
        cuda_graphs=cuda_graphs,
        prepared_sizes=tuple(map(_size, prepare_sizes or ())),
        prepared_batches=tuple(prepare_batches) if prepare_batches else None,
        channels_last=channels_last,
        tile_side=tile_side,
    )
    placement.check(device)
    return placement


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None:
        raise InputError(f"--prepare-size {text!r} must be width x height in pixels, such as 1344x768")
    return int(match[1]), int(match[2])
