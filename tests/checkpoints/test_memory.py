from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from seedx_sdk.checkpoints.directory import load_directory
from seedx_sdk.checkpoints.info import read_directory
from seedx_sdk.checkpoints.memory import serving_memory
from seedx_sdk.checkpoints.model_sizes import RELEASED
from seedx_sdk.engine import NANO
from seedx_sdk.model.config import VisualEncoderConfig
from seedx_sdk.model.visual_encoder import VisualEncoder


def test_parameters_are_those_of_the_released_sizes() -> None:
    with torch.device("meta"):
        encoder = VisualEncoder(
            VisualEncoderConfig(
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
        )
        unet = UNet2DConditionModel(  # SDXL base with the eight input channels of the second stage
            sample_size=128,
            in_channels=8,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            block_out_channels=(320, 640, 1280),
            transformer_layers_per_block=(1, 2, 10),
            attention_head_dim=(5, 10, 20),
            cross_attention_dim=2048,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
            use_linear_projection=True,
        )
    assert sum(tensor.numel() for tensor in encoder.state_dict().values()) == RELEASED.visual_encoder
    assert sum(tensor.numel() for tensor in unet.parameters()) == RELEASED.unet
    layer = 4 * 5120**2 + 3 * 5120 * 13824 + 2 * 5120
    assert 40 * layer + 5120 + 2 * 32330 * 5120 == RELEASED.llm
    assert RELEASED.llm_matrices == 40 * (layer - 2 * 5120)


def test_memory_counts_what_is_loaded() -> None:
    info = read_directory(NANO)
    parts = load_directory(NANO)
    modules = [parts.visual_encoder, parts.lvlm, parts.specialists["edit"], *parts.detokenizer.components.values()]
    tensors = [t for m in modules if isinstance(m, torch.nn.Module) for t in m.state_dict().values()]
    assert info.memory["float32"].weights == 4 * sum(t.numel() for t in tensors)
    assert (info.specialists, info.revision) == (("edit",), parts.config.revision)


def test_memory_of_the_released_sizes() -> None:
    """13.0 B + 1.9 B + 0.2 B + 2.6 B parameters; two bytes for each of 2 x 40 layers x 40 heads x 128 per token."""
    counts = json.loads((Path(__file__).with_name("released_shapes.json")).read_text())["parameter_counts"]
    unet = {"block_out_channels": [320, 640, 1280], "layers_per_block": 2}
    unet["down_block_types"] = ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"]
    vae = {"block_out_channels": [128, 256, 512, 512], "force_upcast": True}
    llm = {"hidden_size": 5120, "num_attention_heads": 40, "num_hidden_layers": 40, "max_position_embeddings": 4096}
    need = serving_memory(
        {
            "llm": counts["llm"],
            "visual_encoder": counts["vit"],
            "projectors": counts["input_resampler"] + counts["output_resampler"],
            "detokenizer/unet": counts["unet4"],
            "detokenizer_edit/unet": counts["unet8"],
            "detokenizer_edit/resampler": counts["detok_resampler"],
        },
        llm=llm,
        unet=unet,
        vae=vae,
        image_size=1024,
    )
    loaded = sum(counts[name] for name in counts if name != "unet4")
    assert need["bfloat16"].weights == 2 * loaded
    assert need["bfloat16"].kv_cache_per_token == 2 * 2 * 40 * 5120
    assert need["bfloat16"].kv_cache == 4096 * 819_200
    assert need["float16"].image_generation == 4 * 1024**2 * 256 * 4  # the VAE decodes in float32
    assert need["bfloat16"].image_generation == 4 * 1024**2 * 256 * 2
    assert round(need["float16"].total / 1e9, 1) == 43.2


def test_the_released_unet_has_the_released_names() -> None:
    """The counts that the listing of the released files gives for the de-tokenizer's U-Net."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(
            sample_size=128,
            block_out_channels=(320, 640, 1280),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            transformer_layers_per_block=(1, 2, 10),
            attention_head_dim=(5, 10, 20),
            cross_attention_dim=2048,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
        )
    assert (len(unet.state_dict()), sum(p.numel() for p in unet.parameters())) == (1680, 2567463684)
