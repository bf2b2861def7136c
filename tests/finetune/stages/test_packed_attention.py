"""Rows of several documents: none sees another, and what would mix them is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import DynamicCache, LlamaForCausalLM

from seedx_finetune.stages.packed_attention import read_packed_rows
from seedx_sdk.testing.tiny import tiny_llm

LENGTHS = (7, 1, 19, 4)
ROW = {
    "position_ids": torch.cat([torch.arange(length) for length in LENGTHS])[None],
    "boundaries": torch.tensor([0, *LENGTHS]).cumsum(0, dtype=torch.int32),
}
IDS = torch.randint(3, 100, (1, sum(LENGTHS)), generator=torch.Generator().manual_seed(0))


@pytest.fixture
def llm() -> LlamaForCausalLM:
    torch.manual_seed(0)
    return tiny_llm(100)


def test_documents_of_a_row_are_read_as_if_alone(llm: LlamaForCausalLM) -> None:
    apart = [llm.model(part, use_cache=False).last_hidden_state for part in torch.split(IDS, list(LENGTHS), dim=1)]
    read_packed_rows(llm)
    packed = llm.model(IDS, use_cache=False, **ROW).last_hidden_state
    torch.testing.assert_close(packed, torch.cat(apart, dim=1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attention_mask": torch.ones_like(IDS)}, "no attention mask"),
        ({"use_cache": None}, "no cache"),
        ({"past_key_values": DynamicCache()}, "no cache"),
        ({"position_ids": None}, r"without \['position_ids'\]"),
        ({"boundaries": None}, r"without \['boundaries'\]"),
    ],
)
def test_what_mixes_documents_is_refused(change: dict[str, Any], message: str, llm: LlamaForCausalLM) -> None:
    read_packed_rows(llm)
    with pytest.raises(ValueError, match=message):
        llm.model(IDS, **{"use_cache": False, **ROW, **change})
