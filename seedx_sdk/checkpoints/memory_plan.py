"""How the memory of one GPU is divided before anything is loaded: computed from sizes, not measured. No torch.

What images need is set aside first, the weights of the language model and what it computes with come next, and its keys
and values get the rest. GB are 10**9 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

from seedx_sdk.checkpoints.memory import PRECISIONS, vae_numbers
from seedx_sdk.checkpoints.model_sizes import ModelSizes

__all__ = ["CONTEXT", "GB", "GRAPH", "MemoryOptions", "MemoryPlan", "Quantization"]

Quantization: TypeAlias = Literal["fp8"]
"""How vLLM stores the matrices of the language model: in 8 bits, with a scale for each output."""

GB = 10**9
CONTEXT = GB // 2
"""Bytes of a process's CUDA context and of its kernels' code and scratch memory; vLLM and the image service have one
each. An estimate, like the next two; benchmarks/gpu.py prints them beside the real ones."""
UNUSABLE = 0.1
"""Share of the image service's intermediate results that the allocator can't use on top of them."""
GRAPH = 32 * 10**6
"""Bytes of one CUDA graph of the U-Net, without intermediate results."""
LLM_BATCH_TOKENS = 2048
"""Tokens of one forward pass of vLLM. Source: `SchedulerConfig.DEFAULT_MAX_NUM_BATCHED_TOKENS` of vLLM 0.32."""
LLM_GRAPHS = GB
"""What vLLM's CUDA graphs and compiled kernels may take, an estimate: vLLM measures them itself and leaves so much less
for keys and values. benchmarks/gpu.py prints how many tokens of these were planned, and how many there are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryOptions:
    """The options of a server that decide how much memory it takes."""

    llm_on: Literal["vllm", "transformers", "elsewhere"] = "vllm"
    """What runs the language model on this GPU; "elsewhere": another GPU does."""
    dtype: str | None = None
    """Precision of all weights; None is the default below, and for vLLM the type of the files."""
    default_dtype: str = "bfloat16"
    """Precision of what vLLM does not run; it depends on the device."""
    quantization: Quantization | None = None
    """As for `VLLMOptions`."""
    max_model_len: int | None = None
    """As for `VLLMOptions`; None is the longest conversation that the model was made for."""
    kv_cache_bytes: int | None = None
    """Bytes for keys and values; None is what is left."""
    tensor_parallel_size: int = 1
    """GPUs that share the language model."""
    enforce_eager: bool = False
    """vLLM does without graphs."""
    max_batch: int = 8
    """Images of the model's own size in one batch."""
    offload: bool = False
    """As for `Placement`."""
    tile_side: int = 1024
    """As for `Placement`."""
    cuda_graphs: int = 16
    """CUDA graphs of the U-Net that are kept at most; with offloading there are none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryPlan:
    """Bytes of one GPU by purpose."""

    options: MemoryOptions
    gpu: int | None
    """What the GPU has, or what was free on it; None if that is not known."""
    llm_weights: int
    """With room for the specialists' adapters."""
    llm_working: int
    """What a forward pass computes with, graphs, and the CUDA context."""
    kv_cache_per_token: int
    kv_cache_needed: int
    """Bytes for one conversation of full length, or what was asked for."""
    image_weights: int
    """Bytes of the de-tokenizer, the image encoder and the projectors."""
    image_working: int
    """Intermediate results of the largest batch, those that CUDA graphs keep beside them, and the CUDA context."""

    @classmethod
    def make(cls, sizes: ModelSizes, options: MemoryOptions, gpu: int | None = None) -> Self:
        """Return the plan for a model and options.

        Args:
            sizes: Of the model.
            options: Of the server.
            gpu: Bytes that the GPU has, or that are free on it.
        """
        image_weights, image_working = _images(sizes, options)
        weights, working, per_token, needed = _language_model(sizes, options)
        return cls(
            options=options,
            gpu=gpu,
            llm_weights=weights,
            llm_working=working,
            kv_cache_per_token=per_token,
            kv_cache_needed=needed if options.kv_cache_bytes is None or not per_token else options.kv_cache_bytes,
            image_weights=image_weights,
            image_working=image_working,
        )

    @property
    def image_service(self) -> int:
        """What is set aside for everything but the language model."""
        return self.image_weights + self.image_working

    @property
    def needed(self) -> int:
        """The least that works."""
        return self.image_service + self.llm_weights + self.llm_working + self.kv_cache_needed

    @property
    def kv_cache(self) -> int:
        """Bytes for keys and values: those asked for, or on vLLM all that is left."""
        if self.gpu is None or self.options.llm_on != "vllm" or self.options.kv_cache_bytes is not None:
            return self.kv_cache_needed
        return max(self.kv_cache_needed, self.gpu - self.needed + self.kv_cache_needed)

    @property
    def kv_tokens(self) -> int:
        """Tokens of all conversations together whose keys and values are kept."""
        return self.kv_cache // self.kv_cache_per_token if self.kv_cache_per_token else 0

    @property
    def fits(self) -> bool:
        """Whether the GPU has enough."""
        return self.gpu is None or self.needed <= self.gpu

    def __str__(self) -> str:
        """Return the plan as one line."""
        parts = {
            "language model": self.llm_weights,
            "its working memory": self.llm_working,
            f"KV cache of {self.kv_tokens:,} tokens": self.kv_cache,
            "image weights": self.image_weights,
            f"batches of {self.options.max_batch}": self.image_working,
        }
        total = "" if self.gpu is None else f"; {self.gpu / GB:.1f} available"
        return ", ".join(f"{name} {size / GB:.2f}" for name, size in parts.items() if size) + f" (GB, computed{total})"


