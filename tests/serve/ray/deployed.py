"""A program like `seedx deploy`: language models and two de-tokenizers of the shipped model, quick to start."""

from __future__ import annotations

import sys

from seedx_sdk.engine import NANO
from seedx_sdk.engine.backbones.vllm_options import VLLMOptions
from seedx_sdk.serve.ray.cluster import run
from seedx_sdk.serve.ray.options import DeployOptions

OPTIONS = DeployOptions(
    model=NANO,
    backbone=sys.argv[1],  # type: ignore[arg-type]
    backbones=int(sys.argv[2]),
    detokenizers=(2, 2),
    vllm=VLLMOptions(dtype="float32", max_model_len=1024, block_size=32, kv_cache_bytes=64 << 20, enforce_eager=True),
    drain_seconds=5.0,
)

if __name__ == "__main__":
    run(OPTIONS, host="127.0.0.1", port=int(sys.argv[-1]), address="local")
