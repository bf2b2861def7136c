"""Our checkpoint directory: how a whole model lies on disk, written once and checked before it is read.

config.json           what the parts are, defaults, sha256 of every weight file
llm/                  LlamaForCausalLM and tokenizer, as transformers and vLLM read it
visual_encoder/       model.safetensors; this and the others in several files with an index when they are large
projectors/           model.safetensors: input and output resampler, patch positions
detokenizer_edit/     diffusers pipeline with the 2C-channel U-Net, which also draws without a condition image
detokenizer/          the same with the C-channel U-Net; either may be the only one
specialists/<name>/   PEFT LoRA adapter and its projectors
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import diffusers
import torch
import transformers
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM

from seedx_sdk.checkpoints.config import DirectoryConfig, FastSampling, GenerationDefaults
from seedx_sdk.errors import WeightsCorruptError, WeightsMissingError
from seedx_sdk.files import sha256
from seedx_sdk.model.detokenizer import Detokenizer
from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.model.visual_encoder import VisualEncoder

__all__ = [
    "DirectoryConfig",
    "FastSampling",
    "GenerationDefaults",
    "ModelParts",
    "find_specialists",
    "load_directory",
    "save_part",
    "stored_dtype",
    "verify_files",
    "write_config",
]

M = TypeVar("M", bound=nn.Module)


@dataclass(kw_only=True, slots=True)
class ModelParts:
    """A loaded directory."""

    config: DirectoryConfig
    tokenizer: Tokenizer
    visual_encoder: VisualEncoder
    lvlm: LVLM
    detokenizer: Detokenizer
    specialists: dict[str, LVLM] = field(default_factory=dict)
    """Models with a specialist's adapter merged, by name; they share nothing with `lvlm`."""


def find_specialists(folder: Path) -> dict[str, Path]:
    """Returns the folders of the specialists' adapters in a model directory, by name."""
    return {path.parent.name: path.parent for path in sorted((folder / "specialists").glob("*/adapter_config.json"))}


def load_directory(
    folder: Path,
    *,
    dtype: torch.dtype = torch.float32,
    specialists: Mapping[str, Path] | None = None,
    language_models: bool = True,
) -> ModelParts:
    """Loads a model after checking that every file is there and has the hash that config.json names.

    Args:
        folder: The directory.
        dtype: Of all weights.
        specialists: Further specialists, each the folder of an adapter and its projectors; they go before those of the
            directory that have the same name.
        language_models: False leaves their weights out (on the meta device): something else runs them.

    Raises:
        WeightsMissingError: If the directory or a file is missing.
        WeightsCorruptError: If a file was cut short or changed.
    """
    config = DirectoryConfig.read(folder)
    verify_files(folder, config)
    try:
        with _quiet_libraries():
            return _load(folder, config, dtype, find_specialists(folder) | dict(specialists or {}), language_models)
    except (SafetensorError, RuntimeError) as error:
        raise WeightsCorruptError(f"{folder} does not fit its own config.json: {error}") from error


def _load(
    folder: Path,
    config: DirectoryConfig,
    dtype: torch.dtype,
    specialists: Mapping[str, Path],
    language_models: bool,
) -> ModelParts:
    encoder = VisualEncoder(config.visual_encoder)
    encoder.load_state_dict(_load_part(folder / "visual_encoder"))
    detokenizer_folder = folder / "detokenizer_edit"
    if not detokenizer_folder.is_dir():
        detokenizer_folder = folder / "detokenizer"
    detokenizer: Detokenizer = Detokenizer.from_pretrained(detokenizer_folder, dtype=dtype)
    detokenizer.set_progress_bar_config(disable=True)  # type: ignore[no-untyped-call]

    def lvlm(adapter: Path | None = None) -> LVLM:
        llm = _load_llm(folder, dtype, adapter) if language_models else _absent_llm(folder)
        return _frozen(_with_projectors(llm, config, (folder if adapter is None else adapter) / "projectors"), dtype)

    return ModelParts(
        config=config,
        tokenizer=Tokenizer.from_pretrained(folder / "llm"),
        visual_encoder=_frozen(encoder, dtype),
        lvlm=lvlm(),
        detokenizer=detokenizer,
        specialists={name: lvlm(path) for name, path in specialists.items()},
    )


