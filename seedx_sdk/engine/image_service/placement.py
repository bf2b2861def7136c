"""Where and how a model runs: device, precision, memory format, tiling, offloading, compilation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.image_service.device_errors import is_out_of_memory
from seedx_sdk.errors import DeviceMemoryError, InputError, ServiceError

__all__ = ["Placement", "place", "resolve_device"]


@dataclass(kw_only=True, slots=True, frozen=True)
class Placement:
    """How a model is placed on its device; `MemoryPlan` says what fits which GPU."""

    dtype: torch.dtype | None = None
    """Precision of all weights; None leaves them as they were loaded."""
    offload: bool = False
    """Keep weights in host memory and move them to the GPU when they are needed: one module of the de-tokenizer and one
    layer of the visual encoder at a time. The language model stays on the GPU."""
    tile_side: int = 1024
    """Images with a larger side go through the VAE in overlapping tiles of this side in pixels, a multiple of 64. Its
    norms see one tile at a time, so tiles differ a little from the whole image."""
    channels_last: bool = False
    """Memory format of the convolutions; benchmarks/detokenizer_batching.py measures it."""
    compile: bool = False
    """Compile the U-Net; each new batch size or image size costs a compilation."""

    def __post_init__(self) -> None:
        """Check the tiles, whose overlap must be whole cells of the latents."""
        if self.tile_side < 64 or self.tile_side % 64:
            raise InputError(f"tile_side {self.tile_side} must be a positive multiple of 64; use 1024")


def resolve_device(name: str | None) -> torch.device:
    """Return the device of a name: "cpu", "cuda" or "cuda:N"; None is "cuda" if there is a CUDA GPU, otherwise "cpu".

    Raises:
        InputError: If this machine has no such device.
        ServiceError: If the process was forked after its parent used a GPU.
    """
    if torch.cuda._is_in_bad_fork() and name != "cpu":
        raise ServiceError(
            "the process was forked after its parent used a GPU, and CUDA does not work here; make the client in the "
            "worker, and start workers before the first call or with multiprocessing's 'spawn'"
        )
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    gpus = ["cuda", *(f"cuda:{index}" for index in range(count))] if count else []
    if name is None:
        return torch.device("cuda" if gpus else "cpu")
    if name not in ("cpu", *gpus):
        hint = "" if gpus else "; for a GPU, install an NVIDIA driver and a CUDA build of torch"
        raise InputError(f"there is no device {name!r}; this machine has {', '.join(['cpu', *gpus])}{hint}")
    return torch.device(name)


def place(parts: ModelParts, placement: Placement, device: torch.device) -> None:
    """Move a model to a device, in place; language models without weights are left out.

    Raises:
        InputError: If offloading is requested and the device is not a GPU.
        DeviceMemoryError: If the model does not fit the device's memory.
    """
    if placement.offload and device.type == "cpu":
        raise InputError("offloading frees GPU memory and the device is 'cpu'; set offload=False")
    try:
        _place(parts, placement, device)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise DeviceMemoryError(
            f"{parts.config.name} does not fit the memory of '{device}'; use a smaller dtype, "
            "Placement(offload=True) or device='cpu'"
        ) from error


def _place(parts: ModelParts, placement: Placement, device: torch.device) -> None:
    dtype, detokenizer = placement.dtype, parts.detokenizer
    for lvlm in (parts.lvlm, *parts.specialists.values()):
        if lvlm.device.type == "meta":  # another process runs the language model
            lvlm.input_resampler.to(device=device, dtype=dtype)
            lvlm.output_resampler.to(device=device, dtype=dtype)
            if lvlm.patch_pos_embed is not None:
                lvlm.patch_pos_embed.data = lvlm.patch_pos_embed.data.to(device=device, dtype=dtype)
        else:
            lvlm.to(device=device, dtype=dtype)
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
    vae.enable_slicing()  # one image at a time: a batch needs no more memory than one
    vae.enable_tiling()  # of images that are larger than a tile
    vae.tile_sample_min_size = placement.tile_side
    vae.tile_latent_min_size = placement.tile_side // detokenizer.vae_scale_factor


def _offload(module: nn.Module, device: torch.device) -> None:
    """Move each layer's weights to the GPU when it is called, and back after it."""
    from accelerate import cpu_offload  # type: ignore[import-untyped]

    cpu_offload(module, execution_device=device)
