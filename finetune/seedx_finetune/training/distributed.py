"""The processes of a run: one, or as many as torchrun starts; each holds a shard of the model and has a device."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Literal, TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.utils.checkpoint import checkpoint

from seedx_finetune.errors import ConfigError
from seedx_finetune.training.config import RunConfig

__all__ = [
    "Processes",
    "compute_dtype",
    "gathered",
    "prepare_blocks",
    "processes",
    "shard",
    "synchronize_gradients",
]

T = TypeVar("T")

PATIENCE = timedelta(hours=24)
"""How long ranks wait for the first one, which exports the model alone."""


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among all that compute the run."""

    rank: int
    world: int
    device: torch.device
    control: dist.ProcessGroup
    """Carries Python objects between the CPUs, whatever the device is."""

    def gather(self, value: T) -> list[T]:
        """Return the values of all ranks, in their order."""
        values: list[T] = [value] * self.world
        dist.all_gather_object(values, value, group=self.control)
        return values

    def first(self, action: Callable[[], T]) -> T:
        """Return, or raise, on every rank what an action did on the first one."""
        outcome: list[T | Exception | None] = [None]
        if self.rank == 0:
            try:
                outcome = [action()]
            except Exception as error:
                outcome = [error]
        dist.broadcast_object_list(outcome, src=0, group=self.control)
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]  # type: ignore[return-value]  # broadcast from the first rank


@contextmanager
def processes(device: Literal["cpu", "cuda"] | None) -> Iterator[Processes]:
    """Join the processes that torchrun started, or make up the whole run alone.

    Args:
        device: None is a CUDA device if there is one.

    Raises:
        ConfigError: If CUDA is requested and absent.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("run.device is 'cuda', but torch sees no CUDA device; use 'cpu', or leave it out")
    kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
    place = torch.device(kind)
    if kind == "cuda":
        place = torch.device(kind, int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(place)
    backend = "cpu:gloo,cuda:nccl" if kind == "cuda" else "gloo"
    if "WORLD_SIZE" in os.environ:
        dist.init_process_group(backend)
    else:
        store = dist.HashStore()  # type: ignore[attr-defined]  # its list of names lacks it
        dist.init_process_group(backend, store=store, rank=0, world_size=1)
    try:
        control = dist.new_group(backend="gloo", timeout=PATIENCE)
        yield Processes(dist.get_rank(), dist.get_world_size(), place, control)
    finally:
        dist.destroy_process_group()


def compute_dtype(run: RunConfig, device: torch.device) -> torch.dtype:
    """Return the type of frozen weights and of the computation."""
    name = run.dtype or ("bfloat16" if device.type == "cuda" else "float32")
    return torch.bfloat16 if name == "bfloat16" else torch.float32


def prepare_blocks(blocks: Iterable[nn.Module], run: RunConfig) -> None:
    """Compile and checkpoint the forward pass of each block in place; neither renames a parameter."""
    for block in blocks:
        if run.compile:
            block.forward = torch.compile(block.forward)
        if run.checkpoint_activations:
            block.forward = partial(checkpoint, block.forward, use_reentrant=False)


def shard(model: nn.Module, blocks: Iterable[nn.Module], group: Processes) -> None:
    """Spread the parameters over the ranks: each block gathers its own when it runs, the rest with the whole model.

    A rank whose batches leave parameters unused, such as one without images, counts as zero gradients for them.
    One process keeps plain parameters.
    """
    if group.world == 1:
        return
    mesh = init_device_mesh(group.device.type, (group.world,))
    for block in blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh).set_reduce_scatter_unused_params(True)


def synchronize_gradients(model: nn.Module, wanted: bool) -> None:
    """Say whether the next backward pass adds up the gradients of the ranks, or leaves that to a later one."""
    if isinstance(model, FSDPModule):
        model.set_requires_gradient_sync(wanted)


@contextmanager
def gathered(model: nn.Module) -> Iterator[None]:
    """Hold the parameters outside the blocks whole on every rank, so that any part of the model can run by itself."""
    if isinstance(model, FSDPModule):
        model.unshard()
    try:
        yield
    finally:
        for module in model.modules():
            if isinstance(module, FSDPModule):
                module.reshard()
