"""How much memory a model needs to answer requests, computed from its sizes and not measured. No torch.

`seedx convert --dry-run` and `seedx info DIR` print `serving_memory` of a checkpoint directory. `memory_table` says
which options fit which GPU at the released sizes. All figures are bytes, except where a name says gb (10**9 bytes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, get_args

__all__ = ["GPU_GB", "Fit", "ServingMemory", "memory_table", "needed_bytes", "serving_memory"]

PRECISIONS = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of one number in the types that a model can be loaded in."""

EDIT_BRANCHES, GENERATE_BRANCHES = 3, 2
"""Copies of the latents that guidance runs at once. Source: `Detokenizer.__call__`."""
ATTENTION_MAPS, RESNET_MAPS = 14, 12
"""Maps of a level's own width that live at once in one of its blocks, from the code of diffusers. A transformer block
holds its input, the norm's output, the 2 x 4 wide projection of the gated MLP and its 4 wide product; the first
residual block after an upsampling its 2 wide input, that beside the skip connection, the norm and the activation of
both (3 wide each) and its output. Attention is computed without its matrix."""
VAE_MAPS = 4
"""Input, norm, activation and output of the first block after the last upsampling, the widest at full resolution."""

GPU_GB = (24, 40, 80, 141)
"""Memory of common GPUs in GB of 10**9 bytes: RTX 4090 or L4, A100, H100, H200."""

# Sizes of the released model: parameters of the reference's modules (SDXL base, Qwen-VL's visual encoder, Llama 2).
LLM = 13_019_243_520
"""Llama 2 13B with 32,330 tokens."""
VISUAL_ENCODER = 1_935_610_624
PROJECTORS = 126_500_000 + 88_600_000
"""Input and output resampler."""
UNET = 2_567_475_204
"""With the eight input channels of the second stage."""
RESAMPLER = 61_200_000
"""The de-tokenizer's resampler."""
VAE = 83_653_863
LLM_CACHE_PER_TOKEN = 2 * 40 * 5120 * 2
"""Bytes of keys and values in 16 bits: two for each of 40 layers of width 5,120."""
LLM_TOKENS = 4096
"""Length of the longest conversation."""
SDXL_UNET = {
    "block_out_channels": (320, 640, 1280),
    "layers_per_block": 2,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
}
SDXL_VAE = {"block_out_channels": (128, 256, 512, 512)}
"""What SDXL's configs say of the sizes of maps."""

Precision = Literal["float32", "bfloat16"]
_GB = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingMemory:
    """Memory of one process that serves one request at a time, in one precision."""

    weights: int
    """All parts that are loaded: one de-tokenizer, and for each specialist a language model of its own."""
    kv_cache: int
    """Keys and values of the longest conversation."""
    kv_cache_per_token: int
    """2 x layers x key-value heads x head width."""
    image_generation: int
    """An estimate of the U-Net's or the VAE's intermediate results for one image, whichever is larger.

    Compared once with measurements on a CPU for modules of the released widths: 1.03 GB where this gives 1.07 (VAE,
    512x512 pixels, float32), 0.27 GB where it gives 0.20 (U-Net, 96x96 latents, one branch); convolutions need scratch.
    """

    @property
    def total(self) -> int:
        """Their sum, as if everything were needed at once; libraries and the CUDA context need more."""
        return self.weights + self.kv_cache + self.image_generation


