"""How much memory a model needs to answer one request, computed from its sizes and not measured. No torch.

`seedx convert --dry-run` and `seedx info DIR` print `serving_memory` of a checkpoint directory. How a server divides a
GPU between its batches and its language model is in memory_plan.py. All figures are bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "EDIT_BRANCHES",
    "GENERATE_BRANCHES",
    "PRECISIONS",
    "ServingMemory",
    "kv_numbers",
    "serving_memory",
    "unet_numbers",
    "vae_numbers",
]

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
    numbers_per_token = kv_numbers(llm)
    branches = EDIT_BRANCHES if "detokenizer_edit/unet" in parameters else GENERATE_BRANCHES
    factor = 2 ** (len(vae["block_out_channels"]) - 1)
    in_unet, in_vae = branches * unet_numbers(unet, image_size // factor), vae_numbers(vae, image_size)
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


def kv_numbers(llm: Mapping[str, Any]) -> int:
    """Return how many numbers a language model keeps for each token: 2 x layers x key-value heads x head width."""
    head = llm.get("head_dim") or llm["hidden_size"] // llm["num_attention_heads"]
    kv_heads = llm.get("num_key_value_heads") or llm["num_attention_heads"]
    numbers: int = 2 * llm["num_hidden_layers"] * kv_heads * head
    return numbers


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


def unet_numbers(unet: Mapping[str, Any], side: int) -> int:
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


def vae_numbers(vae: Mapping[str, Any], image_size: int) -> int:
    """Return how many numbers decoding one image of `image_size` x `image_size` pixels holds at once."""
    widths: list[int] = vae["block_out_channels"]
    return VAE_MAPS * image_size**2 * (widths[1] if len(widths) > 1 else widths[0])
