"""Tensors on disk, by name: single or sharded files, .bin or .safetensors, read without running any code in them.

What is listed costs no memory; tensors are read when asked for, a few at a time, by `convert` and `extract_lora`.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from huggingface_hub import split_torch_state_dict_into_shards
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from seedx_sdk.errors import ModelError, WeightsCorruptError, WeightsMissingError

__all__ = [
    "MAX_SHARD_BYTES",
    "Shards",
    "TensorSource",
    "find_weights",
    "list_tensors",
    "plan_shards",
    "read_tensors",
    "write_shard",
]

MAX_SHARD_BYTES = 10**9
"""Largest file that is written, unless one tensor is larger. That much is copied in memory at a time."""

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
    """Where one tensor lies."""

    path: Path
    name: str
    """Its name in that file."""
    meta: Tensor
    """Its shape and type, on the meta device."""


def find_weights(folder: Path, names: Sequence[str] = FILE_NAMES) -> list[Path]:
    """The weight files of a folder, the first of `names` that is there; sharded ones through their index.

    Raises:
        WeightsMissingError: If there are none, or a shard of the index is missing.
        WeightsCorruptError: If an index can't be read.
    """
    for name in names:
        index = folder / f"{name}.index.json"
        if index.is_file():
            try:
                shards = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
            except (ValueError, KeyError, AttributeError, TypeError) as error:
                raise WeightsCorruptError(
                    f"{index} is no index of weight files ({error}); download it again"
                ) from error
            missing = [shard for shard in shards if not (folder / shard).is_file()]
            if missing:
                raise WeightsMissingError(f"{folder} lacks {', '.join(missing)}, which its index names; download again")
            return [folder / shard for shard in shards]
        if (folder / name).is_file():
            return [folder / name]
    raise WeightsMissingError(f"{folder} holds no weights; expected one of {', '.join(names)}, or its index")


def list_tensors(paths: Sequence[Path]) -> dict[str, TensorSource]:
    """Every tensor of the files, by name, in their order.

    Raises:
        WeightsCorruptError: If a file is cut short or is no weight file.
        ModelError: If a file holds something else than tensors, or two files hold the same name.
    """
    found: dict[str, TensorSource] = {}
    for path in paths:
        with _opened(path) as tensors:
            for name, tensor in tensors.items():
                if not isinstance(tensor, Tensor):
                    raise ModelError(f"{path} holds a {type(tensor).__name__} under {name!r}; only tensors are read")
                if name in found:
                    raise ModelError(
                        f"{name!r} is in {found[name].path} and in {path}; remove the file that is not used"
                    )
                found[name] = TensorSource(path, name, torch.empty_like(tensor, device="meta"))
    return found


def read_tensors(sources: Mapping[str, TensorSource]) -> dict[str, Tensor]:
    """The tensors, mapped from their files where the format allows it; each file is opened once.

    Raises:
        WeightsCorruptError: If a file is cut short or changed meanwhile.
    """
    found: dict[str, Tensor] = {}
    for path in dict.fromkeys(source.path for source in sources.values()):
        wanted = {name: source.name for name, source in sources.items() if source.path == path}
        with _opened(path, set(wanted.values())) as tensors:
            found |= {name: tensors[there] for name, there in wanted.items()}
    return {name: found[name] for name in sources}


@contextmanager
def _opened(path: Path, only: set[str] | None = None) -> Iterator[Mapping[str, Tensor]]:
    """The tensors of one file, mapped into memory rather than read if it is a safetensors or a zipped torch file."""
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                yield {name: file.get_tensor(name) for name in file.keys() if only is None or name in only}
            return
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"PK"  # only torch's present format can be mapped
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
        if not isinstance(state, Mapping):
            raise ModelError(f"{path} holds a {type(state).__name__}, not tensors by name; only state dicts are read")
        yield state
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} is no plain state dict: it holds pickled objects or code, which are never loaded, or is damaged; "
            "get a file that holds nothing but tensors"
        ) from error
    except (SafetensorError, RuntimeError, EOFError, OSError, KeyError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise WeightsCorruptError(
            f"{path} ({path.stat().st_size} bytes) can't be read, it was cut short or changed: {reason}; get it again"
        ) from error


@dataclass(frozen=True, slots=True)
class Shards:
    """Which tensors go into which file of a part."""

    files: dict[str, list[str]]
    """Names of the tensors by file name."""
    index: Mapping[str, object] | None
    """What the index file holds, as transformers and diffusers read it; None for a single file."""


def plan_shards(tensors: Mapping[str, Tensor], stem: str, max_bytes: int) -> Shards:
    """Cuts a part into files.

    Args:
        tensors: Meta tensors of the shapes and types to be written.
        stem: "model" or "diffusion_pytorch_model", by which the library that reads the part knows it.
        max_bytes: Largest file, unless one tensor is larger.
    """
    split = split_torch_state_dict_into_shards(
        dict(tensors), filename_pattern=stem + "{suffix}.safetensors", max_shard_size=max_bytes
    )
    index = {"metadata": split.metadata, "weight_map": split.tensor_to_filename} if split.is_sharded else None
    return Shards(split.filename_to_tensors, index)


def write_shard(tensors: Mapping[str, Tensor], dtypes: Mapping[str, torch.dtype], path: Path) -> None:
    """Writes copies of the tensors in the given types; the file appears when it is complete.

    Raises:
        OSError: If the disk is full or the folder is closed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    copies = {
        name: tensor.to(dtypes[name], copy=True, memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    partial = path.with_name(path.name + ".partial")
    try:
        save_file(copies, partial, metadata={"format": "pt"})
    except SafetensorError as error:
        raise OSError(str(error)) from error
    partial.chmod(0o644)  # as the other files of the directory; safetensors lets nobody but the owner read
    partial.replace(path)
