"""Floating-point operations of a row, for the utilization in the log; the plan counts them exactly, on the meta device.

Resamplers, norms and LoRA matrices are left out: 2 % at full size.
"""

from __future__ import annotations

from collections.abc import Sequence

from transformers import LlamaConfig

from seedx_sdk.model.config import VisualEncoderConfig

__all__ = ["encoder_flops", "llm_flops"]


def llm_flops(config: LlamaConfig, lengths: Sequence[int], supervised: int, *, all_weights: bool) -> float:
    """Return the operations of a forward and a backward pass over documents, each of which sees itself alone.

    Args:
        config: Sizes.
        lengths: Tokens of each document.
        supervised: Tokens for which there are logits.
        all_weights: Whether the weights of the layers have gradients; else those of the activations alone are computed.
    """
    head_dim = config.head_dim or config.hidden_size // config.num_attention_heads
    queries = config.num_attention_heads * head_dim
    keys = (config.num_key_value_heads or config.num_attention_heads) * head_dim
    weights = config.hidden_size * (2 * queries + 2 * keys + 3 * config.intermediate_size)
    passes = 3 if all_weights else 2  # a forward pass, the gradients of what it reads, and those of the weights
    linear = 2 * passes * weights * sum(lengths)
    attention = 3 * 2 * queries * sum(length**2 for length in lengths)  # causal: half of the square
    head = 3 * 2 * config.hidden_size * config.vocab_size * supervised
    return float(config.num_hidden_layers * (linear + attention) + head)


def encoder_flops(config: VisualEncoderConfig, cells: int) -> float:
    """Return the operations of a forward pass over cells."""
    patches = (config.image_size // config.patch_size) ** 2
    layer = config.width**2 * (4 + 2 * config.mlp_ratio)
    blocks = config.layers * (2 * layer + 4 * patches * config.width) * patches
    # the pool: its projections read every patch, its last ones the features
    pool = 2 * config.output_dim * (patches * (config.width + 2 * config.output_dim))
    return float(cells * (blocks + pool + 2 * 3 * config.n_queries * config.output_dim**2))
