"""The output embeddings of a language model directory, and what they make of a state."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from safetensors import safe_open
from torch import Tensor

__all__ = ["likeliest_token"]


def likeliest_token(llm_dir: Path, state: Tensor, blocked: Sequence[int]) -> int:
    """Return the likeliest token after a (D,) state, with the output embeddings of a language model directory."""
    logits = _output_embeddings(llm_dir).float() @ state.float()
    logits[list(blocked)] = float("-inf")
    return int(logits.argmax())


def _output_embeddings(llm_dir: Path) -> Tensor:
    """Return the (V, D) output embeddings of a language model directory."""
    index = llm_dir / "model.safetensors.index.json"
    name = "lm_head.weight"
    file = "model.safetensors"
    if index.is_file():
        file = json.loads(index.read_text(encoding="utf-8"))["weight_map"][name]
    with safe_open(llm_dir / file, framework="pt") as weights:
        found: Tensor = weights.get_tensor(name)
    return found
