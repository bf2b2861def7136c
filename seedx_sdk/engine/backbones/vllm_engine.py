"""The engine of vLLM with our model class and hook: its arguments, and how it is started and ended."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vllm import AsyncEngineArgs
from vllm.exceptions import VLLMValidationError
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError

from seedx_sdk.checkpoints.memory_plan import Quantization
from seedx_sdk.engine.backbones.child_guard import ChildGuard
from seedx_sdk.engine.backbones.child_processes import child_settings
from seedx_sdk.engine.backbones.vllm_grammars import STRUCTURED_OUTPUTS_CONFIG
from seedx_sdk.engine.backbones.vllm_options import VLLMOptions
from seedx_sdk.engine.backbones.vllm_plugin import ARCHITECTURE, BLOCKED, StateExport
from seedx_sdk.errors import InputError, ModelError
from seedx_sdk.tokens import TokenIds

__all__ = ["as_model_errors", "blocked_ids", "build_engine", "end_engine", "engine_arguments"]

_SHUTDOWN_SECONDS = 2.0
"""Grace period of an engine that is closed; it has nothing to save."""
_QUANTIZATIONS: dict[Quantization, str] = {"fp8": "fp8_per_channel"}
"""Names of vLLM: 8-bit floating point with a scale for each output of a matrix and for each token, made at loading."""
_BUILD_LOCK = threading.Lock()
"""Held while an engine is built, since its settings are environment variables of the whole process."""


async def build_engine(arguments: AsyncEngineArgs, guard: ChildGuard) -> AsyncLLM:
    """Return an engine once its weights are loaded, without blocking the event loop.

    vLLM may be built where no loop runs: its sockets, queues and tasks belong to the loop that first uses them.
    """
    building = asyncio.get_running_loop().run_in_executor(None, _build_and_wait, arguments, guard.directory)
    try:
        return await asyncio.shield(building)
    except BaseException:
        await asyncio.to_thread(guard.close)  # an engine that is still starting fails at once without its processes
        await asyncio.wait([building])  # a cancelled task must not leak the engine
        if building.exception() is None:
            await asyncio.to_thread(building.result().shutdown, _SHUTDOWN_SECONDS)
        raise


def _build_and_wait(arguments: AsyncEngineArgs, files_dir: str) -> AsyncLLM:
    with _BUILD_LOCK, child_settings(files_dir):
        return AsyncLLM.from_engine_args(arguments)


def end_engine(engine: AsyncLLM, guard: ChildGuard) -> None:
    """Terminate the processes of an engine and remove their files."""
    engine.shutdown(_SHUTDOWN_SECONDS)
    guard.close()


def engine_arguments(
    llm_dir: Path, adapters: Sequence[Path], tokens: TokenIds, options: VLLMOptions
) -> AsyncEngineArgs:
    """Return the arguments of an engine with our model class and hook, and room for these adapters."""
    lora: dict[str, Any] = {}
    if adapters:
        ranks = [json.loads((path / "adapter_config.json").read_text(encoding="utf-8"))["r"] for path in adapters]
        # On the CPU, vLLM 0.32 gives requests without an adapter the last slot: it must stay empty.
        lora = {"enable_lora": True, "max_loras": len(adapters) + 1, "max_lora_rank": _rank_slot(max(ranks))}
    chosen = {
        "max_model_len": options.max_model_len,
        "max_num_seqs": options.max_num_seqs,
        "max_num_batched_tokens": options.max_num_batched_tokens,
        "block_size": options.block_size,
        "kv_cache_memory_bytes": options.kv_cache_bytes,
        "gpu_memory_utilization": options.memory_share,
        "scheduling_policy": "priority",
        "quantization": options.quantization and _QUANTIZATIONS[options.quantization],
        **(options.engine_args or {}),
    }
    return AsyncEngineArgs(
        model=str(llm_dir),
        dtype=options.dtype,
        tensor_parallel_size=options.tensor_parallel_size,
        enforce_eager=options.enforce_eager,
        hf_overrides={"architectures": [ARCHITECTURE], BLOCKED: blocked_ids(tokens)},
        worker_extension_cls=f"{StateExport.__module__}.{StateExport.__qualname__}",
        enable_prompt_embeds=True,
        enable_prefix_caching=True,
        structured_outputs_config=STRUCTURED_OUTPUTS_CONFIG,
        trust_remote_code=False,
        **lora,
        **{name: value for name, value in chosen.items() if value is not None},
    )


def _rank_slot(rank: int) -> int:
    """Return the smallest rank that vLLM supports and that holds this one."""
    return next(slot for slot in (8, 16, 32, 64, 128, 256, 320, 512) if slot >= rank)


def blocked_ids(tokens: TokenIds) -> list[int]:
    """Return the ids that are never sampled: those of an image are added by us, all at once."""
    return [*tokens.image, tokens.end_image]


@contextmanager
def as_model_errors() -> Iterator[None]:
    """Translate errors of vLLM into ours."""
    try:
        yield
    except EngineDeadError as error:
        raise ModelError("the vLLM engine has died; see its log") from error
    except VLLMValidationError as error:  # the rest was validated before
        raise InputError(
            f"json_schema cannot be kept as it is ({error}); leave out or change what this names", param="json_schema"
        ) from error
