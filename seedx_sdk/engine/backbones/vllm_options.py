"""How vLLM runs: a value that can be made, and sent to another process, where vLLM is not imported or not installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seedx_sdk.checkpoints.memory_plan import Quantization

__all__ = ["VLLMOptions"]


@dataclass(frozen=True, kw_only=True, slots=True)
class VLLMOptions:
    """How vLLM runs; what is None is vLLM's own choice."""

    dtype: str = "auto"
    """Precision of weights and cache; "auto" is what the weights are stored in."""
    max_model_len: int | None = None
    """Longest prompt and answer together, in tokens; None is what the model was made for."""
    max_num_seqs: int | None = None
    """Prompts in one batch."""
    max_num_batched_tokens: int | None = None
    """Tokens of one forward pass; longer prompts are read in chunks."""
    block_size: int | None = None
    """Tokens in one block of the cache; only whole blocks are found again. On a CPU, a multiple of 32."""
    kv_cache_bytes: int | None = None
    """Memory for keys and values. Without it, vLLM takes what `memory_share` leaves it."""
    memory_share: float | None = None
    """Share of the GPU's memory that vLLM may take in all; None is what the memory plan leaves it (`open_vllm`)."""
    quantization: Quantization | None = None
    """Type to which the language model's matrices are quantized at loading; None leaves them as they are stored."""
    tensor_parallel_size: int = 1
    """Devices that share one model."""
    enforce_eager: bool = False
    """Do without compilation and graphs: starts in seconds, answers slower."""
    step_seconds: float = 300.0
    """An engine that is not between two steps for so long is stuck, and counts as failed."""
    engine_args: dict[str, Any] | None = None
    """Further arguments of `vllm.AsyncEngineArgs`."""
