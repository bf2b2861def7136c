"""AdamW over the trained parameters, with the learning rate of each update."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from seedx_finetune.training.config import OptimizerConfig
from seedx_finetune.training.schedule import lr_at

__all__ = ["Optimizer"]


class Optimizer:
    """AdamW with clipping and a schedule; all of its state is there from the start, so that it can be loaded into.

    Args:
        parameters: The trained parameters by name, sharded or not.
        config: Its settings.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], config: OptimizerConfig) -> None:
        self.config = config
        self._parameters = parameters
        self._adamw = torch.optim.AdamW(
            list(parameters.values()),
            lr=config.learning_rate,
            betas=config.betas,
            eps=config.eps,
            weight_decay=config.weight_decay,
            fused=True,  # needs no memory for temporaries
        )
        for parameter in parameters.values():
            self._adamw.state[parameter] = {
                "step": torch.zeros((), device=parameter.device),
                "exp_avg": torch.zeros_like(parameter, requires_grad=False),
                "exp_avg_sq": torch.zeros_like(parameter, requires_grad=False),
            }

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The state: what AdamW keeps of each parameter, under "parameter's name/kind"."""
        return {
            f"{name}/{kind}": value
            for name, parameter in self._parameters.items()
            for kind, value in self._adamw.state[parameter].items()
        }

    def clip(self) -> float:
        """Scale the gradients down to the largest norm allowed and return the norm that they had, over all ranks."""
        for parameter in self._parameters.values():
            if parameter.grad is None:  # no sample of this update used it
                parameter.grad = torch.zeros_like(parameter)
        norm = nn.utils.clip_grad_norm_(self._parameters.values(), self.config.clip)
        return float(norm.full_tensor() if isinstance(norm, DTensor) else norm)

    def update(self, step: int) -> float:
        """Make update number `step` (0-based), forget the gradients and return the learning rate that was used."""
        config = self.config
        rate = lr_at(
            step,
            config.schedule,
            config.learning_rate,
            config.warmup_steps,
            config.steps,
            config.min_lr_ratio if config.schedule == "cosine" else 0.0,
        )
        for settings in self._adamw.param_groups:
            settings["lr"] = rate
        self._adamw.step()
        self._adamw.zero_grad()
        return rate
