from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the model's libraries are not installed: pip install 'seedx-sdk[local]'")

from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel  # noqa: E402

from seedx_sdk.model.detokenizer import Detokenizer  # noqa: E402
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler  # noqa: E402
from seedx_sdk.model.lvlm import LVLM  # noqa: E402
from seedx_sdk.model.tokenizer import Tokenizer  # noqa: E402
from seedx_sdk.testing.tiny import tiny_detokenizer, tiny_llm, tiny_lvlm, tiny_resampler, tiny_unet  # noqa: E402
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
    return tiny_lvlm(tiny_llm(len(tokenizer)), num_image_tokens=16)


def _detokenizer(*, stage: int) -> Detokenizer:
    torch.manual_seed(stage)
    return tiny_detokenizer(stage=stage)


@pytest.fixture
def make_unet() -> Callable[[], UNet2DConditionModel]:
    return tiny_unet


@pytest.fixture
def make_resampler() -> Callable[[], DetokenizerResampler]:
    return tiny_resampler


@pytest.fixture
def make_detokenizer() -> Callable[..., Detokenizer]:
    return tiny_detokenizer
