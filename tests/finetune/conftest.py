"""Parts of every kind at the smallest sizes that the recipes take: 256 features of an image, 64 image tokens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs its libraries: pip install 'seedx-sdk[train]'")

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL  # noqa: E402
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel  # noqa: E402

from seedx_finetune.nano.language_model import new_language_model, train_tokenizer  # noqa: E402
from seedx_finetune.nano.page_code import WIDTH  # noqa: E402
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler  # noqa: E402
from seedx_sdk.model.lvlm import LVLM  # noqa: E402
from seedx_sdk.model.tokenizer import Tokenizer  # noqa: E402
from seedx_sdk.model.visual_encoder import VisualEncoder  # noqa: E402
from seedx_sdk.testing.tiny import tiny_lvlm, tiny_resampler, tiny_unet, tiny_vae, tiny_visual_encoder  # noqa: E402


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return train_tokenizer(tmp_path_factory.mktemp("tokenizer"), vocab_size=420, seed=1, num_texts=150)


@pytest.fixture
def make_encoder() -> Callable[[], VisualEncoder]:
    return lambda: tiny_visual_encoder(image_size=32, patch_size=2, output_dim=WIDTH).train()


@pytest.fixture
def make_vae() -> Callable[[], AutoencoderKL]:
    return lambda: tiny_vae(mid_block_add_attention=False, sample_size=32).train()


@pytest.fixture
def make_lvlm(tokenizer: Tokenizer) -> Callable[[], LVLM]:
    def make() -> LVLM:
        llm = new_language_model(tokenizer, hidden_size=32, layers=2, heads=2, mlp=48)
        return tiny_lvlm(llm, feature_dim=WIDTH, num_heads=2).train()

    return make


@pytest.fixture
def make_unet() -> Callable[[], UNet2DConditionModel]:
    return lambda: tiny_unet(sample_size=16).train()


@pytest.fixture
def make_resampler() -> Callable[[], DetokenizerResampler]:
    return lambda: tiny_resampler(embedding_dim=WIDTH).train()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"
