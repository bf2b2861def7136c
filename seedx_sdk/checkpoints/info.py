"""What a checkpoint directory holds and can do, from its config files and the headers of its weights. No torch.

`seedx info DIR` prints it. No weights are loaded and no hashes computed; loading does that.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from seedx_sdk.checkpoints.config import DirectoryConfig
from seedx_sdk.checkpoints.memory import ServingMemory, serving_memory
from seedx_sdk.errors import WeightsCorruptError, WeightsMissingError

__all__ = ["DirectoryInfo", "PartInfo", "read_directory"]

MAX_HEADER_BYTES = 100 * 1024 * 1024
"""Largest header of a safetensors file. Source: the format's specification."""


class PartInfo(BaseModel, frozen=True):
    """The weights of one part."""

    name: str
    """Its subdirectory, such as "detokenizer_edit/unet"."""
    parameters: int
    bytes: int
    dtypes: tuple[str, ...]
    """The types of its tensors, as safetensors names them: F32, BF16, F16."""


class DirectoryInfo(BaseModel, frozen=True):
    """A checkpoint directory at a glance."""

    name: str
    revision: str
    tasks: tuple[str, ...]
    """The calls that it answers; `edit` and `try_on` need a de-tokenizer that takes a condition image."""
    specialists: tuple[str, ...]
    image_size: int
    """Side in pixels of the images that it generates best."""
    sizes: str
    parts: tuple[PartInfo, ...]
    memory: dict[str, ServingMemory]
    """What serving needs, by precision; computed, not measured."""


def read_directory(checkpoint_dir: Path) -> DirectoryInfo:
    """Return what a checkpoint directory holds.

    Raises:
        WeightsMissingError: If it is not there, or a file of its config.json is not.
        WeightsCorruptError: If a config or a header can't be read.
    """
    config = DirectoryConfig.read(checkpoint_dir)
    missing = [name for name in config.files if not (checkpoint_dir / name).is_file()]
    if missing:
        raise WeightsMissingError(f"{checkpoint_dir / missing[0]} is missing; restore the directory from its source")
    weights: dict[str, list[Path]] = {}
    for name in config.files:
        if name.endswith(".safetensors"):
            weights.setdefault(str(Path(name).parent), []).append(checkpoint_dir / name)
    parts = tuple(_part(name, paths) for name, paths in weights.items())
    detokenizer = "detokenizer_edit" if "detokenizer_edit/unet" in weights else "detokenizer"
    adapters = [Path(name).parent.name for name in config.files if name.endswith("/adapter_config.json")]
    specialists = config.specialists(adapters)
    return DirectoryInfo(
        name=config.name,
        revision=config.revision,
        tasks=config.tasks(takes_condition_image=detokenizer == "detokenizer_edit", specialists=specialists),
        specialists=specialists,
        image_size=config.image_size,
        sizes=config.sizes,
        parts=parts,
        memory=serving_memory(
            {part.name: part.parameters for part in parts},
            llm=_json(checkpoint_dir / "llm" / "config.json"),
            unet=_json(checkpoint_dir / detokenizer / "unet" / "config.json"),
            vae=_json(checkpoint_dir / detokenizer / "vae" / "config.json"),
            image_size=config.image_size,
        ),
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsCorruptError(f"{path} can't be read: {error}; restore the directory from its source") from error
    return values


def _part(name: str, paths: list[Path]) -> PartInfo:
    tensors = [tensor for path in paths for tensor in _header(path)]
    return PartInfo(
        name=name,
        parameters=sum(math.prod(tensor["shape"]) for tensor in tensors),
        bytes=sum(path.stat().st_size for path in paths),
        dtypes=tuple(sorted({tensor["dtype"] for tensor in tensors})),
    )


def _header(path: Path) -> list[dict[str, Any]]:
    """Return the tensors that a safetensors file lists: eight bytes hold the length of a JSON header, which follows."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > MAX_HEADER_BYTES:
                raise ValueError(f"its header would be {length} bytes long")
            header: dict[str, Any] = json.loads(file.read(length))
    except (OSError, ValueError) as error:
        raise WeightsCorruptError(f"{path} is no safetensors file: {error}; restore it from its source") from error
    return [tensor for name, tensor in header.items() if name != "__metadata__"]
