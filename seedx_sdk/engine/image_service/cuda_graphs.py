"""CUDA graphs: the kernels of a computation are captured, and replayed with one launch instead of thousands.

A graph reads and writes the same memory at each replay. Graphs that share a pool keep their intermediate results in the
same place, so at most one of them may run at a time, and only their outputs add up.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Protocol, Self

import torch
from torch import Tensor

__all__ = ["CudaGraph", "Recorder", "Recording", "cuda_recorder", "free_cached_memory"]

_WARM_UP = 2
"""Runs before a capture, in which libraries choose their kernels and allocate their workspaces."""
_CAPTURING = threading.Lock()
"""Held during a capture, of which a process may have one at a time, and while cached memory is freed. Source: torch's
allocator, whose `synchronize_and_free_events` fails an assertion while anything is captured."""
_BROKEN_OFF: list[torch.cuda.CUDAGraph] = []
"""Captures that CUDA broke off: torch's allocator refers to them, and takes them to go on, until the process ends."""


class Recording(Protocol):
    """A computation that can be repeated."""

    @property
    def output(self) -> Tensor:
        """What it writes, each time at the same place."""
        ...

    def replay(self) -> None:
        """Compute again, from what its inputs hold now."""
        ...


class Recorder(Protocol):
    """Makes recordings."""

    def __call__(self, compute: Callable[[], Tensor], beside: Recording | None) -> Recording:
        """Return the recording of a computation.

        Args:
            compute: Reads tensors that stay where they are.
            beside: A recording whose memory for intermediate results it may use too.
        """
        ...


@dataclass(slots=True, frozen=True)
class CudaGraph:
    """A captured computation."""

    graph: torch.cuda.CUDAGraph
    output: Tensor

    @classmethod
    def capture(
        cls, compute: Callable[[], Tensor], beside: Recording | None, *, device: torch.device, stream: torch.cuda.Stream
    ) -> Self:
        """Return the graph of a computation.

        Args:
            compute: Launches kernels on the current stream, and neither waits for the GPU nor copies from the host, nor
                draws random numbers.
            beside: A graph whose memory pool it shares.
            device: Of the tensors.
            stream: On which nothing else runs.

        Raises:
            RuntimeError: If the computation cannot be captured, or does not fit the memory.
        """
        # The stream is set back here: a capture that fails leaves its own behind.
        with _CAPTURING, torch.cuda.device(device), torch.cuda.stream(torch.cuda.current_stream(device)):
            if _BROKEN_OFF:
                raise RuntimeError("CUDA broke off an earlier capture; graphs can be captured after a restart")
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(_WARM_UP):
                    compute()
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            pool = beside.graph.pool() if isinstance(beside, CudaGraph) else None
            # Other threads go on using the GPU: the language model may run in one of them. Meanwhile they must neither
            # wait for the whole GPU, nor free cached memory (see `free_cached_memory`), nor draw random numbers on it:
            # torch's generator takes part in the capture.
            try:
                with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
                    output = compute()
            except RuntimeError:
                if not _has_ended(graph):
                    _BROKEN_OFF.append(graph)
                raise
        return cls(graph, output)

    def replay(self) -> None:
        """Compute again, from what its inputs hold now."""
        self.graph.replay()


def _has_ended(graph: torch.cuda.CUDAGraph) -> bool:
    """Whether torch has ended the capture of a graph, which it does not if CUDA has broken it off."""
    try:
        graph.pool()
    except RuntimeError:
        return False
    return True


def free_cached_memory() -> None:
    """Give memory that no tensor uses back to the GPUs, once no graph is being captured."""
    gc.collect()
    with _CAPTURING:
        if not _BROKEN_OFF:
            torch.cuda.empty_cache()


@cache
def _stream(gpu: int) -> torch.cuda.Stream:
    """Return the one stream for all captures on a GPU: libraries keep a workspace for each stream until the end."""
    return torch.cuda.Stream(gpu)  # type: ignore[no-untyped-call]


def cuda_recorder(device: torch.device) -> Recorder:
    """Return a recorder of CUDA graphs on a device."""
    stream = _stream(torch.cuda.current_device() if device.index is None else device.index)

    def record(compute: Callable[[], Tensor], beside: Recording | None) -> Recording:
        return CudaGraph.capture(compute, beside, device=device, stream=stream)

    return record
