"""Learning-rate schedules (src/train/schedular.py of the reference), as plain functions of the update number."""

from __future__ import annotations

import math
from typing import Literal, get_args

__all__ = ["ScheduleKind", "lr_at"]

ScheduleKind = Literal["cosine", "linear", "constant", "constant_with_warmup", "inverse_sqrt"]


def lr_at(
    step: int, kind: ScheduleKind, base_lr: float, warmup_steps: int, max_steps: int, min_lr_ratio: float = 0.0
) -> float:
    """Return the learning rate in force for update number `step` (0-based).

    After a linear warm-up, "cosine" falls to `min_lr_ratio * base_lr` at `max_steps`; past it the cosine rises again,
    as the reference's does. "linear" falls to 0, "inverse_sqrt" falls with the root of the step, "constant" has no
    warm-up.

    Args:
        step: Update number; updates, not micro-batches.
        kind: Shape of the schedule.
        base_lr: Highest rate.
        warmup_steps: Updates of the warm-up.
        max_steps: Updates of the run.
        min_lr_ratio: Floor of "cosine" as a part of base_lr; the constant kinds and "inverse_sqrt" have none.

    Raises:
        ValueError: If the kind is unknown, or "linear" is given a floor.
    """
    if kind not in get_args(ScheduleKind):
        raise ValueError(f"schedule {kind!r} is unknown; use one of {get_args(ScheduleKind)}")
    if kind == "linear" and min_lr_ratio:
        raise ValueError(f"schedule 'linear' falls to 0 and takes no min_lr_ratio ({min_lr_ratio}); use 'cosine'")
    if kind == "constant":
        return base_lr
    if step < warmup_steps:
        return base_lr * (step / max(1, warmup_steps))
    if kind == "constant_with_warmup":
        return base_lr
    if kind == "inverse_sqrt":
        # Without a warm-up the time scale is 10,000 updates, as in transformers.
        timescale = warmup_steps or 10_000
        return base_lr * math.sqrt(timescale / (step - warmup_steps + timescale))
    progress = (step - warmup_steps) / max(1, max_steps - warmup_steps)
    if kind == "linear":
        return base_lr * max(0.0, 1.0 - progress)
    m = min_lr_ratio
    return base_lr * max(0.0, 0.5 * ((1 + m) + (1 - m) * math.cos(math.pi * progress)))
