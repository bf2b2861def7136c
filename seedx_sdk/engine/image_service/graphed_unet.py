"""Runs the U-Net from recordings, one for each shape of its inputs."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor

from seedx_sdk.engine.image_service.cuda_graphs import Recorder, Recording
from seedx_sdk.engine.image_service.device_errors import is_out_of_memory
from seedx_sdk.model.unet import NoisePredictor

__all__ = ["GraphedUNet"]

_LOG = logging.getLogger("seedx.engine")
_PADDING = 1.25
"""A batch may run in a recording for so many times its rows: a quarter more work at most, for one recording less."""

_Key = tuple[int, Hashable]
"""Rows, and what else must be equal."""


@dataclass(slots=True, frozen=True)
class _Entry:
    inputs: tuple[Tensor, ...]
    """What the recording reads."""
    recording: Recording

    @property
    def size(self) -> int:
        """Grows with its intermediate results."""
        return self.inputs[0].numel()

    def run(self, inputs: Sequence[Tensor], rows: int) -> Tensor:
        for held, value in zip(self.inputs, inputs, strict=True):
            # Rows that are left over keep what they held; they influence no other.
            (held if held.ndim == 0 else held[:rows]).copy_(value)
        self.recording.replay()
        return self.recording.output[:rows].clone()


class GraphedUNet:
    """A `NoisePredictor` that records the U-Net at the first use of a shape and replays it afterwards.

    A shape is the number of rows (images times guidance branches), the size, and the number of prompt tokens. All
    recordings share the memory of their intermediate results, which is that of the largest; what is larger than
    `max_cells` runs without one, and so does what could not be recorded.

    Args:
        predict: Runs the U-Net itself.
        record: Records it.
        max_graphs: Recordings that are kept; beyond them, the least recently used one goes.
        max_cells: Rows times latent cells of the largest recording.
        preparing: Entered while something is recorded, which takes longer than a step.
    """

    def __init__(
        self,
        predict: NoisePredictor,
        record: Recorder,
        *,
        max_graphs: int,
        max_cells: int,
        preparing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._predict, self._record, self._preparing = predict, record, preparing
        self._max_graphs, self._max_cells = max_graphs, max_cells
        self._entries: OrderedDict[_Key, _Entry | None] = OrderedDict()  # None: could not be recorded

    @property
    def num_graphs(self) -> int:
        """Recordings that are held."""
        return sum(entry is not None for entry in self._entries.values())

    @torch.inference_mode()
    def __call__(
        self, sample: Tensor, timestep: Tensor, prompt_embeds: Tensor, pooled: Tensor, time_ids: Tensor, /
    ) -> Tensor:
        """Return the prediction; see `NoisePredictor`."""
        inputs = (sample, timestep, prompt_embeds, pooled, time_ids)
        rows, _, height, width = sample.shape
        if rows * height * width > self._max_cells:
            return self._predict(*inputs)
        rest = tuple((tensor.shape[1:], tensor.dtype) for tensor in inputs)
        key = self._fitting(rows, rest)
        if key is None:
            key = (rows, rest)
            self._add(key, inputs)
        self._entries.move_to_end(key)
        entry = self._entries[key]
        return self._predict(*inputs) if entry is None else entry.run(inputs, rows)

    def clear(self) -> bool:
        """Drop all recordings, and return whether there were any; their memory can then be freed."""
        held = self.num_graphs > 0
        self._entries.clear()
        return held

    def _fitting(self, rows: int, rest: Hashable) -> _Key | None:
        keys = [key for key in self._entries if key[1] == rest and rows <= key[0] <= rows * _PADDING]
        return min(keys, key=lambda key: key[0], default=None)

    def _add(self, key: _Key, inputs: Sequence[Tensor]) -> None:
        self._make_room()
        beside = next((entry.recording for entry in self._entries.values() if entry is not None), None)
        # The error is handled after its frames are gone, since they hold on to tensors.
        with self._preparing():
            try:
                held = tuple(torch.zeros_like(tensor) for tensor in inputs)
                entry = _Entry(held, self._record(lambda: self._predict(*held), beside))
            except RuntimeError as error:
                failure = error.with_traceback(None)
            else:
                self._entries[key] = entry
                return
        if is_out_of_memory(failure):
            self.clear()
        self._entries[key] = None
        _LOG.warning("steps of %d rows run without a CUDA graph: %s", key[0], failure)

    def _make_room(self) -> None:
        """Drop the least recently used recording if there are too many."""
        if len(self._entries) < self._max_graphs:
            return
        _, dropped = self._entries.popitem(last=False)
        kept = [entry.size for entry in self._entries.values() if entry is not None]
        if dropped is not None and dropped.size > max(kept, default=0):
            self.clear()  # the shared memory was as large as this one needed; the others are captured again
