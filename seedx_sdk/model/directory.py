"""Our checkpoint directory: how a whole model lies on disk, written once and checked before it is read.

config.json           what the parts are, defaults, sha256 of every weight file
llm/                  LlamaForCausalLM and tokenizer, as transformers and vLLM read it
visual_encoder/       model.safetensors
projectors/           model.safetensors: input and output resampler, patch positions
detokenizer_edit/     diffusers pipeline with the 2C-channel U-Net, which also draws without a condition image
detokenizer/          the same with the C-channel U-Net; either may be the only one
specialists/<name>/   PEFT LoRA adapter and its projectors
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import diffusers
import torch
import transformers
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import LlamaForCausalLM

from seedx_sdk.errors import WeightsCorruptError, WeightsMissingError
from seedx_sdk.model.config import FastSampling, LVLMConfig, PartConfig, VisualEncoderConfig
from seedx_sdk.model.detokenizer import Detokenizer
from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.model.visual_encoder import VisualEncoder

__all__ = [
    "DirectoryConfig",
    "FastSampling",
    "GenerationDefaults",
    "ModelParts",
    "load_directory",
    "save_part",
    "write_config",
]

M = TypeVar("M", bound=nn.Module)

FORMAT = 1
"""Version of this layout."""


@dataclass(kw_only=True, slots=True, frozen=True)
class GenerationDefaults(PartConfig):
    """What a request gets that doesn't say otherwise."""

    num_inference_steps: int
    """De-noising steps."""
    guidance_scale: float
    """Weight of the image features against those of an empty picture."""
    image_guidance_scale: float
    """Weight of the condition image of an edit."""
    max_new_tokens: int
    """Budget of an answer, image tokens included."""
    temperature: float
    """Of the words (and layout) before a picture that is drawn from a prompt; everything else is greedy."""
    fast: FastSampling | None = None
    """The fast mode, if these weights have passed its gate."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Builds the config from what `to_dict` returned; Raises as the base."""
        fast = values.get("fast")
        nested = {"fast": FastSampling.from_dict(fast)} if isinstance(fast, dict) else {}
        return super(GenerationDefaults, cls).from_dict({**values, **nested})


