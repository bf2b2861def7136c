"""Tiny de-tokenizers with random weights; every size differs from the others, so that a mixed-up axis shows."""

from __future__ import annotations

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler

from seedx_sdk.model.detokenizer import Detokenizer
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler
from seedx_sdk.model.unet import widen_conv_in


def tiny_unet() -> UNet2DConditionModel:
    unet: UNet2DConditionModel = UNet2DConditionModel(
        sample_size=8,
        in_channels=3,
        out_channels=3,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4),
        norm_num_groups=4,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=24 + 6 * 8,
        cross_attention_dim=16 + 24,
    ).eval()
    return unet


def tiny_resampler() -> DetokenizerResampler:
    resampler: DetokenizerResampler = DetokenizerResampler(
        dim=32, depth=1, dim_head=8, heads=4, num_queries=9, embedding_dim=20, output1_dim=16, output2_dim=24
    ).eval()
    return resampler


def tiny_detokenizer(*, stage: int) -> Detokenizer:
    torch.manual_seed(stage)
    unet = tiny_unet()
    vae = AutoencoderKL(
        latent_channels=3,
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=4,
        sample_size=16,
        scaling_factor=0.5,
    ).eval()
    if stage == 2:
        unet = widen_conv_in(unet).eval()
        torch.nn.init.normal_(unet.conv_in.weight[:, 3:], std=0.1)
    pipeline = Detokenizer(unet, vae, EulerDiscreteScheduler(), tiny_resampler())
    pipeline.set_progress_bar_config(disable=True)  # type: ignore[no-untyped-call]
    return pipeline
