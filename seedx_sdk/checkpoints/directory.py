"""Our checkpoint directory: a whole model on disk, verified before it is loaded.

config.json           what the parts are, defaults, sha256 of every weight file
llm/                  LlamaForCausalLM and tokenizer, as transformers and vLLM read it
visual_encoder/       model.safetensors; this and the others in several files with an index when they are large
projectors/           model.safetensors: input and output resampler, patch positions
detokenizer_edit/     diffusers pipeline with the 2C-channel U-Net, which also works without a condition image
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
    "load_lvlm",
    "load_visual_encoder",
    "quiet_libraries",
    "save_part",
    "stored_dtype",
    "verify_files",
    "write_config",
]

M = TypeVar("M", bound=nn.Module)


@dataclass(kw_only=True, slots=True)
class ModelParts:
    """A loaded checkpoint directory."""

    config: DirectoryConfig
    tokenizer: Tokenizer
    visual_encoder: VisualEncoder
    lvlm: LVLM
    detokenizer: Detokenizer
    specialists: dict[str, LVLM] = field(default_factory=dict)
    """Models with a specialist's adapter merged, by name; they share nothing with `lvlm`."""


def find_specialists(checkpoint_dir: Path) -> dict[str, Path]:
    """Return the directories of the specialists' adapters, by name."""
    configs = sorted((checkpoint_dir / "specialists").glob("*/adapter_config.json"))
    return {path.parent.name: path.parent for path in configs}


def load_directory(
    checkpoint_dir: Path,
    *,
    dtype: torch.dtype = torch.float32,
    specialists: Mapping[str, Path] | None = None,
    language_models: bool = True,
) -> ModelParts:
    """Load a model after checking that every file is there and has the hash that config.json names.

    Args:
        checkpoint_dir: The checkpoint directory.
        dtype: Type of all weights.
        specialists: Further specialists, each the directory of an adapter and its projectors; they take precedence over
            those of the checkpoint directory that have the same name.
        language_models: False leaves their weights out (on the meta device): something else runs them.

    Raises:
        WeightsMissingError: If the directory or a file is missing.
        WeightsCorruptError: If a file was cut short or changed.
    """
    adapters = find_specialists(checkpoint_dir) | dict(specialists or {})
    with _checked(checkpoint_dir, "") as config:
        return _load(checkpoint_dir, config, dtype, adapters, language_models)


def load_visual_encoder(checkpoint_dir: Path, *, dtype: torch.dtype = torch.float32) -> VisualEncoder:
    """Load the visual encoder alone, and raise as `load_directory` does."""
    with _checked(checkpoint_dir, "visual_encoder/") as config:
        return _load_visual_encoder(checkpoint_dir, config, dtype)


def load_lvlm(checkpoint_dir: Path, *, adapter: Path | None = None, dtype: torch.dtype = torch.float32) -> LVLM:
    """Load the language model and its projectors alone, and raise as `load_directory` does.

    Args:
        checkpoint_dir: The checkpoint directory.
        adapter: The directory of a specialist's adapter, to be merged, and its projectors; None for the model itself.
        dtype: Type of all weights.
    """
    with _checked(checkpoint_dir, "llm/", "projectors/") as config:
        return _load_lvlm(checkpoint_dir, config, dtype, adapter)


@contextmanager
def _checked(checkpoint_dir: Path, *prefixes: str) -> Iterator[DirectoryConfig]:
    """Give the config after checking the files whose path begins with one of the prefixes."""
    config = DirectoryConfig.read(checkpoint_dir)
    files = {name: digest for name, digest in config.files.items() if name.startswith(prefixes)}
    verify_files(checkpoint_dir, replace(config, files=files))
    try:
        with quiet_libraries():
            yield config
    except (SafetensorError, RuntimeError) as error:
        raise WeightsCorruptError(
            f"{checkpoint_dir} does not fit its own config.json: {error}; restore it from its source"
        ) from error


def _load(
    checkpoint_dir: Path,
    config: DirectoryConfig,
    dtype: torch.dtype,
    specialists: Mapping[str, Path],
    language_models: bool,
) -> ModelParts:
    detokenizer_dir = checkpoint_dir / "detokenizer_edit"
    if not detokenizer_dir.is_dir():
        detokenizer_dir = checkpoint_dir / "detokenizer"
    detokenizer: Detokenizer = Detokenizer.from_pretrained(detokenizer_dir, dtype=dtype)
    detokenizer.set_progress_bar_config(disable=True)  # type: ignore[no-untyped-call]

    def lvlm(adapter: Path | None = None) -> LVLM:
        return _load_lvlm(checkpoint_dir, config, dtype, adapter, weights=language_models)

    return ModelParts(
        config=config,
        tokenizer=Tokenizer.from_pretrained(checkpoint_dir / "llm"),
        visual_encoder=_load_visual_encoder(checkpoint_dir, config, dtype),
        lvlm=lvlm(),
        detokenizer=detokenizer,
        specialists={name: lvlm(path) for name, path in specialists.items()},
    )


