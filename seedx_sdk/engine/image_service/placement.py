"""Where and how a model runs: device, precision, memory format, tiling, offloading, compilation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.image_service.device_errors import is_out_of_memory
from seedx_sdk.errors import DeviceMemoryError, InputError, ServiceError

__all__ = ["Placement", "place", "resolve_device"]

_MAX_GRAPHS = 16


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
    """Memory format of the U-Net's convolutions; benchmarks/detokenizer_batching.py measures it. The VAE keeps its own:
    most of its time goes into norms, which are slower in this one."""
    compile: bool = False
    """Compile the U-Net and the VAE's decoder, for the prepared sizes and batches: minutes for each before the service
    starts, and none later. Others run uncompiled."""
    cuda_graphs: int | None = None
    """CUDA graphs of the U-Net that are kept at most, one for each shape; 0 is none. None is 16 on a GPU, and 0 where
    weights are offloaded: a graph needs them to stay where they are."""
    prepared_sizes: tuple[tuple[int, int], ...] = ()
    """Width and height of images for which the service compiles and captures before it starts, besides the model's own
    size; what else is drawn is captured at its first use."""
    prepared_batches: tuple[int, ...] | None = None
    """Images in the batches that are prepared for; None is 1, 2, 4 and so on, and the largest batch. Of sizes larger
    than the model's own fewer fit one batch: see `ServiceLimits.max_batch`."""

    def __post_init__(self) -> None:
        """Check the ranges, and what excludes what. The overlap of tiles must be whole cells of the latents."""
        if self.tile_side < 64 or self.tile_side % 64:
            raise InputError(f"tile_side {self.tile_side} must be a positive multiple of 64; use 1024")
        if (self.cuda_graphs or 0) < 0 or any(count < 1 for count in self.prepared_batches or ()):
            raise InputError(
                f"cuda_graphs {self.cuda_graphs} must be 0 or more, "
                f"and prepared_batches {self.prepared_batches} 1 or more"
            )
        if self.offload and (self.compile or self.cuda_graphs):
            raise InputError(
                "offload moves the weights, and compile and cuda_graphs need them to stay; choose one of the two"
            )
        if self.compile and self.prepared_batches == ():
            raise InputError("compile needs batches to prepare; set prepared_batches=(1,) or leave it out")

    def check(self, device: torch.device) -> None:
        """Reject what is not possible, or has no effect, on a device.

        Raises:
            InputError: With the option to leave out.
        """
        on_gpu = device.type == "cuda"
        if self.offload and not on_gpu:
            raise InputError(f"offloading frees GPU memory and the device is '{device}'; set offload=False")
        if self.cuda_graphs and not on_gpu:
            raise InputError(f"CUDA graphs need a GPU and the device is '{device}'; leave cuda_graphs out")
        if (self.prepared_sizes or self.prepared_batches) and not self.compile and not self.num_graphs(device):
            raise InputError(
                f"there is nothing to prepare on '{device}' without compile or CUDA graphs; leave the prepared sizes "
                "and batches out, or set compile=True"
            )

    def num_graphs(self, device: torch.device) -> int:
        """Return the number of CUDA graphs that are kept at most on a device."""
        if device.type != "cuda":
            return 0
        default = 0 if self.offload else _MAX_GRAPHS
        return default if self.cuda_graphs is None else self.cuda_graphs

    def sizes(self, image_size: int) -> list[tuple[int, int]]:
        """Return the prepared sizes of a model whose own images have this side in pixels."""
        return list(dict.fromkeys([(image_size, image_size), *self.prepared_sizes]))

    def batches(self, max_batch: int) -> list[int]:
        """Return the images of each prepared batch of a size, of which the largest batch has `max_batch`."""
        if self.prepared_batches is not None:
            return sorted({min(count, max_batch) for count in self.prepared_batches})
        return [*(1 << n for n in range((max_batch - 1).bit_length())), max_batch]


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
        InputError: If the placement is not possible on the device.
        DeviceMemoryError: If the model does not fit the device's memory.
    """
    placement.check(device)
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
        memory_format = torch.channels_last
        nn.Module.to(detokenizer.unet, memory_format=memory_format)  # type: ignore[call-overload]  # its stub lacks it
    vae = detokenizer.vae
    vae.enable_slicing()  # one image at a time: a batch needs no more memory than one
    vae.enable_tiling()  # of images that are larger than a tile
    vae.tile_sample_min_size = placement.tile_side
    vae.tile_latent_min_size = placement.tile_side // detokenizer.vae_scale_factor


def _offload(module: nn.Module, device: torch.device) -> None:
    """Move each layer's weights to the GPU when it is called, and back after it."""
    from accelerate import cpu_offload  # type: ignore[import-untyped]

    cpu_offload(module, execution_device=device)
