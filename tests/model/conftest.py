"""Tiny models with random weights; every size differs from the others, so that a mixed-up axis shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the model's libraries are not installed: pip install 'seedx-sdk[local]'")

from diffusers import UNet2DConditionModel  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402

from seedx_sdk.model.config import LVLMConfig, ResamplerConfig  # noqa: E402
from seedx_sdk.model.detokenizer import Detokenizer  # noqa: E402
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler  # noqa: E402
from seedx_sdk.model.lvlm import LVLM  # noqa: E402
from seedx_sdk.model.tokenizer import Tokenizer  # noqa: E402
from seedx_sdk.tokens import TokenIds  # noqa: E402
from tests.support.tiny_models import tiny_detokenizer, tiny_resampler, tiny_unet  # noqa: E402

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


@pytest.fixture
def make_unet() -> Callable[[], UNet2DConditionModel]:
    return tiny_unet


@pytest.fixture
def make_resampler() -> Callable[[], DetokenizerResampler]:
    return tiny_resampler


@pytest.fixture
def make_detokenizer() -> Callable[..., Detokenizer]:
    return tiny_detokenizer
