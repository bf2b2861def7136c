"""Sizes of the model's parts, as dataclasses that travel through JSON.

Every constructor in this package takes one of these, and a checkpoint directory stores them next to the weights.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal, Self

__all__ = ["LVLMConfig", "PartConfig", "PromptStyle", "ResamplerConfig", "Solver", "VisualEncoderConfig"]

Solver = Literal["dpmsolver++", "unipc"]
"""Solvers that need fewer steps than the reference's Euler: Lu et al. 2022 (second order), Zhao et al. 2023."""

PromptStyle = Literal["instruct", "base"]
"""Prompts of the instruction-tuned models, or those of the foundation model, which answers one question at a time."""


class PartConfig:
    """Base of all part configs: conversion to and from plain dictionaries."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values, nested configs as nested dictionaries."""
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]  # every subclass is a dataclass

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build the config from what `to_dict` returned.

        Raises:
            ValueError: If a field is unknown or missing.
        """
        fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(values) - set(fields))
        required = {name for name, field in fields.items() if field.default is dataclasses.MISSING}
        missing = sorted(required - set(values))
        if unknown or missing:
            raise ValueError(
                f"{cls.__name__} got unknown fields {unknown} and lacks {missing}; allowed are {sorted(fields)}. "
                "Check that the checkpoint directory was written by this version."
            )
        return cls(**values)


@dataclass(kw_only=True, slots=True, frozen=True)
class ResamplerConfig(PartConfig):
    """Sizes of one attention resampler (Resampler in qwen_visual.py)."""

    grid_size: int
    """Side of the square of output queries, or its columns; 8 means 64 output tokens."""
    embed_dim: int
    """Width of queries and outputs; a multiple of 4 (sin-cos table) and of num_heads."""
    num_heads: int
    """Attention heads."""
    kv_dim: int | None = None
    """Width of the inputs; None means embed_dim, as in the reference."""
    layer_norm_eps: float = 1e-5
    """Epsilon of both layer norms; 1e-5 beside the LLM, 1e-6 in the visual encoder's pool."""
    grid_rows: int | None = None
    """Rows of queries where they form no square; None means grid_size."""
    depth: int = 1
    """Layers of cross-attention; 1 in the reference."""

    def __post_init__(self) -> None:
        """Check divisibility."""
        if self.embed_dim % 4 or self.embed_dim % self.num_heads:
            raise ValueError(
                f"embed_dim {self.embed_dim} must be a multiple of 4 and of num_heads {self.num_heads}; change one"
            )

    @classmethod
    def for_queries(cls, num_queries: int, **sizes: Any) -> ResamplerConfig:
        """Return the config for a number of output tokens, which form a square or two of them side by side.

        Raises:
            ValueError: If they form neither.
        """
        rows = math.isqrt(num_queries)
        if rows**2 == num_queries:
            return cls(grid_size=rows, **sizes)
        rows = math.isqrt(num_queries // 2)
        if 2 * rows**2 != num_queries:
            raise ValueError(f"{num_queries} queries form no square nor two; use 16, 32, 64, 128 or 256")
        return cls(grid_size=2 * rows, grid_rows=rows, **sizes)

    @property
    def rows(self) -> int:
        """Rows of the grid of output queries."""
        return self.grid_size if self.grid_rows is None else self.grid_rows

    @property
    def num_queries(self) -> int:
        """Output tokens."""
        return self.grid_size * self.rows

    @property
    def input_dim(self) -> int:
        """Width of the inputs; where it equals embed_dim, there is no input projection."""
        return self.embed_dim if self.kv_dim is None else self.kv_dim


@dataclass(kw_only=True, slots=True, frozen=True)
class VisualEncoderConfig(PartConfig):
    """Sizes of the ViT with its attention pool (VisionTransformerWithAttnPool in qwen_visual.py)."""

    image_size: int
    """Input side in pixels; a multiple of patch_size."""
    patch_size: int
    """Side of one patch in pixels."""
    width: int
    """Width of the transformer blocks."""
    layers: int
    """Number of transformer blocks."""
    heads: int
    """Attention heads of the blocks."""
    mlp_ratio: float
    """Hidden width of the MLP as a multiple of width; 4.9231 as released."""
    n_queries: int
    """Output tokens; a perfect square."""
    output_dim: int
    """Width of the output tokens."""
    pool_heads: int
    """Attention heads of the pool; output_dim // 128 as released."""
    layer_norm_eps: float = 1e-6
    """Epsilon of every layer norm."""
    num_positions: int = 256
    """Rows of the learned position table; resized when the number of patches differs."""

    def __post_init__(self) -> None:
        """Check divisibility and squares."""
        if self.image_size % self.patch_size:
            raise ValueError(f"image_size {self.image_size} must be a multiple of patch_size {self.patch_size}")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} must be a multiple of heads {self.heads}")
        for name in ("n_queries", "num_positions"):
            value = getattr(self, name)
            if math.isqrt(value) ** 2 != value:
                raise ValueError(f"{name} {value} must be a perfect square; use {math.isqrt(value) ** 2}")

    @property
    def pool(self) -> ResamplerConfig:
        """The attention pool's sizes, which follow from the encoder's."""
        return ResamplerConfig(
            grid_size=math.isqrt(self.n_queries),
            embed_dim=self.output_dim,
            num_heads=self.pool_heads,
            kv_dim=self.width,
            layer_norm_eps=self.layer_norm_eps,
        )


@dataclass(kw_only=True, slots=True, frozen=True)
class LVLMConfig(PartConfig):
    """What surrounds the LLM (ContinuousLVLM in seed_x.py); the LLM itself keeps its own transformers config."""

    input_resampler: ResamplerConfig
    """Image features to LLM input embeddings."""
    output_resampler: ResamplerConfig
    """LLM hidden states to image features."""
    add_patch_pos: bool
    """Whether sub-images of the any-resolution grid get their learned position."""
    vit_down: bool
    """Whether regression targets (and the de-tokenizer's negatives) are image features averaged in fours."""
    rec_loss: Literal["mse", "cosine"]
    """Distance between regressed and true image features; the released models used "mse"."""
    lm_loss_scale: float
    """Weight of the next-token loss; 1.0 as released."""
    rec_loss_scale: float
    """Weight of the image-feature loss; 6.0 as released."""

    def __post_init__(self) -> None:
        """Check the loss name."""
        if self.rec_loss not in ("mse", "cosine"):
            raise ValueError(f"rec_loss {self.rec_loss!r} is unknown; use 'mse' or 'cosine'")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build the config from what `to_dict` returned; raise as the base does."""
        nested = {
            name: ResamplerConfig.from_dict(values[name])
            for name in ("input_resampler", "output_resampler")
            if isinstance(values.get(name), dict)
        }
        return super(LVLMConfig, cls).from_dict({**values, **nested})
