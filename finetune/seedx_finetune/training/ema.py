"""The exponential moving average of the trained weights, sharded as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

__all__ = ["Average"]


class Average:
    """An average that each update moves by 1 - decay towards the weights.

    Args:
        parameters: The trained parameters by name; the average begins with their values.
        decay: What is kept of the average in an update.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], decay: float) -> None:
        self._parameters = parameters
        self.weights: dict[str, Tensor] = {name: p.detach().clone() for name, p in parameters.items()}
        self._move = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]

    def update(self) -> None:
        """Move the average; call it after each update of the weights."""
        self._move(list(self.weights.values()), [p.detach() for p in self._parameters.values()], 0)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Put the average in the place of the weights, and the weights back."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, parameter in self._parameters.items():
            kept = parameter.detach().clone()
            parameter.copy_(self.weights[name])
            self.weights[name].copy_(kept)
