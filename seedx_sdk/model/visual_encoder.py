"""Visual encoder: a ViT whose patches are pooled by attention to a fixed number of features.

Shapes: B batch, T patches, W width, Q n_queries, D output_dim.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from seedx_sdk.model.config import VisualEncoderConfig
from seedx_sdk.model.resampler import Resampler, resize_square_table

__all__ = ["VisualEncoder"]


class VisualEncoder(nn.Module):
    """The ViT of Qwen-VL (VisionTransformerWithAttnPool in qwen_visual.py), with its state-dict names."""

    def __init__(self, config: VisualEncoderConfig) -> None:
        super().__init__()
        self.config = config
        width, eps = config.width, config.layer_norm_eps
        self.conv1 = nn.Conv2d(3, width, kernel_size=config.patch_size, stride=config.patch_size, bias=False)
        self.positional_embedding = nn.Parameter(width**-0.5 * torch.randn(config.num_positions, width))
        self.ln_pre = nn.LayerNorm(width, eps=eps)
        self.transformer = _Transformer(config)
        self.attn_pool = Resampler(config.pool)
        self.ln_post = nn.LayerNorm(config.output_dim, eps=eps)
        self.proj = nn.Parameter(config.output_dim**-0.5 * torch.randn(config.output_dim, config.output_dim))

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Return the image features.

        Args:
            pixel_values: (B, 3, image_size, image_size), normalized by `transforms.ImageTransform("clip", ...)`.

        Returns:
            (B, Q, D).
        """
        return self.pool_patches(self.patch_features(pixel_values))

    def pool_patches(self, patches: Tensor) -> Tensor:
        """Return the (B, Q, D) image features of patch features (B, T, W)."""
        pooled: Tensor = self.ln_post(self.attn_pool(patches))
        return pooled @ self.proj

    def patch_features(self, pixel_values: Tensor) -> Tensor:
        """Return the (B, T, W) patch features before the pool, in raster order."""
        x: Tensor = rearrange(self.conv1(pixel_values), "b w h v -> b (h v) w")
        x = x + resize_square_table(self.positional_embedding, x.shape[1]).to(x.dtype)
        x = self.ln_pre(x)
        for block in self.transformer.resblocks:
            x = block(x)
        return x


class _Transformer(nn.Module):
    """Holds the blocks under the reference's name."""

    def __init__(self, config: VisualEncoderConfig) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(_Block(config) for _ in range(config.layers))


class _Block(nn.Module):
    """Pre-norm transformer block with an exact (erf) GELU."""

    def __init__(self, config: VisualEncoderConfig) -> None:
        super().__init__()
        width, hidden = config.width, int(config.width * config.mlp_ratio)
        self.ln_1 = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.attn = _SelfAttention(width, config.heads)
        self.ln_2 = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(width, hidden))
        self.mlp.add_module("gelu", nn.GELU())
        self.mlp.add_module("c_proj", nn.Linear(hidden, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        x = x + self.mlp(self.ln_2(x))
        return x


class _SelfAttention(nn.Module):
    """Self-attention whose in_proj interleaves q, k and v inside each head, as the released weights do."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = rearrange(self.in_proj(x), "b t (h three d) -> three b h t d", h=self.heads, three=3)
        out = F.scaled_dot_product_attention(q, k, v)
        mixed: Tensor = self.out_proj(rearrange(out, "b h t d -> b t (h d)"))
        return mixed
