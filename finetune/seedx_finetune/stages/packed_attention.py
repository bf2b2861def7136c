"""Attention over rows that hold several documents one behind the other, none of which sees another.

transformers has ways of its own for such rows: with a cache, or a mask of ones, it lets the documents see each other
without an error, and otherwise it computes the whole square of the row. This one runs document by document.

Shapes: H heads, G key-value heads, L tokens of the row, D head width, E documents.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AttentionInterface, LlamaForCausalLM

__all__ = ["read_packed_rows"]

NAME = "packed_documents"


def read_packed_rows(llm: LlamaForCausalLM) -> None:
    """Let the model read packed rows, and those alone, from now on.

    Its `forward` then needs `position_ids`, `boundaries` as `PackedBatch` has them, on the CPU, and `use_cache=False`;
    a mask or a cache raises.
    """
    llm.set_attn_implementation(NAME)
    llm.model.register_forward_pre_hook(_check, with_kwargs=True)


def _check(_model: nn.Module, _args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Refuse what would let documents see each other, or be ignored.

    Raises:
        ValueError: If positions or boundaries are missing, or there is a mask or a cache.
    """
    missing = [name for name in ("position_ids", "boundaries") if kwargs.get(name) is None]
    if missing:
        raise ValueError(f"a packed row comes without {missing}; pass those of its PackedBatch")
    if kwargs.get("attention_mask") is not None:
        raise ValueError("a packed row takes no attention mask; its boundaries say which tokens belong together")
    if kwargs.get("past_key_values") is not None or kwargs.get("use_cache") is not False:
        raise ValueError("a packed row takes no cache, which would mix its documents; pass use_cache=False")


@torch.compiler.disable  # type: ignore[untyped-decorator]  # lengths differ from row to row: each would compile anew
def _attend(
    _module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    _mask: None,
    *,
    boundaries: Tensor,
    scaling: float,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """Return (1, L, H, D) causal attention within each document.

    Args:
        query: (1, H, L, D).
        key: (1, G, L, D).
        value: (1, G, L, D).
        boundaries: (E + 1) on the CPU: where each document begins, then L.
        scaling: Of the scores.
        dropout: Of the attention weights.
    """
    lengths = boundaries.diff().tolist()
    documents = zip(*(torch.split(states, lengths, dim=2) for states in (query, key, value)), strict=True)
    grouped = query.shape[1] != key.shape[1]
    attended = [
        F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=dropout, scale=scaling, enable_gqa=grouped)
        for q, k, v in documents
    ]
    return torch.cat(attended, dim=2).transpose(1, 2), None


AttentionInterface.register(NAME, _attend)
