"""What a run will take of its GPUs, computed before any weight is read (`seedx train RECIPE --plan`).

One batch goes through the stage on the meta device. Only how memory is spread over several GPUs is arithmetic; it
follows `distributed.shard`: parameters, gradients, AdamW's state and the average are divided, and each GPU holds whole
what computes at the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from rich.table import Table
from torch import Tensor, nn

from seedx_finetune.training.distributed import compute_dtype, prepare_blocks
from seedx_finetune.training.dry_run import dry_run
from seedx_finetune.training.log import PEAK_FLOPS
from seedx_finetune.training.recipe import RecipeConfig

__all__ = ["Memory", "Plan", "plan", "plan_table"]

GPU_COUNTS = (1, 2, 4, 8, 16, 32, 64)
PREFETCHED = 2
"""Blocks that are whole at once: the one that computes, and the next."""
ADAMW_STATE = 2
"""Float32 numbers that AdamW keeps of each trained one."""
GB = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes on each GPU."""

    gpus: int
    weights: int
    """Parameters and buffers."""
    gradients: int
    """Those of an update of several batches a GPU are whole on each."""
    optimizer: int
    """AdamW's state."""
    average: int
    """The exponential average of the trained weights."""
    gathered: int
    """Whole parameters, and gradients, of what computes at the time; none on one GPU, which has no shards."""
    activations: int
    """All else at the peak of the pass: what is kept for the backward pass, the block that is computed, the loss."""

    @property
    def total(self) -> int:
        """Their sum: the peak of an update. The CUDA context, about 0.5 GB, is not in it."""
        return self.weights + self.gradients + self.optimizer + self.average + self.gathered + self.activations


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a recipe takes."""

    name: str
    updates: int
    trained: int
    """Parameters."""
    frozen: int
    samples_per_update: int
    flops_per_update: int
    """What is recomputed is not counted."""
    recomputed_share: float
    """Operations that checkpointing adds, as a share of the others."""
    memory: tuple[Memory, ...]
    """For each number of GPUs."""

    @property
    def flops_per_sample(self) -> float:
        """Operations for a sample of the average size."""
        return self.flops_per_update / self.samples_per_update

    def gpu_hours(self, gpu: str = "H100", utilization: float = 0.4) -> float:
        """Return the hours of one GPU that all updates take.

        Args:
            gpu: A name of `log.PEAK_FLOPS`.
            utilization: Model FLOPs utilization: `flops_per_update` over what the GPU could compute in the time.
        """
        return self.updates * self.flops_per_update / (PEAK_FLOPS[gpu] * utilization) / 3600


def plan(recipe: RecipeConfig, gpus: Sequence[int] = GPU_COUNTS) -> Plan:
    """Return what a recipe takes, computed for the stage's `example_batch`.

    Args:
        recipe: Its `run.device` of None counts as CUDA.
        gpus: Numbers of GPUs to spread it over; those that cannot share `run.batches_per_update` are left out.

    Raises:
        ConfigError: If the recipe is wrong.
    """
    run, stage = recipe.run, recipe.stage.build()
    dtype = compute_dtype(run, torch.device(run.device or "cuda"))
    model = stage.model(torch.device("meta"), dtype)
    blocks = list(stage.blocks(model))
    prepare_blocks(blocks, run.model_copy(update={"compile": False}))
    batch = stage.example_batch(run)
    counts = [count for count in gpus if run.batches_per_update % count == 0]

    def loss() -> Tensor:
        terms = stage.losses(model, batch, torch.Generator())
        return torch.stack([term.weight * term.total / term.count for term in terms]).sum()

    work = dry_run(loss, [*model.parameters(), *model.buffers()], dtype)
    return Plan(
        name=recipe.name,
        updates=recipe.optimizer.steps,
        trained=_count(model.parameters(), trained=True),
        frozen=_count(model.parameters(), trained=False),
        samples_per_update=len(batch.names) * run.batches_per_update,
        flops_per_update=work.flops * run.batches_per_update,
        recomputed_share=work.recomputed_flops / work.flops,
        memory=tuple(_memory(recipe, model, blocks, work.peak, count) for count in counts),
    )


def _memory(recipe: RecipeConfig, model: nn.Module, blocks: Sequence[nn.Module], activations: int, gpus: int) -> Memory:
    parameters = list(model.parameters())
    trained = _bytes(parameters, trained_only=True)
    state = ADAMW_STATE * trained + 4 * sum(p.requires_grad for p in parameters)  # and the step of each
    # Gradients are added up over the ranks, and divided, in the last batch of an update alone.
    accumulates = recipe.run.batches_per_update > gpus
    return Memory(
        gpus=gpus,
        weights=_bytes(parameters) // gpus + _bytes(model.buffers()),
        gradients=trained if accumulates else trained // gpus,
        optimizer=state // gpus,
        average=trained // gpus if recipe.optimizer.ema_decay is not None else 0,
        gathered=_gathered(parameters, blocks, gradients=not accumulates) if gpus > 1 else 0,
        activations=activations,
    )


def _gathered(parameters: Sequence[nn.Parameter], blocks: Sequence[nn.Module], *, gradients: bool) -> int:
    """Return the bytes of what is outside the blocks and of the largest blocks, perhaps with gradients."""
    in_blocks = {id(p) for block in blocks for p in block.parameters()}
    outside = [p for p in parameters if id(p) not in in_blocks]
    whole = _bytes(outside) + PREFETCHED * max((_bytes(block.parameters()) for block in blocks), default=0)
    if not gradients:
        return whole
    largest = max((_bytes(block.parameters(), trained_only=True) for block in blocks), default=0)
    return whole + _bytes(outside, trained_only=True) + largest


def _count(parameters: Iterable[nn.Parameter], *, trained: bool) -> int:
    return sum(p.numel() for p in parameters if p.requires_grad == trained)


def _bytes(tensors: Iterable[Tensor], *, trained_only: bool = False) -> int:
    return sum(t.numel() * t.element_size() for t in tensors if t.requires_grad or not trained_only)


def plan_table(plan: Plan, gpu: str = "H100", utilization: float = 0.4) -> Table:
    """Return the plan as a table: a row for each number of GPUs, in GB of 10**9 bytes for each.

    Args:
        plan: From `plan`.
        gpu: A name of `log.PEAK_FLOPS`, for the hours.
        utilization: Model FLOPs utilization, for the hours.
    """
    hours = plan.gpu_hours(gpu, utilization)
    table = Table(
        title=f"{plan.name}: {plan.trained / 1e6:,.1f} M parameters trained, {plan.frozen / 1e6:,.1f} M frozen",
        caption=f"{plan.updates:,} updates of {plan.samples_per_update:,} samples, "
        f"{plan.flops_per_update / 1e12:,.1f} TFLOP an update, {plan.flops_per_sample / 1e12:,.2f} a sample; "
        f"{100 * plan.recomputed_share:.0f} % more with recomputation; {hours:,.1f} {gpu} hours "
        f"at a model FLOPs utilization of {utilization:.2f}",
    )
    columns = ("weights", "gradients", "optimizer", "average", "gathered", "activations", "total")
    for name in ("GPUs", *(f"{column}, GB" for column in columns), "hours"):
        table.add_column(name, justify="right")
    for row in plan.memory:
        sizes = (f"{getattr(row, column) / GB:,.1f}" for column in columns)
        table.add_row(str(row.gpus), *sizes, f"{hours / row.gpus:,.1f}")
    return table
