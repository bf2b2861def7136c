"""Parts of every kind at the smallest sizes that the recipes take: 256 features of an image, 64 image tokens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs its libraries: pip install 'seedx-sdk[train]'")

from diffusers import AutoencoderKL, UNet2DConditionModel  # noqa: E402

from seedx_finetune.data.page_code import WIDTH  # noqa: E402
from seedx_finetune.recipes.language_model import new_language_model, train_tokenizer  # noqa: E402
from seedx_sdk.model.config import LVLMConfig, ResamplerConfig, VisualEncoderConfig  # noqa: E402
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler  # noqa: E402
from seedx_sdk.model.lvlm import LVLM  # noqa: E402
from seedx_sdk.model.tokenizer import Tokenizer  # noqa: E402
from seedx_sdk.model.visual_encoder import VisualEncoder  # noqa: E402


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return train_tokenizer(tmp_path_factory.mktemp("tokenizer"), vocab_size=420, seed=1, num_texts=150)


@pytest.fixture
def make_encoder() -> Callable[[], VisualEncoder]:
    def make() -> VisualEncoder:
        return VisualEncoder(
            VisualEncoderConfig(
                image_size=32,
                patch_size=2,
                width=24,
                layers=1,
                heads=2,
                mlp_ratio=2.0,
                n_queries=256,
                output_dim=WIDTH,
                pool_heads=4,
            )
        )

    return make


@pytest.fixture
def make_vae() -> Callable[[], AutoencoderKL]:
    def make() -> AutoencoderKL:
        return AutoencoderKL(
            latent_channels=3,
            block_out_channels=(8, 8),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            layers_per_block=1,
            norm_num_groups=4,
            mid_block_add_attention=False,
            sample_size=32,
        )

    return make


@pytest.fixture
def make_lvlm(tokenizer: Tokenizer) -> Callable[[], LVLM]:
    def make() -> LVLM:
        return LVLM(
            new_language_model(tokenizer, hidden_size=32, layers=2, heads=2, mlp=48),
            LVLMConfig(
                input_resampler=ResamplerConfig(grid_size=8, embed_dim=32, num_heads=2, kv_dim=WIDTH),
                output_resampler=ResamplerConfig(grid_size=8, embed_dim=WIDTH, num_heads=2, kv_dim=32),
                add_patch_pos=True,
                vit_down=True,
                rec_loss="mse",
                lm_loss_scale=1.0,
                rec_loss_scale=6.0,
            ),
        )

    return make


@pytest.fixture
def make_unet() -> Callable[[], UNet2DConditionModel]:
    def make() -> UNet2DConditionModel:
        return UNet2DConditionModel(
            sample_size=16,
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
        )

    return make


@pytest.fixture
def make_resampler() -> Callable[[], DetokenizerResampler]:
    def make() -> DetokenizerResampler:
        return DetokenizerResampler(
            dim=32, depth=1, dim_head=8, heads=4, num_queries=9, embedding_dim=WIDTH, output1_dim=16, output2_dim=24
        )

    return make


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"
