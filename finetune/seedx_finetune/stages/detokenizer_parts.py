"""The parts of a de-tokenizer on disk: what their configuration files say, and their weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from pydantic import Field

from seedx_finetune.errors import ConfigError
from seedx_finetune.stages.initial import CheckpointInitial
from seedx_finetune.stages.released_sizes import SDXL_SCHEDULER, SDXL_UNET, SDXL_VAE
from seedx_finetune.training.config import Config
from seedx_sdk.checkpoints.directory import quiet_libraries
from seedx_sdk.model.config import VisualEncoderConfig
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler
from seedx_sdk.model.unet import narrow_conv_in, takes_condition, widen_conv_in

__all__ = ["NewResampler", "Parts", "Sizes", "read_sizes"]


class NewResampler(Config):
    """A resampler with random weights; its other widths follow from the U-Net and the visual encoder.

    Defaults: configs/sdxl_adapter/sdxl_qwen_vit_resampler_l4_q64_pretrain_no_normalize.yaml of the reference.
    """

    depth: int = Field(4, gt=0)
    """Layers of cross-attention (paper, appendix B)."""
    dim: int = Field(1024, gt=0)
    """Width of the latents."""
    heads: int = Field(16, gt=0)
    dim_head: int = Field(64, gt=0)
    num_queries: int = Field(64, gt=0)
    """Latents, which the U-Net reads in the place of the text's tokens."""
    seed: int = 0
    """Of the random weights."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """What the configuration files of the parts say."""

    unet: Mapping[str, Any]
    vae: Mapping[str, Any]
    scheduler: Mapping[str, Any]
    resampler: Mapping[str, Any]
    encoder: VisualEncoderConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """The modules of a de-tokenizer."""

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    resampler: DetokenizerResampler

    @classmethod
    def on_meta(cls, sizes: Sizes, *, condition: bool) -> Parts:
        """Return modules without weights."""
        with torch.device("meta"):
            return cls(
                unet=_with_condition(UNet2DConditionModel.from_config(dict(sizes.unet)), condition),
                vae=AutoencoderKL.from_config(dict(sizes.vae)),
                resampler=DetokenizerResampler.from_config(dict(sizes.resampler)),
            )

    @classmethod
    def read(cls, start: Path, sizes: Sizes, new: NewResampler | None, *, condition: bool) -> Parts:
        """Return the modules of a diffusers directory in float32, on the CPU."""
        with quiet_libraries():
            if new is None:
                resampler = DetokenizerResampler.from_pretrained(start / "resampler", torch_dtype=torch.float32)
            else:
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(new.seed)
                    resampler = DetokenizerResampler.from_config(dict(sizes.resampler))
            return cls(
                unet=_with_condition(
                    UNet2DConditionModel.from_pretrained(start / "unet", torch_dtype=torch.float32), condition
                ),
                vae=AutoencoderKL.from_pretrained(start / "vae", torch_dtype=torch.float32),
                resampler=resampler,
            )


def _with_condition(unet: UNet2DConditionModel, condition: bool) -> UNet2DConditionModel:
    if takes_condition(unet) == condition:
        return unet
    return widen_conv_in(unet) if condition else narrow_conv_in(unet)


def read_sizes(start: Path, encoder: Path, new: NewResampler | None) -> Sizes:
    """Return what the configuration files say; a directory that is not there counts as the released one.

    Raises:
        ConfigError: If a directory is there and lacks a part, or parts do not fit one another.
    """
    encoder_sizes = CheckpointInitial(directory=encoder).describe().config.visual_encoder
    there = start.is_dir()
    unet = _config(start, "unet", "config.json") if there else SDXL_UNET
    fresh = _resampler_sizes(new or NewResampler(), unet, encoder_sizes)
    resampler = _config(start, "resampler", "config.json") if there and new is None else fresh
    for name in ("embedding_dim", "output2_dim"):
        if resampler[name] != fresh[name]:
            raise ConfigError(
                f"the resampler of {start} has {name} {resampler[name]}, and with the visual encoder of {encoder} it "
                f"must be {fresh[name]}; take parts that belong together, or a new_resampler"
            )
    return Sizes(
        unet=unet,
        vae=_config(start, "vae", "config.json") if there else SDXL_VAE,
        scheduler=_config(start, "scheduler", "scheduler_config.json") if there else SDXL_SCHEDULER,
        resampler=resampler,
        encoder=encoder_sizes,
    )


def _resampler_sizes(new: NewResampler, unet: Mapping[str, Any], encoder: VisualEncoderConfig) -> dict[str, Any]:
    """Return the arguments of a resampler whose outputs fit the U-Net: [first | second] as tokens, second as pooled."""
    pooled = unet["projection_class_embeddings_input_dim"] - 6 * unet["addition_time_embed_dim"]
    return {
        **new.model_dump(exclude={"seed"}),
        "embedding_dim": encoder.output_dim,
        "output1_dim": unet["cross_attention_dim"] - pooled,
        "output2_dim": pooled,
    }


def _config(start: Path, part: str, name: str) -> dict[str, Any]:
    path = start / part / name
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path} cannot be read ({error}); give a diffusers directory with unet, vae and scheduler, and with the "
            "resampler of a trained de-tokenizer unless the stage makes a new one"
        ) from error
    return values