def _load_llm(folder: Path, dtype: torch.dtype, adapter: Path | None) -> LlamaForCausalLM:
    # an adapter is merged in full precision; without one the weights are never larger than they will be used
    llm_dtype = dtype if adapter is None else torch.float32
    llm = LlamaForCausalLM.from_pretrained(folder / "llm", dtype=llm_dtype, attn_implementation="sdpa")
    if adapter is not None:
        from peft import PeftModel

        llm = PeftModel.from_pretrained(llm, str(adapter)).merge_and_unload()
    return llm


def _absent_llm(folder: Path) -> LlamaForCausalLM:
    with torch.device("meta"):
        return LlamaForCausalLM(LlamaConfig.from_pretrained(folder / "llm"))


def _with_projectors(llm: LlamaForCausalLM, config: DirectoryConfig, projectors: Path) -> LVLM:
    model = LVLM(llm, config.lvlm)
    missing, unexpected = model.load_state_dict(_load_part(projectors), strict=False)
    missing = [name for name in missing if not name.startswith("llm.")]
    if missing or unexpected:
        raise WeightsCorruptError(f"{projectors} lacks {missing} and holds unknown {unexpected}")
    return model


def _load_part(folder: Path) -> dict[str, Tensor]:
    """Returns the tensors of all the files of a part, which is cut into several when it is large."""
    state: dict[str, Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        state |= load_file(path)
    return state


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Keeps the libraries' bars for reading files, and what they tell each other, off the terminal."""
    libraries = (diffusers.utils.logging, transformers.utils.logging)
    shown = [library for library in libraries if library.is_progress_bar_enabled()]
    for library in shown:
        library.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            # PEFT reads an attribute that transformers renamed.
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
            yield
    finally:
        for library in shown:
            library.enable_progress_bar()


def _frozen(module: M, dtype: torch.dtype) -> M:
    return module.to(dtype).eval().requires_grad_(False)


def verify_files(folder: Path, config: DirectoryConfig) -> None:
    """Checks that every file is there and has the hash that config.json names.

    Raises:
        WeightsMissingError: If one is missing.
        WeightsCorruptError: If one was cut short or changed.
    """
    for name, expected in config.files.items():
        path = folder / name
        if not path.is_file():
            raise WeightsMissingError(f"{path} is missing; restore the directory from its source")
        if sha256(path) != expected:
            raise WeightsCorruptError(
                f"{path} ({path.stat().st_size} bytes) is not the file that config.json names: it was cut short or "
                "changed; restore it from its source"
            )


def stored_dtype(name: str, dtype: torch.dtype) -> torch.dtype:
    """The type in which a weight is written; position tables stay float32, as they are small and mostly computed."""
    return torch.float32 if name.endswith("pos_embed") else dtype


def save_part(tensors: dict[str, Tensor], path: Path, *, dtype: torch.dtype = torch.bfloat16) -> None:
    """Writes weights in a small type (`stored_dtype`)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    small = {k: v.detach().to(stored_dtype(k, dtype)).contiguous() for k, v in tensors.items()}
    save_file(small, path, metadata={"format": "pt"})


def write_config(folder: Path, config: DirectoryConfig, known: Mapping[str, str] | None = None) -> DirectoryConfig:
    """Writes config.json with the hashes of the files that lie in the directory, and returns it so.

    Args:
        folder: The directory.
        config: What to write; its `files` are replaced.
        known: sha256 by path of files that need not be read again.
    """
    kept = (".safetensors", ".model", ".json")
    paths = sorted(p for p in folder.rglob("*") if p.suffix in kept and p != folder / "config.json")
    names = [p.relative_to(folder).as_posix() for p in paths]
    complete = replace(config, files={name: (known or {}).get(name) or sha256(folder / name) for name in names})
    partial = folder / "config.json.partial"
    partial.write_text(json.dumps(complete.to_dict(), indent=2) + "\n", encoding="utf-8")
    partial.replace(folder / "config.json")
    return complete
