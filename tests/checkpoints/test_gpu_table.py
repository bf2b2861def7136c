from __future__ import annotations

from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

from seedx_sdk.checkpoints import gpu_table as table
from seedx_sdk.checkpoints.gpu_table import memory_table, needed_bytes
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
    assert sum(tensor.numel() for tensor in encoder.state_dict().values()) == table.VISUAL_ENCODER
    assert sum(tensor.numel() for tensor in unet.parameters()) == table.UNET
    layer = 4 * 5120**2 + 3 * 5120 * 13824 + 2 * 5120
    assert 40 * layer + 5120 + 2 * 32330 * 5120 == table.LLM


def test_what_is_offloaded_or_tiled_needs_less() -> None:
    def gb(*, offload: bool = False, batch: int = 1, beside_llm: bool = False, side: int = 1024) -> float:
        return needed_bytes(dtype="bfloat16", offload=offload, batch=batch, beside_llm=beside_llm, side=side) / 1e9

    assert gb(offload=True) < gb() < gb(batch=8) < gb(beside_llm=True)
    assert needed_bytes(dtype="float32", offload=False, batch=1, beside_llm=False) > 1e9 * gb()
    tiled = needed_bytes(dtype="bfloat16", offload=False, batch=1, beside_llm=False, side=2048, tile_side=512)
    assert tiled < 1e9 * gb(side=2048)


def test_every_gpu_has_options_where_16_bits_of_the_language_model_fit() -> None:
    rows = {(row.gpu_gb, row.beside_llm, row.dtype): row for row in memory_table()}
    assert all(row.needed_gb <= row.gpu_gb for row in rows.values())
    assert {gpu for gpu, beside, dtype in rows if not beside and dtype == "bfloat16"} == {24, 40, 80, 141}
    assert {gpu for gpu, beside, dtype in rows if beside and dtype == "bfloat16"} == {40, 80, 141}  # 26 GB of weights
    assert not rows[(24, False, "bfloat16")].offload
    assert rows[(40, True, "bfloat16")].offload


def test_the_documented_table_is_the_computed_one() -> None:
    written = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
    yes = {True: "yes", False: "no"}
    rows = [
        f"| {r.gpu_gb} | {yes[r.beside_llm]} | {r.dtype} | {yes[r.offload]} | {r.max_batch} | {r.needed_gb} |"
        for r in memory_table()
    ]
    assert "|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n\n" in written
