"""What a run reports: log.jsonl, TensorBoard, and a progress bar; only the first rank writes."""

from __future__ import annotations

import json
import resource
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import torch
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from seedx_finetune.training.directory import RunDirectory
from seedx_finetune.training.stage import Amounts

__all__ = ["Meter", "Part", "RunLog", "objective", "summarize"]

PEAK_FLOPS = {"H100": 989.4e12, "H200": 989.4e12, "A100": 312e12, "L40S": 362e12, "B200": 2250e12}
"""Dense bfloat16 multiplications and additions per second, from NVIDIA's data sheets (SXM forms)."""


@dataclass(frozen=True, slots=True)
class Part:
    """A term of the loss for one source in one batch, as a plain number."""

    term: str
    source: str
    total: float
    count: int
    weight: float


def objective(parts: Iterable[Part]) -> float:
    """Return the loss that is minimized: the sum over terms of weight * total / count."""
    parts = list(parts)
    counts = _counts(parts, lambda part: part.term)
    return sum(part.weight * part.total / max(1, counts[part.term]) for part in parts)


def summarize(parts: Iterable[Part]) -> dict[str, float]:
    """Return the mean of each term, and of each term for each source, "term/source"."""
    parts = list(parts)
    means: dict[str, float] = {}
    for name in (lambda part: part.term, lambda part: f"{part.term}/{part.source}"):
        counts = _counts(parts, name)
        totals: Counter[str] = Counter()
        for part in parts:
            totals[name(part)] += part.total  # type: ignore[assignment]  # Counter adds floats as well
        means |= {key: totals[key] / count for key, count in counts.items() if count}
    return means


def _counts(parts: Iterable[Part], name: Any) -> Counter[str]:
    counts: Counter[str] = Counter()
    for part in parts:
        counts[name(part)] += part.count
    return counts


@dataclass(slots=True)
class Meter:
    """Adds up what happens between two lines of the log."""

    device: torch.device
    world: int
    parts: list[Part] = field(default_factory=list)
    amounts: list[Amounts] = field(default_factory=list)
    updates: int = 0
    seconds: float = 0.0
    """Of the updates; checkpoints and measurements are not in them."""

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count the time of an update."""
        began = perf_counter()
        yield
        self.seconds += perf_counter() - began
        self.updates += 1

    def read(self) -> dict[str, float]:
        """Return the means and rates since the last call, and start over; what is not known is left out."""
        tokens, images, padding = (
            sum(getattr(amount, name) for amount in self.amounts) for name in ("tokens", "images", "padding")
        )
        flops = sum(amount.flops for amount in self.amounts)
        values = summarize(self.parts) | {"seconds_per_update": self.seconds / self.updates}
        if self.amounts:
            values |= {"tokens_per_s": tokens / self.seconds, "images_per_s": images / self.seconds}
            values["padding_share"] = padding / max(1, tokens + padding)
        peak = _peak_flops(self.device)
        if flops and peak:
            values["flops_utilization"] = flops / self.seconds / self.world / peak
        values["peak_memory_gb"] = _peak_memory(self.device) / 1e9
        self.parts, self.amounts, self.updates, self.seconds = [], [], 0, 0.0
        return values


def _peak_flops(device: torch.device) -> float | None:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    return next((peak for part, peak in PEAK_FLOPS.items() if part in name), None)


def _peak_memory(device: torch.device) -> int:
    """Return bytes: of the device, or of this process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class RunLog:
    """The open log of a run; use it as a context manager.

    Args:
        directory: Where log.jsonl and tensorboard/ lie; both are continued.
        name: Of the run, in the progress bar.
        start: Updates that were made before.
        steps: Updates of the whole run.
        enabled: False writes nothing, on ranks other than the first.
    """

    def __init__(self, directory: RunDirectory, name: str, *, start: int, steps: int, enabled: bool) -> None:
        self._directory, self._name, self._start, self._steps, self._enabled = directory, name, start, steps, enabled
        self._stack = ExitStack()

    def __enter__(self) -> RunLog:
        """Open the files; the bar shows only on a terminal."""
        if self._enabled:
            root = self._directory.root
            self._file = self._stack.enter_context(open(root / "log.jsonl", "a", encoding="utf-8"))
            self._board = SummaryWriter(root / "tensorboard", purge_step=self._start + 1)
            self._stack.callback(self._board.close)
            bar = tqdm(desc=self._name, total=self._steps, initial=self._start, unit="update", disable=None)
            self._bar = self._stack.enter_context(bar)
        return self

    def __exit__(self, *_: object) -> None:
        """Close them."""
        self._stack.close()

    def update(self, loss: float) -> None:
        """Move the progress bar, which shows the time left, by an update."""
        if self._enabled:
            self._bar.set_postfix(loss=f"{loss:.4g}", refresh=False)
            self._bar.update()

    def event(self, kind: str, step: int, **fields: Any) -> None:
        """Write a line about something that happened."""
        if self._enabled:
            self._file.write(json.dumps({"event": kind, "step": step} | fields) + "\n")
            self._file.flush()

    def scalars(self, kind: str, step: int, values: Mapping[str, float]) -> None:
        """Write a line of numbers, also to TensorBoard, there under "kind/name"."""
        self.event(kind, step, **values)
        if self._enabled:
            for name, value in values.items():
                self._board.add_scalar(f"{kind}/{name}", value, step)
            self._board.flush()