@dataclass(kw_only=True, slots=True, frozen=True)
class DirectoryConfig(PartConfig):
    """What config.json holds."""

    name: str
    """The model's name, for people."""
    visual_encoder: VisualEncoderConfig
    """Sizes of the visual encoder."""
    lvlm: LVLMConfig
    """Sizes of what surrounds the language model."""
    read_grids: tuple[str, ...]
    """Any-resolution grids of pictures that are read."""
    image_size: int
    """Side in pixels of the pictures that the model draws best."""
    sizes: str
    """One sentence on which other sizes work."""
    familiar_psnr: float | None
    """Below this fidelity (dB) of the VAE's copy, a picture is unlike all that the model has seen; None: knows all."""
    generation: GenerationDefaults
    """Defaults of a request."""
    files: dict[str, str]
    """sha256 of every file with weights, and of the tokenizer, by path inside the directory."""
    format: int = FORMAT
    """Version of the layout."""

    @property
    def revision(self) -> str:
        """Twelve hexadecimal digits that identify the weights."""
        return hashlib.sha256(json.dumps(self.files, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def fast(self) -> FastSampling | None:
        """The fast mode that was measured on these very weights; None if there is none."""
        fast = self.generation.fast
        return fast if fast is not None and fast.revision == self.revision else None

    @classmethod
    def read(cls, folder: Path) -> DirectoryConfig:
        """Reads config.json.

        Raises:
            WeightsMissingError: If there is no such directory or file.
            WeightsCorruptError: If the file can't be understood.
        """
        path = folder / "config.json"
        if not path.is_file():
            raise WeightsMissingError(
                f"{folder} holds no model (no config.json); give a directory that this package wrote, "
                "or none for the model that ships with it"
            )
        try:
            values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if values.get("format") != FORMAT:
                raise ValueError(f"its format is {values.get('format')!r}, this version reads {FORMAT}")
            return cls.from_dict(
                values
                | {
                    "visual_encoder": VisualEncoderConfig.from_dict(values["visual_encoder"]),
                    "lvlm": LVLMConfig.from_dict(values["lvlm"]),
                    "generation": GenerationDefaults.from_dict(values["generation"]),
                    "read_grids": tuple(values["read_grids"]),
                }
            )
        except (ValueError, KeyError, TypeError) as error:
            raise WeightsCorruptError(
                f"{path} can't be read: {error}; restore the directory from its source"
            ) from error


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


def load_directory(folder: Path, *, dtype: torch.dtype = torch.float32) -> ModelParts:
    """Loads a model after checking that every file is there and has the hash that config.json names.

    Raises:
        WeightsMissingError: If the directory or a file is missing.
        WeightsCorruptError: If a file was cut short or changed.
    """
    config = DirectoryConfig.read(folder)
    _verify(folder, config)
    try:
        with _quiet_libraries():
            return _load(folder, config, dtype)
    except (SafetensorError, RuntimeError) as error:
        raise WeightsCorruptError(f"{folder} does not fit its own config.json: {error}") from error


def _load(folder: Path, config: DirectoryConfig, dtype: torch.dtype) -> ModelParts:
    encoder = VisualEncoder(config.visual_encoder)
    encoder.load_state_dict(load_file(folder / "visual_encoder" / "model.safetensors"))
    detokenizer_folder = folder / "detokenizer_edit"
    if not detokenizer_folder.is_dir():
        detokenizer_folder = folder / "detokenizer"
    detokenizer: Detokenizer = Detokenizer.from_pretrained(detokenizer_folder, dtype=dtype)
    detokenizer.set_progress_bar_config(disable=True)  # type: ignore[no-untyped-call]
    adapters = sorted(path.parent for path in (folder / "specialists").glob("*/adapter_config.json"))
    return ModelParts(
        config=config,
        tokenizer=Tokenizer.from_pretrained(folder / "llm"),
        visual_encoder=_frozen(encoder, dtype),
        lvlm=_frozen(_load_lvlm(folder, config), dtype),
        detokenizer=detokenizer,
        specialists={path.name: _frozen(_load_lvlm(folder, config, adapter=path), dtype) for path in adapters},
    )


def _load_lvlm(folder: Path, config: DirectoryConfig, adapter: Path | None = None) -> LVLM:
    llm = LlamaForCausalLM.from_pretrained(folder / "llm", dtype=torch.float32, attn_implementation="sdpa")
    if adapter is not None:
        from peft import PeftModel

        llm = PeftModel.from_pretrained(llm, str(adapter)).merge_and_unload()
    model = LVLM(llm, config.lvlm)
    projectors = (folder / "projectors" if adapter is None else adapter / "projectors") / "model.safetensors"
    missing, unexpected = model.load_state_dict(load_file(projectors), strict=False)
    missing = [name for name in missing if not name.startswith("llm.")]
    if missing or unexpected:
        raise WeightsCorruptError(f"{projectors} lacks {missing} and holds unknown {unexpected}")
    return model


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


def _verify(folder: Path, config: DirectoryConfig) -> None:
    for name, expected in config.files.items():
        path = folder / name
        if not path.is_file():
            raise WeightsMissingError(f"{path} is missing; restore the directory from its source")
        if _sha256(path) != expected:
            raise WeightsCorruptError(
                f"{path} ({path.stat().st_size} bytes) is not the file that config.json names: it was cut short or "
                "changed; restore it from its source"
            )


def save_part(tensors: dict[str, Tensor], path: Path, *, dtype: torch.dtype = torch.bfloat16) -> None:
    """Writes weights in a small type; fixed position tables stay float32, as they are computed and not learnt."""
    path.parent.mkdir(parents=True, exist_ok=True)
    small = {
        k: v.detach().to(torch.float32 if k.endswith("pos_embed") else dtype).contiguous() for k, v in tensors.items()
    }
    save_file(small, path, metadata={"format": "pt"})


def write_config(folder: Path, config: DirectoryConfig) -> DirectoryConfig:
    """Writes config.json with the hashes of the files that lie in the directory, and returns it so."""
    kept = (".safetensors", ".model", ".json")
    paths = sorted(p for p in folder.rglob("*") if p.suffix in kept and p != folder / "config.json")
    files = {p.relative_to(folder).as_posix(): _sha256(p) for p in paths}
    complete = DirectoryConfig(**{**_fields(config), "files": files})
    partial = folder / "config.json.partial"
    partial.write_text(json.dumps(complete.to_dict(), indent=2) + "\n", encoding="utf-8")
    partial.replace(folder / "config.json")
    return complete


def _fields(config: DirectoryConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in DirectoryConfig.__dataclass_fields__}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