def serving_memory(
    parameters: Mapping[str, int],
    *,
    llm: Mapping[str, Any],
    unet: Mapping[str, Any],
    vae: Mapping[str, Any],
    image_size: int,
) -> dict[str, ServingMemory]:
    """Return the memory that serving needs, by precision.

    Args:
        parameters: Numbers of parameters by subdirectory of the checkpoint directory.
        llm: The language model's config.json.
        unet: The U-Net's config.json.
        vae: The VAE's config.json.
        image_size: Side of an image in pixels.
    """
    loaded = _loaded_parameters(parameters)
    head = llm.get("head_dim") or llm["hidden_size"] // llm["num_attention_heads"]
    kv_heads = llm.get("num_key_value_heads") or llm["num_attention_heads"]
    numbers_per_token = 2 * llm["num_hidden_layers"] * kv_heads * head
    branches = EDIT_BRANCHES if "detokenizer_edit/unet" in parameters else GENERATE_BRANCHES
    factor = 2 ** (len(vae["block_out_channels"]) - 1)
    in_unet, in_vae = branches * _unet_numbers(unet, image_size // factor), _vae_numbers(vae, image_size)
    result = {}
    for name, width in PRECISIONS.items():
        vae_width = 4 if name == "float16" and vae.get("force_upcast", True) else width
        result[name] = ServingMemory(
            weights=loaded * width,
            kv_cache=numbers_per_token * llm["max_position_embeddings"] * width,
            kv_cache_per_token=numbers_per_token * width,
            image_generation=max(in_unet * width, in_vae * vae_width),
        )
    return result


def _loaded_parameters(parameters: Mapping[str, int]) -> int:
    """Count what `load_directory` puts into memory."""
    both = {"detokenizer/unet", "detokenizer_edit/unet"} <= set(parameters)
    total = 0
    for part, count in parameters.items():
        if part.startswith("specialists/"):
            if part.endswith("/projectors"):
                total += parameters["llm"] + count
        elif not (both and part.startswith("detokenizer/")):
            total += count
    return total


def _unet_numbers(unet: Mapping[str, Any], side: int) -> int:
    """Return how many numbers one branch holds at once, on latents of `side` x `side`: all skips, the largest block."""
    widths: list[int] = unet["block_out_channels"]
    layers: int = unet["layers_per_block"]
    skips = side * side * widths[0]
    largest = 0
    for level, (width, kind) in enumerate(zip(widths, unet["down_block_types"], strict=True)):
        cells = (side >> level) ** 2
        skips += layers * cells * width
        if level < len(widths) - 1:
            skips += cells // 4 * width
        largest = max(largest, cells * width * (ATTENTION_MAPS if "Attn" in kind else RESNET_MAPS))
    return skips + largest


def _vae_numbers(vae: Mapping[str, Any], image_size: int) -> int:
    """Return how many numbers decoding one image of `image_size` x `image_size` pixels holds at once."""
    widths: list[int] = vae["block_out_channels"]
    return VAE_MAPS * image_size**2 * (widths[1] if len(widths) > 1 else widths[0])


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
    """Return the bytes of GPU memory that edits of `side` x `side` pixels need, with three guidance branches.

    Weights, the LLM's cache if it shares the GPU, 1.1 times the larger of the U-Net's and the VAE's activations, and
    1 GB. The tenth is for what the allocator can't use, the gigabyte for the CUDA context and kernels' scratch memory.

    Args:
        dtype: Type of all parts but the language model, which has 16 bits.
        offload: As in `Placement`: of the de-tokenizer's modules only the U-Net or the VAE is on the GPU, of the visual
            encoder one layer.
        batch: Images at once.
        beside_llm: Whether the language model runs on the same GPU.
        side: Side of the images in pixels.
        tile_side: As in `Placement`; limits what the VAE needs.
    """
    size = PRECISIONS[dtype]
    weights = size * (PROJECTORS + (UNET if offload else UNET + RESAMPLER + VAE + VISUAL_ENCODER))
    unet = size * EDIT_BRANCHES * batch * _unet_numbers(SDXL_UNET, side // 8)
    vae = size * _vae_numbers(SDXL_VAE, min(side, tile_side))  # one image at a time
    llm = 2 * LLM + LLM_CACHE_PER_TOKEN * LLM_TOKENS if beside_llm else 0
    return weights + llm + int(1.1 * max(unet, vae)) + _GB


def memory_table() -> list[Fit]:
    """Return the best fit of each GPU and precision, alone and beside the language model; no row where none fits.

    A small batch without offloading is preferred to a large one with it, since offloading takes time in every batch.
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
