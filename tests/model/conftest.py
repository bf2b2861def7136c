"""Tiny models with random weights; every size differs from the others, so that a mixed-up axis shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the model's libraries are not installed: pip install 'seedx-sdk[local]'")

from diffusers import AutoencoderKL, EulerDiscreteScheduler, UNet2DConditionModel  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402

from seedx_sdk.model.config import LVLMConfig, ResamplerConfig  # noqa: E402
from seedx_sdk.model.detokenizer import Detokenizer  # noqa: E402
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler  # noqa: E402
from seedx_sdk.model.lvlm import LVLM  # noqa: E402
from seedx_sdk.model.tokenizer import Tokenizer  # noqa: E402
from seedx_sdk.model.unet import widen_conv_in  # noqa: E402
from seedx_sdk.tokens import TokenIds  # noqa: E402

TOKENIZER = Path(__file__).resolve().parents[1] / "parity" / "golden" / "tokenizer"


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_pretrained(TOKENIZER)


@pytest.fixture(scope="session")
def tokens(tokenizer: Tokenizer) -> TokenIds:
    return tokenizer.token_ids(16)


@pytest.fixture
def lvlm(tokenizer: Tokenizer) -> LVLM:
    torch.manual_seed(3)
    llm = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=40,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=64,
            initializer_range=0.3,
        )
    )
    config = LVLMConfig(
        input_resampler=ResamplerConfig(grid_size=4, embed_dim=40, num_heads=4, kv_dim=24),
        output_resampler=ResamplerConfig(grid_size=4, embed_dim=24, num_heads=2, kv_dim=40),
        add_patch_pos=True,
        vit_down=True,
        rec_loss="mse",
        lm_loss_scale=1.0,
        rec_loss_scale=6.0,
    )
    return LVLM(llm, config).eval()


def _unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
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


def _resampler() -> DetokenizerResampler:
    return DetokenizerResampler(
        dim=32, depth=1, dim_head=8, heads=4, num_queries=9, embedding_dim=20, output1_dim=16, output2_dim=24
    ).eval()


def _detokenizer(*, stage: int) -> Detokenizer:
    torch.manual_seed(stage)
    unet = _unet()
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
    pipeline = Detokenizer(unet, vae, EulerDiscreteScheduler(), _resampler())
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture
def make_unet() -> Callable[[], UNet2DConditionModel]:
    return _unet


@pytest.fixture
def make_resampler() -> Callable[[], DetokenizerResampler]:
    return _resampler


@pytest.fixture
def make_detokenizer() -> Callable[..., Detokenizer]:
    return _detokenizer
