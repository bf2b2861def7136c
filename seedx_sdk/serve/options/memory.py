"""The command-line options that divide the memory of a device, which `seedx serve` and `seedx deploy` share."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import typer

from seedx_sdk.checkpoints.memory_plan import GB, Quantization
from seedx_sdk.engine.backbones.vllm_options import VLLMOptions
from seedx_sdk.engine.local import EngineOptions
from seedx_sdk.errors import InputError

__all__ = [
    "EnforceEagerOption",
    "KvCacheOption",
    "MaxBatchOption",
    "MaxModelLenOption",
    "OffloadOption",
    "QuantizationOption",
    "vllm_options",
]

KvCacheOption = Annotated[
    float | None,
    typer.Option(
        "--kv-cache-gb",
        min=0.001,
        metavar="GB",
        help="vLLM's memory for keys and values (default: what images leave; 1.07 on a CPU).",
    ),
]
QuantizationOption = Annotated[
    Quantization | None,
    typer.Option(help="Store the matrices of the language model in 8 bits, made from its files at loading (vLLM)."),
]
MaxModelLenOption = Annotated[
    int | None,
    typer.Option(min=64, metavar="TOKENS", help="Longest conversation on vLLM (default: the model's own limit)."),
]
EnforceEagerOption = Annotated[
    bool,
    typer.Option(
        "--enforce-eager", help="Run vLLM without compilation and CUDA graphs: faster startup, slower answers."
    ),
]
MaxBatchOption = Annotated[int, typer.Option(min=1, help="Images that are denoised in one batch.")]
OffloadOption = Annotated[
    bool,
    typer.Option("--offload", help="Keep weights of the de-tokenizer and the image encoder in host memory (GPU only)."),
]


def vllm_options(
    options: EngineOptions,
    backbone: Literal["transformers", "vllm"],
    *,
    kv_cache_gb: float | None,
    quantization: Quantization | None,
    max_model_len: int | None,
    enforce_eager: bool,
) -> VLLMOptions | None:
    """Return how vLLM runs; None if the language model runs on transformers.

    Raises:
        InputError: If an option of vLLM is given for transformers.
    """
    chosen = {
        "--kv-cache-gb": kv_cache_gb is not None,
        "--quantization": quantization is not None,
        "--max-model-len": max_model_len is not None,
        "--enforce-eager": enforce_eager,
    }
    if backbone == "transformers":
        if given := [name for name, is_given in chosen.items() if is_given]:
            raise InputError(f"{' and '.join(given)} need vLLM; install it and choose --backbone vllm, or leave it out")
        return None
    vllm = options.for_vllm()
    return replace(
        vllm,
        kv_cache_bytes=vllm.kv_cache_bytes if kv_cache_gb is None else int(kv_cache_gb * GB),
        quantization=quantization,
        max_model_len=max_model_len,
        enforce_eager=enforce_eager,
    )
