"""Where and how the parts run: device, precision, memory format, tiling, offloading, compilation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.errors import InputError

__all__ = ["Placement", "place"]


@dataclass(kw_only=True, slots=True, frozen=True)
class Placement:
    """How the parts lie on their device. `memory_table` says what fits which GPU."""

    dtype: torch.dtype | None = None
    """Precision of everything that is placed; None leaves it as it was loaded."""
    offload: bool = False
    """Keeps weights in host memory: the de-tokenizer's modules come to the GPU one at a time, the visual encoder's
    layers likewise."""
    tile_side: int = 1024
    """Pictures with a larger side go through the VAE in overlapping tiles of this side in pixels, a multiple of 64. Its
    norms see one tile at a time, so tiles differ a little from the whole picture."""
    channels_last: bool = False
    """Memory format of the convolutions; benchmarks/detokenizer_batching.py measures it."""
    compile: bool = False
    """Compiles the U-Net; each new batch size or picture size costs a compilation."""

    def __post_init__(self) -> None:
        """Checks the tiles, whose overlap must be whole cells of the latents."""
        if self.tile_side < 64 or self.tile_side % 64:
            raise InputError(f"tile_side {self.tile_side} must be a positive multiple of 64; use 1024")


def place(parts: ModelParts, placement: Placement, device: torch.device) -> None:
    """Moves everything but the language models to a device, in place.

    Raises:
        InputError: If offloading is asked for and the device is no GPU.
    """
    if placement.offload and device.type == "cpu":
        raise InputError("offloading keeps a GPU's memory free and the device is 'cpu'; set offload=False")
    dtype, detokenizer = placement.dtype, parts.detokenizer
    for lvlm in (parts.lvlm, *parts.specialists.values()):
        lvlm.input_resampler.to(device=device, dtype=dtype)
        lvlm.output_resampler.to(device=device, dtype=dtype)
        if lvlm.patch_pos_embed is not None:
            lvlm.patch_pos_embed.data = lvlm.patch_pos_embed.data.to(device=device, dtype=dtype)
    for module in (parts.visual_encoder, detokenizer.resampler, detokenizer.unet, detokenizer.vae):
        nn.Module.to(module, dtype=dtype)  # diffusers' own `to` warns about layers that these don't have
    if placement.offload:
        _offload(parts.visual_encoder, device)
        detokenizer.enable_model_cpu_offload(device=device)
    else:
        parts.visual_encoder.to(device)
        detokenizer.to(device)
    if placement.channels_last:
        for module in (detokenizer.unet, detokenizer.vae):
            nn.Module.to(module, memory_format=torch.channels_last)  # type: ignore[call-overload]  # its stub lacks it
    if placement.compile:
        detokenizer.unet.compile()
    vae = detokenizer.vae
    vae.enable_slicing()  # one picture at a time: a batch needs no more memory than one
    vae.enable_tiling()  # of pictures that are larger than a tile
    vae.tile_sample_min_size = placement.tile_side
    vae.tile_latent_min_size = placement.tile_side // detokenizer.vae_scale_factor


def _offload(module: nn.Module, device: torch.device) -> None:
    """Brings each layer's weights to the GPU when it is called, and takes them back after it."""
    from accelerate import cpu_offload  # type: ignore[import-untyped]

    cpu_offload(module, execution_device=device)
