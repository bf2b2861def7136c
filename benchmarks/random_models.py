"""Models with random weights, at the released sizes or tiny ones: speed and memory are those of a trained model.

The parts are made by `seedx_sdk.testing.tiny`, on the device and in the type that they are measured in.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from seedx_sdk.checkpoints.config import DirectoryConfig, FastSampling, GenerationDefaults
from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.checkpoints.model_sizes import RELEASED as RELEASED_SIZES
from seedx_sdk.checkpoints.model_sizes import ModelSizes
from seedx_sdk.engine import NANO
from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.testing.tiny import (
    FEATURE_DIM,
    IMAGE_SIZE,
    TOKENIZER_FILES,
    tiny_detokenizer,
    tiny_llm,
    tiny_lvlm,
    tiny_resampler,
    tiny_unet,
    tiny_vae,
    tiny_visual_encoder,
)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Arguments of the functions of `seedx_sdk.testing.tiny`."""

    unet: Mapping[str, Any]
    vae: Mapping[str, Any]
    resampler: Mapping[str, Any]
    encoder: Mapping[str, Any]
    llm: Mapping[str, Any]
    feature_dim: int
    heads: int
    """Of the two resamplers beside the language model."""
    vocab_size: int
    image_size: int


RELEASED = Sizes(
    unet={
        "sample_size": 128,
        "in_channels": 8,
        "out_channels": 4,
        "block_out_channels": (320, 640, 1280),
        "layers_per_block": 2,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 10),
        "attention_head_dim": (5, 10, 20),
        "norm_num_groups": 32,
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
        "cross_attention_dim": 2048,
    },
    vae={
        "latent_channels": 4,
        "block_out_channels": (128, 256, 512, 512),
        "layers_per_block": 2,
        "norm_num_groups": 32,
        "sample_size": 1024,
        "scaling_factor": 0.13025,
    },
    resampler={
        "dim": 1024,
        "depth": 4,
        "dim_head": 64,
        "heads": 16,
        "num_queries": 64,
        "embedding_dim": 4096,
        "output1_dim": 768,
        "output2_dim": 1280,
    },
    encoder={
        "image_size": 448,
        "patch_size": 14,
        "width": 1664,
        "layers": 48,
        "heads": 16,
        "mlp_ratio": 4.9231,
        "output_dim": 4096,
        "pool_heads": 32,
    },
    llm={
        "hidden_size": 5120,
        "num_hidden_layers": 40,
        "num_attention_heads": 40,
        "num_key_value_heads": 40,
        "intermediate_size": 13824,
        "initializer_range": 0.02,
        "max_position_embeddings": 4096,
    },
    feature_dim=4096,
    heads=32,
    vocab_size=32330,
    image_size=1024,
)
TINY = Sizes(
    unet={"in_channels": 6},
    vae={},
    resampler={},
    encoder={},
    # vLLM's attention on a CPU takes heads of 32 numbers or more
    llm={"hidden_size": 128, "num_attention_heads": 4, "num_key_value_heads": 4, "initializer_range": 0.02},
    feature_dim=FEATURE_DIM,
    heads=4,
    vocab_size=len(Tokenizer.from_pretrained(NANO / "llm")),
    image_size=IMAGE_SIZE,
)
STEPS = 30
"""Of the reference's default sampling."""
FAST_STEPS = 12
"""Of the few-step sampling of the shipped model."""


@contextmanager
def made_on(device: str, dtype: torch.dtype, seed: int) -> Iterator[None]:
    """Make the modules of the block on a device, in a type, with weights that follow the seed."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_default_dtype(before)


def image_parts(sizes: Sizes, device: str, dtype: torch.dtype, *, seed: int, edits: bool = True) -> ModelParts:
    """Return everything but the language model; its de-tokenizer takes a condition image if it edits."""
    channels = int(sizes.unet["in_channels"]) // (1 if edits else 2)
    with made_on(device, dtype, seed):
        unet = tiny_unet(**{**sizes.unet, "in_channels": channels})
        vae, resampler = tiny_vae(**sizes.vae), tiny_resampler(**sizes.resampler)
        encoder = tiny_visual_encoder(**sizes.encoder)
        lvlm = _lvlm(sizes, on_meta=True)
    detokenizer = tiny_detokenizer(stage=1, unet=unet, vae=vae, resampler=resampler)  # the U-Net is wide already
    for module in (encoder, lvlm, detokenizer.unet, detokenizer.vae, detokenizer.resampler):
        module.requires_grad_(False)
    config = DirectoryConfig(
        name="random weights",
        visual_encoder=encoder.config,
        lvlm=lvlm.config,
        read_grids=("1x1",),
        image_size=sizes.image_size,
        sizes="its weights are random, so all sizes are alike",
        in_domain_psnr=None,
        generation=GenerationDefaults(
            num_inference_steps=STEPS, guidance_scale=7.5, image_guidance_scale=1.5, max_new_tokens=64, temperature=0.0
        ),
        files={},
    )
    fast = FastSampling(solver="dpmsolver++", num_inference_steps=FAST_STEPS, revision=config.revision)
    return ModelParts(
        config=replace(config, generation=replace(config.generation, fast=fast)),
        tokenizer=Tokenizer.from_pretrained(NANO / "llm"),
        visual_encoder=encoder,
        lvlm=lvlm,
        detokenizer=detokenizer,
    )


def language_model(sizes: Sizes, device: str, dtype: torch.dtype, *, seed: int) -> LVLM:
    """Return the language model with its resamplers."""
    with made_on(device, dtype, seed):
        return _lvlm(sizes, on_meta=False).requires_grad_(False)


def _lvlm(sizes: Sizes, *, on_meta: bool) -> LVLM:
    if on_meta:
        with torch.device("meta"):
            llm = tiny_llm(sizes.vocab_size, **sizes.llm)
    else:
        llm = tiny_llm(sizes.vocab_size, **sizes.llm)
    return tiny_lvlm(llm, feature_dim=sizes.feature_dim, num_heads=sizes.heads)


def write_language_model(model: LVLM, directory: Path) -> Path:
    """Write what vLLM reads of a checkpoint directory, with the shipped tokenizer, and return its path."""
    model.causal_lm.save_pretrained(directory / "llm")
    for name in TOKENIZER_FILES:
        shutil.copy(NANO / "llm" / name, directory / "llm" / name)
    return directory


def model_sizes(parts: ModelParts) -> ModelSizes:
    """Return what the memory plan has to know of a model."""
    detokenizer = parts.detokenizer
    counts = {
        "llm": parts.lvlm.causal_lm,
        "visual_encoder": parts.visual_encoder,
        "detokenizer_edit/unet": detokenizer.unet,
        "detokenizer_edit/resampler": detokenizer.resampler,
        "detokenizer_edit/vae": detokenizer.vae,
    }
    parameters = {name: sum(p.numel() for p in module.parameters()) for name, module in counts.items()}
    parameters["projectors"] = sum(p.numel() for p in parts.lvlm.parameters()) - parameters["llm"]
    found = ModelSizes.of(
        parameters,
        llm=parts.lvlm.causal_lm.config.to_dict(),
        unet=dict(detokenizer.unet.config),
        vae=dict(detokenizer.vae.config),
        image_size=parts.config.image_size,
    )
    assert found.llm != RELEASED_SIZES.llm or found.llm_matrices == RELEASED_SIZES.llm_matrices
    return found
