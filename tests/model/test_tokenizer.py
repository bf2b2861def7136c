from __future__ import annotations

from pathlib import Path

import pytest

from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.tokens import TokenIds, image_block, input_mask

TOKENIZER = Path(__file__).resolve().parents[1] / "parity" / "golden" / "tokenizer"


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_pretrained(TOKENIZER)


@pytest.fixture(scope="module")
def tokens(tokenizer: Tokenizer) -> TokenIds:
    return tokenizer.token_ids(16)


def test_input_mask_marks_closed_images_only(tokenizer: Tokenizer, tokens: TokenIds) -> None:
    ids = tokenizer.encode(f"{image_block(1, 16)}draw<img>") + list(tokens.image[:3])
    assert sum(input_mask(ids, tokens)) == 32
    assert not any(input_mask(ids, tokens)[-3:])


def test_unknown_token_is_named(tokenizer: Tokenizer) -> None:
    with pytest.raises(KeyError, match="loc-224"):
        tokenizer.token_to_id("<loc-224>")
