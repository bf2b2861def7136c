"""The one training loop: every stage of every model is this loop around a different loss function.

A stage hands over the module to train and `loss(step) -> {"loss": ..., more to log}`. The batch is a pure function of
the step, so a run that was interrupted and resumed sees exactly the batches that it would have seen.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from tqdm import tqdm

from seedx_finetune.training.schedule import lr_at

Loss = Callable[[int], dict[str, Tensor]]
"""From the number of an update to its terms: "loss", which is minimised, and more scalars to log."""

LOG_EVERY = 20
"""Updates between two lines of the log."""


@dataclass(kw_only=True, slots=True)
class TrainConfig:
    """How one stage is optimised."""

    steps: int
    """Optimizer updates."""
    batch_size: int
    """Samples in one update; used by the stage's loss function."""
    learning_rate: float
    """Peak learning rate."""
    warmup_steps: int = 100
    """Linear warm-up, in updates."""
    min_lr_ratio: float = 0.05
    """Floor of the cosine, as a fraction of the peak (scripts/train_seed_x_sft.sh: 0.05)."""
    weight_decay: float = 0.05
    """AdamW decay of everything but vectors."""
    slow: tuple[str, ...] = ()
    """Parts of the names of parameters that train at a tenth of the rate: those that start near their place."""
    muon: tuple[str, ...] = ()
    """Parts of the names of matrices that Muon trains and not AdamW; its updates are as large as AdamW's."""
    betas: tuple[float, float] = (0.9, 0.98)
    """AdamW moments (scripts/train_seed_x_sft.sh)."""
    clip: float = 1.0
    """Largest gradient norm."""
    ema_decay: float | None = None
    """Keep an exponential average of the weights and return that one; None to return the last weights."""
    seed: int = 0
    """Seed of initialisation and of every batch."""
    save_every: int = 200
    """Updates between checkpoints to resume from."""

    def __post_init__(self) -> None:
        """Refuses values that can't train.

        Raises:
            ValueError: If a count is not positive.
        """
        if min(self.steps, self.batch_size, self.save_every) < 1 or self.learning_rate <= 0:
            raise ValueError(f"steps, batch_size, save_every and learning_rate must be positive, got {asdict(self)}")


def train(name: str, module: nn.Module, loss: Loss, config: TrainConfig, directory: Path) -> nn.Module:
    """Return the module in evaluation mode, with the parameters that require gradients trained.

    Writes `log.jsonl` (a line per LOG_EVERY updates) and `checkpoint.pt` into `directory`, and resumes from the latter;
    a run that was interrupted and resumed ends with the same weights as one that was not.

    Args:
        name: Shown in the progress bar.
        module: Holds every trainable parameter; the loss function closes over it.
        loss: Maps the update number to a dictionary with the scalar `loss` and more scalars to log.
        config: Optimisation settings.
        directory: Where the log and the checkpoint go.

    Raises:
        FloatingPointError: If the loss is not finite.
    """
    directory.mkdir(parents=True, exist_ok=True)
    trainable = {n: p for n, p in module.named_parameters() if p.requires_grad}
    optimizers = _optimizers(trainable, config)
    average = {n: p.detach().clone() for n, p in trainable.items()} if config.ema_decay else None
    start = _resume(directory / "checkpoint.pt", module, optimizers, average)
    module.train()
    began = time.monotonic()
    with (
        _plain_attention_on_cpu(next(iter(trainable.values())).device),
        (directory / "log.jsonl").open("a") as log,
        tqdm(range(start, config.steps), name, initial=start, total=config.steps, mininterval=5) as bar,
    ):
        for step in bar:
            rate = lr_at(step, "cosine", config.learning_rate, config.warmup_steps, config.steps, config.min_lr_ratio)
            for group in (group for optimizer in optimizers for group in optimizer.param_groups):
                group["lr"] = rate * group["rate"]
            torch.manual_seed(config.seed * 1_000_003 + step)
            terms = loss(step)
            if not torch.isfinite(terms["loss"]):
                raise FloatingPointError(f"{name}: the loss is {terms['loss'].item()} at update {step}; lower the rate")
            for optimizer in optimizers:
                optimizer.zero_grad(set_to_none=True)
            terms["loss"].backward()  # type: ignore[no-untyped-call]
            norm = torch.nn.utils.clip_grad_norm_(list(trainable.values()), config.clip)
            for optimizer in optimizers:
                optimizer.step()
            if average is not None and config.ema_decay:
                decay = min(config.ema_decay, (1 + step) / (10 + step))
                with torch.no_grad():
                    torch._foreach_lerp_(list(average.values()), list(trainable.values()), 1 - decay)
            if step % LOG_EVERY == 0 or step == config.steps - 1:
                row = {k: round(v.item(), 5) for k, v in terms.items()} | {"grad_norm": round(norm.item(), 4)}
                bar.set_postfix({k: f"{v:.3g}" for k, v in row.items()})
                log.write(json.dumps({"step": step, "seconds": round(time.monotonic() - began, 1)} | row) + "\n")
                log.flush()
            if (step + 1) % config.save_every == 0 or step == config.steps - 1:
                _save(directory / "checkpoint.pt", step + 1, module, optimizers, average)
    if average is not None:
        with torch.no_grad():
            for n, p in trainable.items():
                p.copy_(average[n])
    return module.eval()


