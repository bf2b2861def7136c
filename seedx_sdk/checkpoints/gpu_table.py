"""Which options fit which GPU at the released sizes: computed from parameter counts, not measured.

`memory_table()` gives the table and `needed_bytes` the arithmetic behind a row:

    weights + LLM cache (if the LLM shares the GPU) + 1.1 x the larger of U-Net and VAE activations + 1 GB

The activations are those of memory.py. The tenth is for what the allocator can't use, the gigabyte for the CUDA
context and kernels' work space.

Source of the counts: the modules of the reference at the released sizes (SDXL base, Qwen-VL's visual encoder, Llama 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

from seedx_sdk.checkpoints.memory import EDIT_BRANCHES, PRECISIONS, unet_numbers, vae_numbers

__all__ = ["GPU_GB", "Fit", "memory_table", "needed_bytes"]

GPU_GB = (24, 40, 80, 141)
"""Memory of common GPUs in GB of 10**9 bytes: RTX 4090 or L4, A100, H100, H200."""

LLM = 13_019_243_520
"""Llama 2 13B with 32,330 tokens."""
VISUAL_ENCODER = 1_935_610_624
PROJECTORS = 126_500_000 + 88_600_000
"""Input and output resampler."""
UNET = 2_567_475_204
"""With the eight input channels of the second stage."""
RESAMPLER = 61_200_000
"""Of the de-tokenizer."""
VAE = 83_653_863
LLM_CACHE_PER_TOKEN = 2 * 40 * 5120 * 2
"""Bytes of keys and values in 16 bits: two for each of 40 layers of width 5,120."""
LLM_TOKENS = 4096
"""One conversation of the largest length."""

Precision = Literal["float32", "bfloat16"]
_GB = 10**9

SDXL_UNET = {
    "block_out_channels": (320, 640, 1280),
    "layers_per_block": 2,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
}
SDXL_VAE = {"block_out_channels": (128, 256, 512, 512)}
"""What SDXL's configs say of the sizes of maps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """The best options of one precision that fit a GPU."""

    gpu_gb: int
    beside_llm: bool
    """Whether the language model, in 16 bits, runs on the same GPU."""
    dtype: Precision
    offload: bool
    max_batch: int
    """Edits of 1024x1024 in one batch, with their three guidance branches."""
    needed_gb: float


def needed_bytes(
    *, dtype: Precision, offload: bool, batch: int, beside_llm: bool, side: int = 1024, tile_side: int = 1024
) -> int:
    """Returns the bytes of GPU memory that edits of `side` x `side` pixels need, with three guidance branches.

    Args:
        dtype: Of all parts; the language model has 16 bits.
        offload: As in `Placement`: of the de-tokenizer's modules only the U-Net or the VAE lies on the GPU, of the
            visual encoder one layer.
        batch: Pictures at once.
        beside_llm: Whether the language model runs on the same GPU.
        side: Of the pictures.
        tile_side: As in `Placement`; bounds what the VAE needs.
    """
    size = PRECISIONS[dtype]
    weights = size * (PROJECTORS + (UNET if offload else UNET + RESAMPLER + VAE + VISUAL_ENCODER))
    unet = size * EDIT_BRANCHES * batch * unet_numbers(SDXL_UNET, side // 8)
    vae = size * vae_numbers(SDXL_VAE, min(side, tile_side))  # one picture at a time
    llm = 2 * LLM + LLM_CACHE_PER_TOKEN * LLM_TOKENS if beside_llm else 0
    return weights + llm + int(1.1 * max(unet, vae)) + _GB


def memory_table() -> list[Fit]:
    """Returns the best fit of each GPU and precision, alone and beside the language model; no row where none fits.

    No offloading comes before a large batch, since offloading costs time in every batch.
    """
    rows = []
    for beside_llm, gpu_gb, dtype in product((False, True), GPU_GB, get_args(Precision)):
        for offload, batch in product((False, True), (8, 4, 2, 1)):
            needed = needed_bytes(dtype=dtype, offload=offload, batch=batch, beside_llm=beside_llm) / _GB
            if needed <= gpu_gb:
                rows.append(
                    Fit(
                        gpu_gb=gpu_gb,
                        beside_llm=beside_llm,
                        dtype=dtype,
                        offload=offload,
                        max_batch=batch,
                        needed_gb=round(needed, 1),
                    )
                )
                break
    return rows
