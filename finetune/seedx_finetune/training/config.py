"""How a run computes: its optimizer, its devices, and what it writes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from seedx_finetune.data.config import Config, SourceConfig

__all__ = ["Config", "OptimizerConfig", "RunConfig", "SourceConfig"]


class OptimizerConfig(Config):
    """AdamW and its schedule. Defaults: scripts/train_seed_x_sft.sh of the reference."""

    steps: int = Field(gt=0)
    """Updates of the weights."""
    learning_rate: float = Field(1e-4, gt=0)
    """Peak."""
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = 1e-6
    weight_decay: float = 0.05
    """Of every parameter, norms and biases too, as in the reference."""
    clip: float = Field(1.0, gt=0)
    """Largest norm of the gradient."""
    schedule: Literal["cosine", "linear", "constant", "constant_with_warmup"] = "cosine"
    warmup_steps: int = Field(500, ge=0)
    min_lr_ratio: float = Field(0.05, ge=0, le=1)
    """Floor of the cosine, as a fraction of the peak."""
    ema_decay: float | None = Field(None, gt=0, lt=1)
    """Keep an exponential average of the trained weights and export that one; None exports the last weights."""


class RunConfig(Config):
    """How and where a run computes, and what it writes."""

    seed: int = Field(0, ge=0)
    device: Literal["cpu", "cuda"] | None = None
    """None is a CUDA device if there is one."""
    dtype: Literal["bfloat16", "float32"] | None = None
    """Of frozen weights and of the computation; trained weights are float32. None is bfloat16 on CUDA."""
    compile: bool = False
    """`torch.compile` the blocks."""
    checkpoint_activations: bool = True
    """Recompute the activations of each block in the backward pass."""
    batches_per_update: int = Field(1, gt=0)
    """Over all ranks; what a rank has of them it accumulates. A multiple of the number of ranks."""
    workers: int = Field(0, ge=0)
    """Processes of a rank that prepare batches; 0 prepares them in the rank itself."""
    save_every: int = Field(1000, gt=0)
    """Updates between two checkpoints (the reference: 1000)."""
    keep_last: int = Field(2, gt=0)
    """Checkpoints to keep, beside the best."""
    evaluate_every: int = Field(1000, gt=0)
    """Updates between two measurements of the held-out loss and sheets of samples."""
    evaluation_batches: int = Field(8, ge=0)
    """Held-out batches; 0 measures nothing."""
    log_every: int = Field(20, gt=0)
    """Updates between two lines of the log."""
    max_bad_share: float = Field(0.01, ge=0, le=1)
    """Share of bad records above which the run stops; it is taken of 1,000 records until so many were read."""
    max_general_growth: float = Field(0.25, ge=0)
    """Growth of the general loss, as a fraction of its value before the first update, above which the run stops."""
