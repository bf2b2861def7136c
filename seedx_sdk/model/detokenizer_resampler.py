"""The de-tokenizer's resampler: image features to what an SDXL U-Net is conditioned on.

Shapes: B batch, N input tokens, D embedding_dim, Q num_queries, W dim, P output1_dim + output2_dim.
"""

from __future__ import annotations

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["DetokenizerResampler"]


class DetokenizerResampler(ModelMixin, ConfigMixin):  # type: ignore[misc]  # diffusers bases are partly untyped
    """Perceiver resampler with two output projections and an attention pool (ResamplerXLV2 in resampler.py).

    A diffusers model, so a pipeline saves it as safetensors; its state-dict names are the reference's.

    Args:
        dim: Width of the latents.
        depth: Number of attention + MLP layers.
        dim_head: Width of one attention head.
        heads: Attention heads.
        num_queries: Latents, which become the prompt tokens.
        embedding_dim: Width of the image features.
        output1_dim: Width of the first part of the prompt embeddings; 768 for SDXL.
        output2_dim: Width of the second part and of the pooled embedding; 1280 for SDXL.
        ff_mult: Hidden width of the MLP as a multiple of dim.
        normalize: Divide the features by their norm over the token axis, per channel, as SEED-Story does.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        *,
        dim: int,
        depth: int,
        dim_head: int,
        heads: int,
        num_queries: int,
        embedding_dim: int,
        output1_dim: int,
        output2_dim: int,
        ff_mult: int = 4,
        normalize: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.normalize = normalize
        self.latents = nn.Parameter(torch.randn(1, num_queries, dim) / dim**0.5)
        self.proj_in = nn.Linear(embedding_dim, dim)
        self.layers = nn.ModuleList(
            nn.ModuleList([_PerceiverAttention(dim, dim_head, heads), _feed_forward(dim, ff_mult)])
            for _ in range(depth)
        )
        self.norm_out = nn.LayerNorm(dim)
        self.unet_proj_1 = nn.Linear(dim, output1_dim)
        self.unet_proj_2 = nn.Linear(dim, output2_dim)
        self.unet_attnpool = _AttentionPool(num_queries, dim, heads, output2_dim)

    def forward(self, image_embeds: Tensor) -> tuple[Tensor, Tensor]:
        """Return the prompt embeddings (B, Q, P) and the pooled embedding (B, output2_dim).

        Args:
            image_embeds: (B, N, D); N is free: 64 features of the LLM or the encoder's 256.
        """
        if self.normalize:
            image_embeds = F.normalize(image_embeds, dim=1)
        x: Tensor = self.proj_in(image_embeds)
        latents: Tensor = self.latents.expand(x.shape[0], -1, -1)
        for layer in self.layers:
            assert isinstance(layer, nn.ModuleList)
            attention, feed_forward = layer
            latents = latents + attention(x, latents)
            latents = latents + feed_forward(latents)
        hidden = self.norm_out(latents)
        prompt_embeds = torch.cat([self.unet_proj_1(hidden), self.unet_proj_2(hidden)], dim=-1)
        return prompt_embeds, self.unet_attnpool(hidden)


def _feed_forward(dim: int, mult: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(dim), nn.Linear(dim, dim * mult, bias=False), nn.GELU(), nn.Linear(dim * mult, dim, bias=False)
    )


class _PerceiverAttention(nn.Module):
    """Latents attend to the features and to themselves."""

    def __init__(self, dim: int, dim_head: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        inner = dim_head * heads
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.to_q = nn.Linear(dim, inner, bias=False)
        self.to_kv = nn.Linear(dim, inner * 2, bias=False)
        self.to_out = nn.Linear(inner, dim, bias=False)

    def forward(self, x: Tensor, latents: Tensor) -> Tensor:
        latents = self.norm2(latents)
        context = torch.cat([self.norm1(x), latents], dim=1)
        q = rearrange(self.to_q(latents), "b q (h d) -> b h q d", h=self.heads)
        k, v = rearrange(self.to_kv(context), "b t (two h d) -> two b h t d", two=2, h=self.heads)
        mixed: Tensor = self.to_out(rearrange(F.scaled_dot_product_attention(q, k, v), "b h q d -> b q (h d)"))
        return mixed


class _AttentionPool(nn.Module):
    """CLIP-style pool: the mean token, put in front, attends to everything once."""

    def __init__(self, seq_len: int, dim: int, heads: int, output_dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.positional_embedding = nn.Parameter(torch.randn(seq_len + 1, dim) / dim**0.5)
        self.k_proj = nn.Linear(dim, dim)
        self.q_proj = nn.Linear(dim, dim)
        self.v_proj = nn.Linear(dim, dim)
        self.c_proj = nn.Linear(dim, output_dim)

    def forward(self, hidden: Tensor) -> Tensor:
        tokens = torch.cat([hidden.mean(dim=1, keepdim=True), hidden], dim=1) + self.positional_embedding
        q, k, v = (
            rearrange(projected, "b t (h d) -> b h t d", h=self.heads)
            for projected in (self.q_proj(tokens[:, :1]), self.k_proj(tokens), self.v_proj(tokens))
        )
        pooled: Tensor = self.c_proj(rearrange(F.scaled_dot_product_attention(q, k, v), "b h 1 d -> b (h d)"))
        return pooled
