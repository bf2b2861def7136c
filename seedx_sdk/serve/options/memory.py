"""The options that divide the memory of a device."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import typer

from seedx_sdk.checkpoints.memory_plan import GB, Quantization
from seedx_sdk.engine.backbones.vllm_options import VLLMOptions
from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.engine.local import EngineOptions
from seedx_sdk.errors import InputError

__all__ = ["MemoryArguments"]


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryArguments:
    """How the memory of a device is divided."""

    TITLE: ClassVar = "Memory"

    kv_cache_gb: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            metavar="GB",
            help="vLLM's memory for keys and values (default: what images leave; 1.07 on a CPU).",
        ),
    ] = None
    quantization: Annotated[
        Quantization | None,
        typer.Option(help="Store the matrices of the language model in 8 bits, made from its files at loading (vLLM)."),
    ] = None
    max_model_len: Annotated[
        int | None,
        typer.Option(min=64, metavar="TOKENS", help="Longest conversation on vLLM (default: the model's own limit)."),
    ] = None
    enforce_eager: Annotated[
        bool,
        typer.Option(
            "--enforce-eager", help="Run vLLM without compilation and CUDA graphs: faster startup, slower answers."
        ),
    ] = False
    max_batch: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Images of the model's own size in one batch; of larger ones, as many pixels."
        ),
    ] = ServiceLimits().max_batch
    offload: Annotated[
        bool,
        typer.Option(
            "--offload", help="Keep weights of the de-tokenizer and the image encoder in host memory (GPU only)."
        ),
    ] = False

    def vllm_options(self, options: EngineOptions, backbone: Literal["transformers", "vllm"]) -> VLLMOptions | None:
        """Return how vLLM runs; None if the language model runs on transformers.

        Raises:
            InputError: If an option of vLLM is given for transformers.
        """
        chosen = {
            "--kv-cache-gb": self.kv_cache_gb is not None,
            "--quantization": self.quantization is not None,
            "--max-model-len": self.max_model_len is not None,
            "--enforce-eager": self.enforce_eager,
        }
        if backbone == "transformers":
            if given := [name for name, is_given in chosen.items() if is_given]:
                raise InputError(
                    f"{' and '.join(given)} need vLLM; install it and choose --backbone vllm, or leave it out"
                )
            return None
        vllm = options.for_vllm()
        return replace(
            vllm,
            kv_cache_bytes=vllm.kv_cache_bytes if self.kv_cache_gb is None else int(self.kv_cache_gb * GB),
            quantization=self.quantization,
            max_model_len=self.max_model_len,
            enforce_eager=self.enforce_eager,
        )
