"""Which options of a server fit a GPU. What does not fit is an error that names the options that would. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any

from seedx_sdk.checkpoints.memory_plan import GB, MemoryOptions, MemoryPlan
from seedx_sdk.checkpoints.model_sizes import RELEASED, ModelSizes
from seedx_sdk.errors import DeviceMemoryError, InputError

__all__ = ["GPU_GB", "Fit", "check_fit", "fitting_options", "flags", "memory_table"]

GPU_GB = (24, 40, 80, 141)
"""Memory of common GPUs in GB of 10**9 bytes: RTX 4090 or L4, A100, H100, H200."""
_FLAGS = {
    "dtype": "--dtype",
    "quantization": "--quantization",
    "max_model_len": "--max-model-len",
    "max_batch": "--max-batch",
    "offload": "--offload",
    "cuda_graphs": "--cuda-graphs",
    "tile_side": "--tile-side",
    "enforce_eager": "--enforce-eager",
}
"""Options of `seedx serve` by field."""


_DEFAULTS = MemoryOptions()


def flags(options: MemoryOptions, given: MemoryOptions = _DEFAULTS) -> str:
    """Return the command-line options that turn the given options into others."""
    found = []
    for name, flag in _FLAGS.items():
        value = getattr(options, name)
        if value != getattr(given, name):
            found.append(flag if value is True else f"{flag} {value}")
    return " ".join(found)


def check_fit(sizes: ModelSizes, options: MemoryOptions, gpu: int, *, name: str, has_fp8: bool = True) -> MemoryPlan:
    """Return the plan of a model that fits a GPU.

    Args:
        sizes: Of the model.
        options: Of the server.
        gpu: Bytes that are free on the GPU.
        name: The model's name.
        has_fp8: Whether the GPU multiplies numbers of 8 bits.

    Raises:
        InputError: If the KV cache that is asked for is too small for one conversation, or the GPU can't do what is
            asked for.
        DeviceMemoryError: If it does not fit; the message names the options with which it would.
    """
    if options.quantization == "fp8" and not has_fp8:
        raise InputError(
            "--quantization fp8 needs a GPU that multiplies numbers of 8 bits (compute capability 8.9 or later: Ada, "
            "Hopper, Blackwell), and this one does not; leave it out"
        )
    plan = MemoryPlan.make(sizes, options, gpu)
    longest = options.max_model_len or sizes.max_tokens
    if plan.kv_cache_needed < plan.kv_cache_per_token * longest:
        raise InputError(
            f"--kv-cache-gb {plan.kv_cache_needed / GB:g} holds {plan.kv_tokens:,} tokens, and one conversation may "
            f"have {longest:,}; use {plan.kv_cache_per_token * longest / GB:.2f} or more, "
            f"or --max-model-len {plan.kv_tokens}"
        )
    if plan.fits:
        return plan
    cures = [flags(fitting, options) for fitting in fitting_options(sizes, options, gpu, has_fp8=has_fp8)]
    if cures:
        advice = "it fits with these options of `seedx serve`: " + ", or ".join(cures)
    else:
        least = min(
            MemoryPlan.make(sizes, smaller, gpu).needed for smaller in _smaller(sizes, options, has_fp8=has_fp8)
        )
        advice = f"with every option that saves memory it needs {least / GB:.1f} GB; use a larger GPU"
    raise DeviceMemoryError(
        f"{name} needs {plan.needed / GB:.1f} GB of GPU memory and {gpu / GB:.1f} GB are free ({plan}); {advice}"
    )


def fitting_options(
    sizes: ModelSizes, options: MemoryOptions, gpu: int, *, count: int = 3, has_fp8: bool = True
) -> list[MemoryOptions]:
    """Return the least changes of options with which a model fits a GPU, none of which holds another; at most `count`.

    The options themselves are the only ones if they fit.
    """
    found: list[tuple[frozenset[str], MemoryOptions]] = []
    for smaller in _smaller(sizes, options, has_fp8=has_fp8):
        changed = frozenset(f.name for f in fields(options) if getattr(smaller, f.name) != getattr(options, f.name))
        if MemoryPlan.make(sizes, smaller, gpu).fits and not any(less <= changed for less, _ in found):
            found.append((changed, smaller))
    return [smaller for _, smaller in found[:count]]


def _smaller(sizes: ModelSizes, options: MemoryOptions, *, has_fp8: bool) -> Iterator[MemoryOptions]:
    """Yield the options and those that save memory, few changes first; among equally many, those that cost least."""
    on_vllm = options.llm_on == "vllm"
    length = options.max_model_len or sizes.max_tokens
    choices: dict[str, list[Any]] = {
        "max_batch": [size for size in (4, 2, 1) if size < options.max_batch],
        "dtype": ["bfloat16"] if options.dtype == "float32" else [],
        "quantization": ["fp8"] if on_vllm and has_fp8 and options.quantization is None else [],
        "offload": [True] if not options.offload else [],
        "cuda_graphs": [0] if options.cuda_graphs and not options.offload else [],
        "tile_side": [512] if options.tile_side > 512 else [],
        "max_model_len": [length // 2] if on_vllm else [],
        "enforce_eager": [True] if on_vllm and not options.enforce_eager else [],
    }
    every = product(*([getattr(options, name), *smaller] for name, smaller in choices.items()))
    changes = [dict(zip(choices, values, strict=True)) for values in every]
    ranked = sorted(changes, key=lambda change: sum(getattr(options, name) != value for name, value in change.items()))
    return (replace(options, **change) for change in ranked)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """Options that fit a GPU."""

    gpu_gb: int
    beside_llm: bool
    """Whether vLLM runs the language model on the same GPU."""
    options: str
    """Options of `seedx serve`; empty if the defaults fit."""
    max_batch: int
    """Images of the model's own size in one batch."""
    needed_gb: float
    """The least that works, with keys and values of one conversation of full length."""
    kv_tokens: int
    """Tokens of all conversations together that the cache holds; 0 without the language model."""


def memory_table(sizes: ModelSizes = RELEASED) -> list[Fit]:
    """Return what fits each GPU, alone and beside the language model; no row where nothing does."""
    rows = []
    for beside_llm, gpu_gb in product((False, True), GPU_GB):
        given = MemoryOptions(llm_on="vllm" if beside_llm else "elsewhere")
        for options in fitting_options(sizes, given, gpu_gb * GB, count=2):
            plan = MemoryPlan.make(sizes, options, gpu_gb * GB)
            rows.append(
                Fit(
                    gpu_gb=gpu_gb,
                    beside_llm=beside_llm,
                    options=flags(options),
                    max_batch=options.max_batch,
                    needed_gb=round(plan.needed / GB, 1),
                    kv_tokens=plan.kv_tokens,
                )
            )
    return rows
