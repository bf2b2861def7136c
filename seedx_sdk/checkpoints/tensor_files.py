"""Tensors on disk, by name: single or sharded files, .bin or .safetensors, read without running any code in them.

Listing them costs no memory; `convert` and `extract_lora` read a few at a time.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from huggingface_hub import split_torch_state_dict_into_shards
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from seedx_sdk.checkpoints.state_dicts import merge_lora
from seedx_sdk.errors import ModelError, WeightsCorruptError, WeightsMissingError

__all__ = [
    "MAX_SHARD_BYTES",
    "LoraSource",
    "Shards",
    "TensorSource",
    "find_weights",
    "list_tensors",
    "plan_shards",
    "read_tensors",
    "write_shard",
]

MAX_SHARD_BYTES = 10**9
"""Largest file to write, unless one tensor is larger; about as much is in memory at a time."""

FILE_NAMES = (
    "model.safetensors",
    "diffusion_pytorch_model.safetensors",
    "pytorch_model.bin",
    "diffusion_pytorch_model.bin",
    "diffusion_pytorch_model.fp16.safetensors",
)
"""Names of weight files in the order in which they are preferred; each may be sharded, with an index beside it."""


@dataclass(frozen=True, slots=True)
class TensorSource:
    """Where one tensor is stored."""

    path: Path
    name: str
    """Its name in that file."""
    meta: Tensor
    """Its shape and type, on the meta device."""
    lora: LoraSource | None = None
    """What is added to it when it is read."""

    @property
    def places(self) -> list[tuple[Path, str]]:
        """Files and names of all tensors that it is read from."""
        pair = () if self.lora is None else (self.lora.a, self.lora.b)
        return [(self.path, self.name), *((half.path, half.name) for half in pair)]


@dataclass(frozen=True, slots=True)
class LoraSource:
    """Where the LoRA matrices of a weight are stored; arguments of `merge_lora`."""

    a: TensorSource
    b: TensorSource
    scaling: float


def find_weights(directory: Path, names: Sequence[str] = FILE_NAMES) -> list[Path]:
    """Return the weight files of a directory, the first of `names` that is there; sharded ones through their index.

    Raises:
        WeightsMissingError: If there are none, or a shard of the index is missing.
        WeightsCorruptError: If an index can't be read.
    """
    for name in names:
        index = directory / f"{name}.index.json"
        if index.is_file():
            try:
                shards = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
            except (ValueError, KeyError, AttributeError, TypeError) as error:
                raise WeightsCorruptError(
                    f"{index} is no index of weight files ({error}); download it again"
                ) from error
            missing = [shard for shard in shards if not (directory / shard).is_file()]
            if missing:
                raise WeightsMissingError(
                    f"{directory} lacks {', '.join(missing)}, which its index names; download it again"
                )
            return [directory / shard for shard in shards]
        if (directory / name).is_file():
            return [directory / name]
    raise WeightsMissingError(f"{directory} holds no weights; expected one of {', '.join(names)}, or its index")


def list_tensors(paths: Sequence[Path]) -> dict[str, TensorSource]:
    """Return every tensor of the files, by name, in their order.

    Raises:
        WeightsCorruptError: If a file is cut short or is no weight file.
        ModelError: If a file holds anything but tensors, or two files hold the same name.
    """
    found: dict[str, TensorSource] = {}
    for path in paths:
        for name, tensor in _load(path).items():
            if not isinstance(tensor, Tensor):
                raise ModelError(f"{path} holds a {type(tensor).__name__} under {name!r}; only tensors are read")
            if name in found:
                raise ModelError(f"{name!r} is in {found[name].path} and in {path}; remove the file that is not used")
            found[name] = TensorSource(path, name, torch.empty_like(tensor, device="meta"))
    return found


def read_tensors(sources: Mapping[str, TensorSource]) -> dict[str, Tensor]:
    """Return the tensors, mapped from their files where the format allows it; each file is opened once.

    Raises:
        WeightsCorruptError: If a file is cut short or changed since it was listed.
    """
    return dict(_iter_tensors(sources))


def _iter_tensors(sources: Mapping[str, TensorSource]) -> Iterator[tuple[str, Tensor]]:
    """Yield what `read_tensors` returns, LoRA merged into one weight at a time."""
    wanted: dict[Path, set[str]] = {}
    for source in sources.values():
        for path, name in source.places:
            wanted.setdefault(path, set()).add(name)
    stored: dict[tuple[Path, str], Tensor] = {}
    for path, names in wanted.items():
        stored |= {(path, name): tensor for name, tensor in _load(path, names).items()}
    for name, source in sources.items():
        weight, *pair = (stored[place] for place in source.places)
        if source.lora is not None:
            a, b = pair
            weight = merge_lora(weight, a, b, source.lora.scaling)
        yield name, weight


def _load(path: Path, only: Collection[str] | None = None) -> Mapping[str, Tensor]:
    """Return tensors of one file, mapped into memory if it is safetensors or a zipped torch file.

    Args:
        path: The file.
        only: Names that are wanted; None takes all.
    """
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                return {name: file.get_tensor(name) for name in (file.keys() if only is None else only)}
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"PK"  # only torch's present format can be mapped
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
        if isinstance(state, Mapping):
            return state if only is None else {name: state[name] for name in only}
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} is no plain state dict: it holds pickled objects or code, which are never loaded, or is damaged; "
            "use a file that holds only tensors"
        ) from error
    except Exception as error:  # a damaged file makes the readers fail in any way
        reason = (str(error).strip() or type(error).__name__).partition("\n")[0]
        raise WeightsCorruptError(
            f"{path} ({path.stat().st_size} bytes) can't be read, it was cut short or changed: {reason}; restore it"
        ) from error
    raise ModelError(f"{path} holds a {type(state).__name__}, not tensors by name; only state dicts are read")


@dataclass(frozen=True, slots=True)
class Shards:
    """Which tensors go into which file of a part."""

    files: dict[str, list[str]]
    """Names of the tensors by file name."""
    index: Mapping[str, object] | None
    """Content of the index file, as transformers and diffusers read it; None for a single file."""


def plan_shards(tensors: Mapping[str, Tensor], stem: str, max_bytes: int) -> Shards:
    """Return how a part is split into files.

    Args:
        tensors: Meta tensors of the shapes and types to be written.
        stem: "model" or "diffusion_pytorch_model", the name that the library that reads the part looks for.
        max_bytes: Largest file, unless one tensor is larger.
    """
    split = split_torch_state_dict_into_shards(
        dict(tensors), filename_pattern=stem + "{suffix}.safetensors", max_shard_size=max_bytes
    )
    index = {"metadata": split.metadata, "weight_map": split.tensor_to_filename} if split.is_sharded else None
    return Shards(split.filename_to_tensors, index)


def write_shard(sources: Mapping[str, TensorSource], dtypes: Mapping[str, torch.dtype], path: Path) -> None:
    """Write the tensors in the given types; the file appears when it is complete.

    Raises:
        OSError: If the disk is full or the directory cannot be written.
        WeightsCorruptError: If a source file is cut short or changed since it was listed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    copies = {
        name: tensor.to(dtypes[name], copy=True, memory_format=torch.contiguous_format)
        for name, tensor in _iter_tensors(sources)
    }
    partial = path.with_name(path.name + ".partial")
    try:
        save_file(copies, partial, metadata={"format": "pt"})
    except SafetensorError as error:
        raise OSError(str(error)) from error
    partial.chmod(0o644)  # safetensors lets only the owner read; this is as the other files of the directory
    partial.replace(path)
