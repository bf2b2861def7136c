"""All that relies on vLLM internals: the model class, and the hook that exports hidden states.

vLLM loads it in its own processes, by the plugin entry point `register`. Written for vLLM 0.32; it relies on

- `worker.model_runner.execute_model(scheduler_output, ...)`, which leaves `execute_model_state.hidden_states` behind,
- the order of requests in those rows: `input_batch.req_ids` and `query_start_loc.np` of the first model runner, or
  `execute_model_state.input_batch.{req_ids, query_start_loc_np}` of the second,
- `scheduler_output`: `scheduled_new_reqs`, `scheduled_cached_reqs`, `finished_req_ids`,
- on the CPU, `input_batch.generators` and `requests[...].generator`.

A change of any of these is found by the canary that the backbone runs at its start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from cachetools import FIFOCache
from torch import Tensor
from vllm import ModelRegistry
from vllm.model_executor.models.llama import LlamaForCausalLM

from seedx_sdk.engine.backbones.child_processes import end_with_parent

__all__ = ["ARCHITECTURE", "BLOCKED", "EXPORT", "QueryLlama", "StateExport", "register"]

ARCHITECTURE = "SeedXQueryLlama"
"""Name of the model class in vLLM's registry."""
BLOCKED = "seedx_blocked_ids"
"""Key of the model's config: ids that are never sampled."""
EXPORT = "seedx_export"
"""Key of `SamplingParams.extra_args`: (tag, start, end), the positions of the prompt whose states are exported."""
_KEPT = 512
"""Exports that wait to be fetched; those of cancelled requests are evicted by later ones."""


def register() -> None:
    """Register the model class, and prepare vLLM's processes (entry point `vllm.general_plugins`)."""
    end_with_parent()
    torch.cpu._init_amx()  # Linux kills a process that uses these registers without asking, as vLLM's attention does
    ModelRegistry.register_model(ARCHITECTURE, f"{__name__}:QueryLlama")


class QueryLlama(LlamaForCausalLM):  # type: ignore[misc]  # vLLM's types are not read
    """Llama that never samples image tokens, and whose adapters do not change the embeddings.

    Adapters on the embeddings break prompts that mix ids and rows of features in vLLM 0.32; ours have none.
    """

    embedding_modules: dict[str, str] = {}

    def compute_logits(self, hidden_states: Tensor) -> Tensor | None:
        """Return the (N, V) logits, minus infinity for blocked ids; None on all but the first tensor-parallel rank."""
        logits: Tensor | None = super().compute_logits(hidden_states)
        if logits is not None:
            logits[:, getattr(self.config, BLOCKED)] = float("-inf")
        return logits


@dataclass(slots=True)
class _Export:
    """Hidden states of one request's positions start..end, those that were computed."""

    start: int
    end: int
    rows: Tensor | None = None
    seen: set[int] = field(default_factory=set)

    def take(self, states: Tensor, begin: int) -> None:
        """Keep the exported part of the states (N, D) of positions begin..begin + N."""
        low, high = max(self.start, begin), min(self.end, begin + len(states))
        if low >= high:
            return
        if self.rows is None:
            self.rows = states.new_empty(self.end - self.start, states.shape[1])
        self.rows[low - self.start : high - self.start] = states[low - begin : high - begin]
        self.seen.update(range(low, high))

    @property
    def complete(self) -> bool:
        """Whether every position was computed; those in vLLM's prefix cache are not."""
        return len(self.seen) == self.end - self.start


class StateExport:
    """Worker extension: keeps the last hidden states of the positions that a request exports."""

    def seedx_install(self) -> None:
        """Wrap the model runner; called once, before the first request."""
        runner: Any = self.model_runner  # type: ignore[attr-defined]  # vLLM mixes this class into its worker
        self._seedx_running: dict[str, str] = {}  # tag by request id
        self._seedx_exports: FIFOCache[str, _Export] = FIFOCache(_KEPT)  # by tag
        execute: Callable[..., Any] = runner.execute_model

        def execute_and_export(scheduler_output: Any, *args: Any, **kwargs: Any) -> Any:
            self._seedx_begin(scheduler_output)
            output = execute(scheduler_output, *args, **kwargs)
            state = runner.execute_model_state
            if self._seedx_running and state is not None:
                self._seedx_collect(scheduler_output, runner, state)
            if runner.device.type == "cpu":
                _make_rewindable(runner)
            return output

        runner.execute_model = execute_and_export

    def seedx_alive(self) -> bool:
        """Return True: the worker is between two steps."""
        return True

    def seedx_pop(self, tag: str) -> tuple[str, bytes] | None:
        """Return type and bytes of the (end - start, D) states of an export, None if some were not computed."""
        export = self._seedx_exports.pop(tag, None)
        if export is None or export.rows is None or not export.complete:
            return None
        return str(export.rows.dtype).removeprefix("torch."), export.rows.cpu().view(torch.uint8).numpy().tobytes()

    def _seedx_begin(self, scheduler_output: Any) -> None:
        for request_id in scheduler_output.finished_req_ids:
            self._seedx_running.pop(request_id, None)
        for new in scheduler_output.scheduled_new_reqs:
            export = (getattr(new.sampling_params, "extra_args", None) or {}).get(EXPORT)
            if export is not None:
                tag, start, end = export
                self._seedx_running[new.req_id] = tag
                self._seedx_exports[tag] = _Export(start, end)

    def _seedx_collect(self, scheduler_output: Any, runner: Any, state: Any) -> None:
        computed = _computed_before(scheduler_output)
        for request_id, first, last in _rows(runner, state):
            export = self._seedx_exports.get(self._seedx_running.get(request_id, ""))
            if export is not None:
                export.take(state.hidden_states[first:last], computed[request_id])


class _RewindableGenerator(torch.Generator):
    """Random numbers of one request on the CPU, whose last draw can be undone.

    After each chunk of a prompt but the last, vLLM samples a token that it discards and resets the generator's offset,
    which CPU generators do not have: a request with a seed would kill the engine (vLLM 0.32).
    """

    before: Tensor
    """State before the last draw."""

    def get_offset(self) -> int:
        return 0

    def set_offset(self, _offset: int) -> torch.Generator:
        return self.set_state(self.before)


def _make_rewindable(runner: Any) -> None:
    generators, batch = runner.input_batch.generators, runner.input_batch
    for index, generator in generators.items():
        if not isinstance(generator, _RewindableGenerator):
            state, generator = generator.get_state(), _RewindableGenerator()
            generator.set_state(state)
            generators[index] = runner.requests[batch.req_ids[index]].generator = generator
        generator.before = generator.get_state()


def _computed_before(scheduler_output: Any) -> dict[str, int]:
    """Return for each scheduled request how many of its positions were computed before this step."""
    cached = scheduler_output.scheduled_cached_reqs
    computed = dict(zip(cached.req_ids, cached.num_computed_tokens, strict=True))
    return computed | {new.req_id: new.num_computed_tokens for new in scheduler_output.scheduled_new_reqs}


def _rows(runner: Any, state: Any) -> Iterator[tuple[str, int, int]]:
    """Yield each request of the step with the range of its rows in the hidden states."""
    batch = getattr(state, "input_batch", None)  # of the second model runner
    starts = runner.query_start_loc.np if batch is None else batch.query_start_loc_np
    request_ids = (runner.input_batch if batch is None else batch).req_ids
    for index, request_id in enumerate(request_ids):
        yield request_id, int(starts[index]), int(starts[index + 1])