def _images(sizes: ModelSizes, options: MemoryOptions) -> tuple[int, int]:
    """Return the bytes of the weights and of what is computed with them."""
    width = PRECISIONS[options.dtype or options.default_dtype]
    vae_width = 4 if options.dtype == "float16" and sizes.vae_channels.get("force_upcast", True) else width
    projectors = sizes.projectors * (1 + len(sizes.ranks))
    whole = sizes.unet + sizes.resampler + sizes.vae + sizes.visual_encoder
    weights = width * (projectors + (max(sizes.unet, sizes.vae) if options.offload else whole))
    in_unet = width * sizes.branches * options.max_batch * sizes.unet_activations
    in_vae = vae_width * vae_numbers(sizes.vae_channels, min(sizes.image_size, options.tile_side))
    working = (1 + UNUSABLE) * max(in_unet, in_vae) + CONTEXT
    if options.cuda_graphs and not options.offload:  # all keep their intermediate results in the same place
        working += (1 + UNUSABLE) * in_unet + options.cuda_graphs * GRAPH
    return weights, int(working)


def _language_model(sizes: ModelSizes, options: MemoryOptions) -> tuple[int, int, int, int]:
    """Return the bytes of weights, of what is computed with them, of one token in the cache, and of the least cache."""
    if options.llm_on == "elsewhere":
        return 0, 0, 0, 0
    if options.llm_on == "transformers":
        width = PRECISIONS[options.dtype or options.default_dtype]
        working = 4 * sizes.max_tokens * (2 * sizes.llm_mlp + 6 * sizes.llm_width) + CONTEXT
        copies = 1 + len(sizes.ranks)  # each specialist is merged into a language model of its own
        per_token = width * sizes.kv_numbers
        return copies * width * sizes.llm, working, per_token, per_token * sizes.max_tokens
    width = sizes.llm_bytes if options.dtype is None else PRECISIONS[options.dtype]
    matrices = sizes.llm_matrices * (1 if options.quantization else width)
    weights = matrices + (sizes.llm - sizes.llm_matrices) * width + width * _adapter_slots(sizes)
    tokens = min(LLM_BATCH_TOKENS, options.max_model_len or sizes.max_tokens)
    working = width * tokens * (2 * sizes.llm_mlp + 6 * sizes.llm_width) + CONTEXT
    working += 0 if options.enforce_eager else LLM_GRAPHS
    gpus = options.tensor_parallel_size
    per_token = width * sizes.kv_numbers // gpus
    return weights // gpus, working, per_token, per_token * (options.max_model_len or sizes.max_tokens)


def _adapter_slots(sizes: ModelSizes) -> int:
    """Return the numbers in vLLM's slots for adapters, of which one stays empty."""
    return (len(sizes.ranks) + 1) * max(sizes.ranks, default=0) * sizes.lora_numbers
