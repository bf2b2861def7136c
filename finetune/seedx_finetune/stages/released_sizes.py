"""Sizes of the released parts, for plans that are made without their weights."""

from __future__ import annotations

from typing import Any

from seedx_sdk.model.config import VisualEncoderConfig

__all__ = ["LLAMA_2_13B", "QWEN_VIT_G", "SDXL_SCHEDULER", "SDXL_UNET", "SDXL_VAE"]

LLAMA_2_13B: dict[str, Any] = {
    "hidden_size": 5120,
    "num_hidden_layers": 40,
    "num_attention_heads": 40,
    "num_key_value_heads": 40,
    "intermediate_size": 13824,
    "rms_norm_eps": 1e-5,
    "max_position_embeddings": 4096,
    "vocab_size": 32330,
}
"""Source: config.json of Llama-2-13b-chat-hf, and the vocabulary of the released models."""
QWEN_VIT_G = VisualEncoderConfig(
    image_size=448,
    patch_size=14,
    width=1664,
    layers=48,
    heads=16,
    mlp_ratio=4.9231,
    n_queries=256,
    output_dim=4096,
    pool_heads=32,
)
"""Source: configs/visual_encoder/qwen_vitg_448.yaml."""
SDXL_UNET: dict[str, Any] = {
    "sample_size": 128,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "layers_per_block": 2,
    "attention_head_dim": (5, 10, 20),
    "transformer_layers_per_block": (1, 2, 10),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
    "cross_attention_dim": 2048,
}
"""Source: unet/config.json of stable-diffusion-xl-base-1.0, also for the next two."""
SDXL_VAE: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "sample_size": 1024,
    "scaling_factor": 0.13025,
}
SDXL_SCHEDULER: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "timestep_spacing": "leading",
    "steps_offset": 1,
}