@contextmanager
def _plain_attention_on_cpu(device: torch.device) -> Iterator[None]:
    """Compute attention as two matrix products in bfloat16 on a CPU.

    There the fused kernel's backward pass takes 3 to 5 times as long (torch 2.13, sequences of 130 to 256 tokens).
    """
    if device.type != "cpu":
        yield
        return
    allowed = torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()  # type: ignore[no-untyped-call]
    torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(True)  # says CUDA, holds for CPUs too
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(allowed)


def _optimizers(trainable: dict[str, nn.Parameter], config: TrainConfig) -> list[torch.optim.Optimizer]:
    """Return adamW, which decays matrices and leaves vectors alone, and Muon for what it shall train.

    `rate` is each group's fraction of the learning rate.
    """
    groups: dict[tuple[bool, float, float], list[nn.Parameter]] = {}
    for name, parameter in trainable.items():
        decay = config.weight_decay if parameter.ndim > 1 else 0.0
        rate = 0.1 if any(part in name for part in config.slow) else 1.0
        muon = parameter.ndim == 2 and any(part in name for part in config.muon)
        groups.setdefault((muon, decay, rate), []).append(parameter)

    def of(muon: bool) -> list[dict[str, Any]]:
        return [
            {"params": params, "weight_decay": decay, "rate": rate}
            for (is_muon, decay, rate), params in groups.items()
            if is_muon == muon
        ]

    optimizers: list[torch.optim.Optimizer] = []
    if rest := of(muon=False):
        optimizers.append(torch.optim.AdamW(rest, lr=config.learning_rate, betas=config.betas, eps=1e-6))
    if matrices := of(muon=True):
        optimizers.append(torch.optim.Muon(matrices, lr=config.learning_rate, adjust_lr_fn="match_rms_adamw"))
    return optimizers


def _save(
    path: Path,
    step: int,
    module: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    average: dict[str, Tensor] | None,
) -> None:
    """Write everything that is needed to go on, under a temporary name first."""
    trainable = {n: p.detach() for n, p in module.named_parameters() if p.requires_grad}
    state = {"step": step, "weights": trainable, "optimizers": [o.state_dict() for o in optimizers], "average": average}
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def _resume(
    path: Path, module: nn.Module, optimizers: list[torch.optim.Optimizer], average: dict[str, Tensor] | None
) -> int:
    """Return the number of updates done, after loading the checkpoint if there is one."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    parameters = dict(module.named_parameters())
    with torch.no_grad():
        for name, value in state["weights"].items():
            parameters[name].copy_(value)
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    if average is not None:
        average.update(state["average"])
    return int(state["step"])


def save_weights(module: nn.Module, path: Path) -> None:
    """Write a module's state dict as safetensors, under a temporary name first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file({k: v.detach().contiguous() for k, v in module.state_dict().items()}, partial)
    partial.replace(path)


def load_weights(module: nn.Module, path: Path) -> None:
    """Load what `save_weights` wrote.

    Raises:
        RuntimeError: If names or shapes differ.
    """
    module.load_state_dict(load_file(path))
