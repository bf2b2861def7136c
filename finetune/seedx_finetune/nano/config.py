"""Sizes of seed-x-nano's parts, and what its training stages share."""

from __future__ import annotations

from seedx_finetune.nano.trainer import TrainConfig
from seedx_sdk.model.config import LVLMConfig, ResamplerConfig, VisualEncoderConfig
from seedx_sdk.model.lvlm import POOL
from seedx_sdk.model.unet import COORDINATES

IMAGE_SIZE = 128
LATENT_CHANNELS = 8
LATENT_SIDE = IMAGE_SIZE // 8

VISUAL_ENCODER = VisualEncoderConfig(
    image_size=IMAGE_SIZE,
    patch_size=8,
    width=192,
    layers=5,
    heads=6,
    mlp_ratio=4.0,
    n_queries=256,
    output_dim=256,
    pool_heads=POOL,
)
VAE = {
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": LATENT_CHANNELS,
    "block_out_channels": (16, 32, 64, 96),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 1,
    "norm_num_groups": 1,
    "mid_block_add_attention": False,
    "sample_size": IMAGE_SIZE,
}
LLM = {"hidden_size": 256, "layers": 6, "heads": 4, "mlp": 704}
LVLM_CONFIG = LVLMConfig(
    input_resampler=ResamplerConfig(grid_size=8, embed_dim=256, num_heads=4, kv_dim=256),
    output_resampler=ResamplerConfig(grid_size=8, embed_dim=256, num_heads=4, kv_dim=256),
    add_patch_pos=True,
    vit_down=True,
    rec_loss="mse",
    lm_loss_scale=1.0,
    rec_loss_scale=10.0,
)
UNET = {
    "sample_size": LATENT_SIDE,
    "in_channels": LATENT_CHANNELS + COORDINATES,
    "out_channels": LATENT_CHANNELS,
    "block_out_channels": (96, 128),
    "down_block_types": ("CrossAttnDownBlock2D",) * 2,
    "up_block_types": ("CrossAttnUpBlock2D",) * 2,
    "layers_per_block": 1,
    "attention_head_dim": (3, 4),
    "transformer_layers_per_block": 1,
    "norm_num_groups": 16,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 16,
    "projection_class_embeddings_input_dim": 6 * 16 + 64,
    "cross_attention_dim": 32 + 64,
}
DETOKENIZER_RESAMPLER = {
    "dim": 256,
    "depth": 2,
    "dim_head": 64,
    "heads": 4,
    "num_queries": LATENT_SIDE**2,
    "embedding_dim": 256,
    "output1_dim": 32,
    "output2_dim": 64,
}
LVLM_TRAINING = TrainConfig(steps=1, batch_size=16, learning_rate=1.5e-3, ema_decay=0.99, muon=("lora_",))
"""What the stages of the multimodal model share; each says its own steps and seed."""
DETOKENIZER_TRAINING = TrainConfig(
    steps=1,
    batch_size=24,
    learning_rate=1.5e-3,
    weight_decay=0.01,
    ema_decay=0.997,
    slow=("attn2.to_q", "attn2.to_k"),
    muon=("attentions", "resampler.layers"),
)
"""What the stages of the de-tokenizer share; each says its own steps and seed."""
NOISE_SCHEDULE = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
}


AUTOENCODER_TRAINING = TrainConfig(steps=1, batch_size=8, learning_rate=1.5e-3, weight_decay=0.01, ema_decay=0.995)
"""What the stages of the VAE share; each says its own steps and seed."""
