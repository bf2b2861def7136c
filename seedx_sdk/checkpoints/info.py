"""What a checkpoint directory holds and can do, from its config files and the headers of its weights. No torch.

`seedx info DIR` prints it. No weights are loaded and no hashes computed; loading does that.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from seedx_sdk.checkpoints.config import DirectoryConfig
from seedx_sdk.checkpoints.memory import ServingMemory, serving_memory
from seedx_sdk.checkpoints.memory_fit import Fit, memory_table
from seedx_sdk.checkpoints.model_sizes import ModelSizes
from seedx_sdk.errors import WeightsCorruptError, WeightsMissingError

__all__ = ["DirectoryInfo", "PartInfo", "read_directory", "read_sizes"]

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
    fits: tuple[Fit, ...]
    """Options of `seedx serve` that fit common GPUs; computed, not measured."""


def read_directory(checkpoint_dir: Path) -> DirectoryInfo:
    """Return what a checkpoint directory holds.

    Raises:
        WeightsMissingError: If it is not there, or a file of its config.json is not.
        WeightsCorruptError: If a config or a header can't be read.
    """
    config = DirectoryConfig.read(checkpoint_dir)
    parts = _parts(checkpoint_dir, config)
    detokenizer = _detokenizer(parts)
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
        fits=tuple(memory_table(read_sizes(checkpoint_dir))),
    )


def read_sizes(checkpoint_dir: Path, specialists: Mapping[str, Path] | None = None) -> ModelSizes:
    """Return what of a model decides how much memory it takes.

    Args:
        checkpoint_dir: The checkpoint directory.
        specialists: Further specialists, as for `load_directory`.

    Raises:
        WeightsMissingError: If it is not there, or a file of its config.json is not.
        WeightsCorruptError: If a config or a header can't be read.
    """
    config = DirectoryConfig.read(checkpoint_dir)
    parts = _parts(checkpoint_dir, config)
    detokenizer = _detokenizer(parts)
    own = {path.parent.name: path.parent for path in (checkpoint_dir / "specialists").glob("*/adapter_config.json")}
    adapters = own | dict(specialists or {})
    stored = {name for part in parts if part.name == "llm" for name in part.dtypes}
    return ModelSizes.of(
        {part.name: part.parameters for part in parts},
        llm=_json(checkpoint_dir / "llm" / "config.json"),
        unet=_json(checkpoint_dir / detokenizer / "unet" / "config.json"),
        vae=_json(checkpoint_dir / detokenizer / "vae" / "config.json"),
        image_size=config.image_size,
        llm_bytes=4 if "F32" in stored else 2,
        ranks=tuple(_json(directory / "adapter_config.json")["r"] for directory in adapters.values()),
    )


def _parts(checkpoint_dir: Path, config: DirectoryConfig) -> tuple[PartInfo, ...]:
    missing = [name for name in config.files if not (checkpoint_dir / name).is_file()]
    if missing:
        raise WeightsMissingError(f"{checkpoint_dir / missing[0]} is missing; restore the directory from its source")
    weights: dict[str, list[Path]] = {}
    for name in config.files:
        if name.endswith(".safetensors"):
            weights.setdefault(str(Path(name).parent), []).append(checkpoint_dir / name)
    return tuple(_part(name, paths) for name, paths in weights.items())


def _detokenizer(parts: Sequence[PartInfo]) -> str:
    """Return the subdirectory of the de-tokenizer that is loaded."""
    edits = any(part.name == "detokenizer_edit/unet" for part in parts)
    return "detokenizer_edit" if edits else "detokenizer"


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
