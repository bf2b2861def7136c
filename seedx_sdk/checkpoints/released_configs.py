"""The sizes of the released modules, read off the shapes of their tensors.

What shapes cannot tell (numbers of heads, the side of an image) is the same for every released file and is given here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from seedx_sdk.checkpoints.tensor_files import TensorSource
from seedx_sdk.errors import ModelError
from seedx_sdk.model.config import LVLMConfig, ResamplerConfig, VisualEncoderConfig

__all__ = ["detokenizer_resampler_sizes", "lvlm_config", "shape_of", "visual_encoder_config"]

IMAGE_SIZE = 448
"""Source: configs/visual_encoder/qwen_vitg_448.yaml."""
VIT_HEADS = 16
"""Source: the same."""
POOL_HEAD_WIDTH = 128
"""Source: VisionTransformerWithAttnPool in qwen_visual.py."""
PROJECTOR_HEADS = 32
"""Of both resamplers beside the LLM. Source: configs/clm_models/agent_seed_x_i.yaml, also for the losses below."""
DETOKENIZER_HEAD_WIDTH = 64
"""Source: configs/sdxl_adapter/sdxl_qwen_vit_resampler_l4_q64_pretrain_no_normalize.yaml."""

Tensors = Mapping[str, TensorSource]


def shape_of(tensors: Tensors, name: str, rank: int) -> tuple[int, ...]:
    """Return the shape of a tensor from which sizes are read.

    Raises:
        ModelError: If it is not there or has another number of axes.
    """
    if name not in tensors:
        path = next((place.path for place in tensors.values()), "the file")
        raise ModelError(
            f"{path} has no {name!r}, so it is not the file of that part; compare your directories "
            "with those that the reference's README.md lists"
        )
    shape = tuple(tensors[name].meta.shape)
    if len(shape) != rank:
        raise ModelError(
            f"{name!r} of {tensors[name].path} has shape {shape}; it must have {rank} axes; download it again"
        )
    return shape


def visual_encoder_config(tensors: Tensors) -> VisualEncoderConfig:
    """Return the sizes of the visual encoder; raise as `shape_of` does."""
    width, _, patch_size, _ = shape_of(tensors, "conv1.weight", 4)
    hidden, _ = shape_of(tensors, "transformer.resblocks.0.mlp.c_fc.weight", 2)
    output_dim, _ = shape_of(tensors, "proj", 2)
    return VisualEncoderConfig(
        image_size=IMAGE_SIZE,
        patch_size=patch_size,
        width=width,
        layers=_count(tensors, r"transformer\.resblocks\.(\d+)\."),
        heads=VIT_HEADS,
        mlp_ratio=math.ceil(hidden / width * 10_000) / 10_000,  # int(width * ratio) is hidden again; 4.9231 as released
        n_queries=shape_of(tensors, "attn_pool.query", 2)[0],
        output_dim=output_dim,
        pool_heads=max(1, output_dim // POOL_HEAD_WIDTH),
        num_positions=shape_of(tensors, "positional_embedding", 2)[0],
    )


def lvlm_config(tensors: Tensors) -> LVLMConfig:
    """Return the sizes of what surrounds the language model; raise as `shape_of` does."""
    return LVLMConfig(
        input_resampler=_resampler_config(tensors, "input_resampler"),
        output_resampler=_resampler_config(tensors, "output_resampler"),
        add_patch_pos=True,
        vit_down=True,
        rec_loss="mse",
        lm_loss_scale=1.0,
        rec_loss_scale=6.0,
    )


def _resampler_config(tensors: Tensors, prefix: str) -> ResamplerConfig:
    num_queries, embed_dim = shape_of(tensors, f"{prefix}.query", 2)
    projection = f"{prefix}.kv_proj.weight"
    return ResamplerConfig(
        grid_size=math.isqrt(num_queries),
        embed_dim=embed_dim,
        num_heads=PROJECTOR_HEADS,
        kv_dim=shape_of(tensors, projection, 2)[1] if projection in tensors else embed_dim,
    )


def detokenizer_resampler_sizes(tensors: Tensors) -> dict[str, Any]:
    """Return the arguments of `DetokenizerResampler`; raise as `shape_of` does."""
    _, num_queries, dim = shape_of(tensors, "latents", 3)
    inner, _ = shape_of(tensors, "layers.0.0.to_q.weight", 2)
    hidden, _ = shape_of(tensors, "layers.0.1.1.weight", 2)
    return {
        "dim": dim,
        "depth": _count(tensors, r"layers\.(\d+)\."),
        "dim_head": DETOKENIZER_HEAD_WIDTH,
        "heads": max(1, inner // DETOKENIZER_HEAD_WIDTH),
        "num_queries": num_queries,
        "embedding_dim": shape_of(tensors, "proj_in.weight", 2)[1],
        "output1_dim": shape_of(tensors, "unet_proj_1.weight", 2)[0],
        "output2_dim": shape_of(tensors, "unet_proj_2.weight", 2)[0],
        "ff_mult": hidden // dim,
    }


def _count(tensors: Tensors, pattern: str) -> int:
    """Return the number of blocks whose tensors' names match."""
    return len({match[1] for name in tensors if (match := re.match(pattern, name))})