def _load_visual_encoder(checkpoint_dir: Path, config: DirectoryConfig, dtype: torch.dtype) -> VisualEncoder:
    encoder = VisualEncoder(config.visual_encoder)
    encoder.load_state_dict(_load_part(checkpoint_dir / "visual_encoder"))
    return _frozen(encoder, dtype)


def _load_lvlm(
    checkpoint_dir: Path, config: DirectoryConfig, dtype: torch.dtype, adapter: Path | None, *, weights: bool = True
) -> LVLM:
    llm = _load_llm(checkpoint_dir, dtype, adapter) if weights else _absent_llm(checkpoint_dir)
    projectors = (checkpoint_dir if adapter is None else adapter) / "projectors"
    return _frozen(_with_projectors(llm, config, projectors), dtype)


def _load_llm(checkpoint_dir: Path, dtype: torch.dtype, adapter: Path | None) -> LlamaForCausalLM:
    # an adapter is merged in float32; without one, the weights are loaded in the type that they will be used in
    llm_dtype = dtype if adapter is None else torch.float32
    llm = LlamaForCausalLM.from_pretrained(checkpoint_dir / "llm", dtype=llm_dtype, attn_implementation="sdpa")
    if adapter is not None:
        from peft import PeftModel

        llm = PeftModel.from_pretrained(llm, str(adapter)).merge_and_unload()
    return llm


def _absent_llm(checkpoint_dir: Path) -> LlamaForCausalLM:
    with torch.device("meta"):
        return LlamaForCausalLM(LlamaConfig.from_pretrained(checkpoint_dir / "llm"))


def _with_projectors(llm: LlamaForCausalLM, config: DirectoryConfig, projectors: Path) -> LVLM:
    model = LVLM(llm, config.lvlm)
    missing, unexpected = model.load_state_dict(_load_part(projectors), strict=False)
    missing = [name for name in missing if not name.startswith("llm.")]
    if missing or unexpected:
        raise WeightsCorruptError(
            f"{projectors} lacks {missing} and holds unknown {unexpected}; restore it from its source"
        )
    return model


def _load_part(directory: Path) -> dict[str, Tensor]:
    """Return the tensors of all files of a part, of which a large one has several."""
    state: dict[str, Tensor] = {}
    for path in sorted(directory.glob("*.safetensors")):
        state |= load_file(path)
    return state


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Silence the libraries' progress bars and warnings."""
    libraries = (diffusers.utils.logging, transformers.utils.logging)
    shown = [library for library in libraries if library.is_progress_bar_enabled()]
    for library in shown:
        library.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            # PEFT reads an attribute that transformers renamed
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
            yield
    finally:
        for library in shown:
            library.enable_progress_bar()


def _frozen(module: M, dtype: torch.dtype) -> M:
    return module.to(dtype).eval().requires_grad_(False)


def verify_files(checkpoint_dir: Path, config: DirectoryConfig) -> None:
    """Check that every file is there and has the hash that config.json names.

    Raises:
        WeightsMissingError: If one is missing.
        WeightsCorruptError: If one was cut short or changed.
    """
    for name, expected in config.files.items():
        path = checkpoint_dir / name
        if not path.is_file():
            raise WeightsMissingError(f"{path} is missing; restore the directory from its source")
        if sha256(path) != expected:
            raise WeightsCorruptError(
                f"{path} ({path.stat().st_size} bytes) is not the file that config.json names: it was cut short or "
                "changed; restore it from its source"
            )


def stored_dtype(name: str, dtype: torch.dtype) -> torch.dtype:
    """Return the type in which a weight is written; position tables are small and stay float32."""
    return torch.float32 if name.endswith("pos_embed") else dtype


def save_part(tensors: dict[str, Tensor], path: Path, *, dtype: torch.dtype = torch.bfloat16) -> None:
    """Write weights in a small type (`stored_dtype`)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    small = {k: v.detach().to(stored_dtype(k, dtype)).contiguous() for k, v in tensors.items()}
    save_file(small, path, metadata={"format": "pt"})


def write_config(
    checkpoint_dir: Path, config: DirectoryConfig, known: Mapping[str, str] | None = None
) -> DirectoryConfig:
    """Write config.json with the hashes of the files in the directory, and return it with them.

    Args:
        checkpoint_dir: The checkpoint directory.
        config: What to write; its `files` are replaced.
        known: sha256 by path of files that need not be read again.
    """
    kept = (".safetensors", ".model", ".json")
    paths = sorted(p for p in checkpoint_dir.rglob("*") if p.suffix in kept and p != checkpoint_dir / "config.json")
    names = [p.relative_to(checkpoint_dir).as_posix() for p in paths]
    files = {name: (known or {}).get(name) or sha256(checkpoint_dir / name) for name in names}
    complete = replace(config, files=files)
    partial = checkpoint_dir / "config.json.partial"
    partial.write_text(json.dumps(complete.to_dict(), indent=2) + "\n", encoding="utf-8")
    partial.replace(checkpoint_dir / "config.json")
    return complete
