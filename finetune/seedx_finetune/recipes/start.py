"""Where training starts: initial weights that already know what is near what."""

from __future__ import annotations

import torch
from torch import Tensor

from seedx_sdk.model.resampler import Resampler

SHARPNESS = 2.0
"""Scale of the dot products at the start: higher, and a query sees fewer neighbours of its own place."""


@torch.no_grad()
def look_at_own_place(resampler: Resampler) -> None:
    """Starts a resampler so that every query looks at the keys near its own place on the grid.

    Query and key projections begin as one shared rotation, under which the sin-cos tables of both sides agree only
    near the same place; the rotation spreads columns and rows over all heads. From a random start a resampler needs
    hundreds of updates before it finds this.
    """
    attention = resampler.attn
    dim = attention.out_proj.in_features
    rotation = torch.linalg.qr(torch.randn(dim, dim)).Q * SHARPNESS**0.5
    attention.in_proj_weight[:dim] = rotation
    attention.in_proj_weight[dim : 2 * dim] = rotation
    resampler.ln_q.weight.fill_(0.1)


def smooth_rows(x: Tensor, width: int) -> Tensor:
    """Returns smooth random functions of x in 0..1, (len(x), width) with standard deviation about 0.04."""
    frequencies = torch.pi * torch.arange(0, 12)
    waves = torch.cat([(x[:, None] * frequencies).cos(), (x[:, None] * frequencies[1:]).sin()], dim=1)
    rows: Tensor = 0.04 * waves @ torch.randn(waves.shape[1], width) / (waves.shape[1] / 2) ** 0.5
    return rows
