"""Captures and cached memory, by the rules of torch's allocator; the GPU is one that is not there."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from seedx_sdk.engine.image_service import cuda_graphs
from seedx_sdk.engine.image_service.cuda_graphs import CudaGraph, free_cached_memory

GPU = torch.device("cuda")


class Stream:
    """Of a GPU that is not there."""

    def wait_stream(self, other: object) -> None:
        """Wait for nothing."""


class Graph:
    """A capture that ends when it is told to."""

    def __init__(self) -> None:
        self.ended = False

    def pool(self) -> tuple[int, int]:
        if not self.ended:
            raise RuntimeError("Called CUDAGraph::pool() without a preceding successful capture.")
        return (0, 1)


class Allocator:
    """Of torch: it counts captures from their begin to their end, and frees memory while there are none."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.is_broken_off = False
        self._captures = 0

    @contextlib.contextmanager
    def graph(self, graph: Graph, **_options: object) -> Iterator[None]:
        self._captures += 1
        self.log.append("begin")
        try:
            yield
        finally:
            if self.is_broken_off:
                raise RuntimeError("CUDA error: operation failed due to a previous error during capture")
            self._captures -= 1
            graph.ended = True
            self.log.append("end")

    def empty_cache(self) -> None:
        if self._captures:
            raise RuntimeError("captures_underway.empty() INTERNAL ASSERT FAILED")
        self.log.append("freed")


@pytest.fixture
def allocator(monkeypatch: pytest.MonkeyPatch) -> Allocator:
    allocator = Allocator()
    monkeypatch.setattr(cuda_graphs, "_BROKEN_OFF", [])
    for name in ("device", "stream"):
        monkeypatch.setattr(torch.cuda, name, lambda _: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _=None: Stream())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", allocator.graph)
    monkeypatch.setattr(torch.cuda, "empty_cache", allocator.empty_cache)
    return allocator


def capture(compute: Callable[[], Tensor]) -> CudaGraph:
    return CudaGraph.capture(compute, None, device=GPU, stream=Stream())  # type: ignore[arg-type]


def fails(error: Exception) -> Callable[[], Tensor]:
    """Return a computation that fails when it is captured, after two runs that warm up."""
    runs = iter([None, None, error])

    def compute() -> Tensor:
        if (raised := next(runs)) is not None:
            raise raised
        return torch.zeros(1)

    return compute


def test_memory_is_freed_after_a_capture_in_another_thread(allocator: Allocator) -> None:
    begun, freeing = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    def free() -> None:
        begun.wait()
        freeing.set()
        try:
            free_cached_memory()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=free)
    thread.start()

    def compute() -> Tensor:
        if allocator.log == ["begin"]:
            begun.set()
            freeing.wait()
            thread.join(0.05)  # time to free too early
        return torch.zeros(1)

    capture(compute)
    thread.join()
    assert errors == [] and allocator.log == ["begin", "end", "freed"]


def test_nothing_is_captured_or_freed_after_cuda_has_broken_off_a_capture(allocator: Allocator) -> None:
    allocator.is_broken_off = True
    with pytest.raises(RuntimeError, match="previous error during capture"):
        capture(fails(RuntimeError("not permitted when stream is capturing")))
    free_cached_memory()
    with pytest.raises(RuntimeError, match="after a restart"):
        capture(lambda: torch.zeros(1))
    assert allocator.log == ["begin"]


def test_a_capture_that_found_too_little_memory_hinders_no_other(allocator: Allocator) -> None:
    with pytest.raises(torch.OutOfMemoryError):
        capture(fails(torch.OutOfMemoryError("too little")))
    free_cached_memory()
    capture(lambda: torch.zeros(1))
    assert allocator.log == ["begin", "end", "freed", "begin", "end"]
