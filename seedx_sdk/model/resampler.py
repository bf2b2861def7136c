"""Attention resampler: a fixed square of learned queries that reads any square number of tokens.

Used three times: as the visual encoder's pool, before the LLM (image features to input embeddings) and after it
(hidden states to image features).

Shapes: B batch, T input tokens, Q queries, D embed_dim, K input_dim, H heads.
"""

from __future__ import annotations

import math

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from seedx_sdk.model.config import ResamplerConfig

__all__ = ["Resampler", "resize_square_table", "sincos_table"]


class Resampler(nn.Module):
    """Read T tokens into Q tokens with one cross-attention, without residual, MLP or final norm.

    Deeper ones refine the result with further cross-attentions, each with a residual and an MLP. State-dict names are
    the reference's (Resampler in qwen_visual.py), so released weights load as they stand.
    """

    pos_embed: Tensor

    def __init__(self, config: ResamplerConfig) -> None:
        super().__init__()
        self.config = config
        d = config.embed_dim
        self.query = nn.Parameter(torch.empty(config.num_queries, d))
        self.register_buffer("pos_embed", sincos_table(config.grid_size, d, rows=config.rows))
        self.kv_proj = nn.Linear(config.input_dim, d, bias=False) if config.input_dim != d else nn.Identity()
        self.ln_q = nn.LayerNorm(d, eps=config.layer_norm_eps)
        self.ln_kv = nn.LayerNorm(d, eps=config.layer_norm_eps)
        self.attn = _CrossAttention(d, config.num_heads)
        self.refinements = nn.ModuleList(_Refinement(config) for _ in range(config.depth - 1))
        nn.init.trunc_normal_(self.query, std=0.02)
        if isinstance(self.kv_proj, nn.Linear):
            nn.init.trunc_normal_(self.kv_proj.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Return the resampled tokens.

        Args:
            x: (B, T, K) in raster order, T a perfect square or Q.

        Returns:
            (B, Q, D).
        """
        values = self.ln_kv(self.kv_proj(x))
        keys = values + resize_square_table(self.pos_embed, x.shape[1], rows=self.config.rows).to(values.dtype)
        queries = self.ln_q(self.query)
        places = self.pos_embed.to(queries.dtype)
        output: Tensor = self.attn(queries + places, keys, values)
        for refinement in self.refinements:
            output = refinement(output, places, keys, values)
        return output


class _Refinement(nn.Module):
    """A further cross-attention to the same tokens, then an MLP, both added to what they read.

    The last projection of each starts at zero, so that a deep resampler starts as one of a single layer.
    """

    def __init__(self, config: ResamplerConfig) -> None:
        super().__init__()
        d, eps = config.embed_dim, config.layer_norm_eps
        self.ln_q, self.ln_mlp = nn.LayerNorm(d, eps=eps), nn.LayerNorm(d, eps=eps)
        self.attn = _CrossAttention(d, config.num_heads)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))
        for last in (self.attn.out_proj, self.mlp[-1]):
            assert isinstance(last, nn.Linear)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, x: Tensor, places: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Return (B, Q, D) for x (B, Q, D), positions (Q, D), keys and values (B, T, D)."""
        x = x + self.attn(self.ln_q(x) + places, keys, values)
        mixed: Tensor = x + self.mlp(self.ln_mlp(x))
        return mixed


class _CrossAttention(nn.Module):
    """Multi-head attention with the parameter names of nn.MultiheadAttention.

    The queries do not depend on the batch, so they are projected once and only then repeated.
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * dim, dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * dim))
        self.out_proj = nn.Linear(dim, dim)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Return (B, Q, D) for queries (Q, D), or (B, Q, D), keys and values (B, T, D)."""
        weight_q, weight_k, weight_v = self.in_proj_weight.chunk(3)
        bias_q, bias_k, bias_v = self.in_proj_bias.chunk(3)
        q = rearrange(F.linear(queries, weight_q, bias_q), "... q (h d) -> ... h q d", h=self.num_heads)
        k = rearrange(F.linear(keys, weight_k, bias_k), "b t (h d) -> b h t d", h=self.num_heads)
        v = rearrange(F.linear(values, weight_v, bias_v), "b t (h d) -> b h t d", h=self.num_heads)
        out = F.scaled_dot_product_attention(q.expand(k.shape[0], -1, -1, -1), k, v)
        mixed: Tensor = self.out_proj(rearrange(out, "b h q d -> b q (h d)"))
        return mixed


def resize_square_table(table: Tensor, num_tokens: int, *, rows: int | None = None) -> Tensor:
    """Return a (tokens, D) position table for `num_tokens` tokens, resized bicubically to a square if they differ.

    Args:
        table: (tokens, D) in raster order.
        num_tokens: As many as the table has, or a square number.
        rows: Of the table; None means that it is a square too.

    Raises:
        ValueError: If num_tokens is not a perfect square.
    """
    if table.shape[0] == num_tokens:
        return table
    old_rows = rows or math.isqrt(table.shape[0])
    new_side = math.isqrt(num_tokens)
    if new_side**2 != num_tokens:
        raise ValueError(f"{num_tokens} tokens do not form a square; the table can only be resized to a square number")
    square = rearrange(table.float(), "(h w) d -> 1 d h w", h=old_rows)
    resized = F.interpolate(square, size=(new_side, new_side), mode="bicubic", align_corners=False)
    return rearrange(resized, "1 d h w -> (h w) d").to(table.dtype)


def sincos_table(side: int, dim: int, *, rows: int | None = None) -> Tensor:
    """Return the fixed (side * rows, dim) table: first half of the channels for the column, second for the row.

    `rows` None means a square.

    Each half is [sin, cos] of position * 10000^(-i / (dim / 4)).

    Source: get_2d_sincos_pos_embed in qwen_visual.py.
    """
    omega = 10000.0 ** (-torch.arange(dim // 4, dtype=torch.float64) / (dim // 4))
    height = side if rows is None else rows
    angles = torch.arange(max(side, height), dtype=torch.float64)[:, None] * omega
    line = torch.cat([angles.sin(), angles.cos()], dim=1)
    across = line[None, :side, :].expand(height, side, -1)
    down = line[:height, None, :].expand(height, side, -1)
    return torch.cat([across, down], dim=2).reshape(side * height, dim).float()
