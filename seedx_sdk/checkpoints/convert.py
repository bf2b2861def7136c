"""From the released files, or a fine-tune's, to our checkpoint directory: first a plan, then one file after the other.

A plan finds a place for every tensor without reading the weights (released.py). Converting writes to
`DIRECTORY.partial`, records each finished file, so that an interrupted run resumes there, and renames the directory
when it is complete.
"""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from transformers import GenerationConfig

from seedx_sdk.checkpoints.directory import DirectoryConfig, GenerationDefaults, stored_dtype, write_config
from seedx_sdk.checkpoints.memory import ServingMemory, serving_memory
from seedx_sdk.checkpoints.released import Released, Tensors, read_released
from seedx_sdk.checkpoints.tensor_files import MAX_SHARD_BYTES, Shards, plan_shards, write_shard
from seedx_sdk.errors import OutputPathError
from seedx_sdk.files import check_output_path, sha256
from seedx_sdk.model.grids import READ_GRIDS
from seedx_sdk.model.tokenizer import Tokenizer

__all__ = ["DTYPES", "ConversionPlan", "convert", "plan_conversion"]

DTYPES = {"keep": None, "fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""Types to write, by the name of the command's option."""

IMAGE_SIZE = 1024
"""Side of images in pixels. Source: eval_text2img_seed_x_i.py, also for the steps and the guidance below."""
GENERATION = GenerationDefaults(
    num_inference_steps=50,
    guidance_scale=7.5,
    image_guidance_scale=1.5,
    max_new_tokens=512,
    temperature=0.0,  # the reference passes a temperature and decodes greedily
)
SIZES = "the reference generates 1024x1024 only; sizes far from that are untested"
STATE = "conversion.state"
"""File in the unfinished directory that lists what is done."""

OnFile = Callable[[int, int, str], None]
"""Called with the bytes written, all bytes, and the file that is being written."""


@dataclass(kw_only=True)
class ConversionPlan:
    """Everything that a conversion will do."""

    released: Released
    dtype: torch.dtype | None
    """Type to write; None keeps that of the files."""
    max_shard_bytes: int = MAX_SHARD_BYTES
    """Largest file to write; about as much is in memory at a time."""

    def dtype_of(self, name: str, stored: torch.dtype) -> torch.dtype:
        """Return the type in which a tensor is written."""
        return stored if self.dtype is None else stored_dtype(name, self.dtype)

    @cached_property
    def shards(self) -> dict[str, Shards]:
        """How each part is split into files, by its subdirectory."""
        planned = {}
        for part, tensors in self.released.parts.items():
            written = {
                name: torch.empty(place.meta.shape, dtype=self.dtype_of(name, place.meta.dtype), device="meta")
                for name, place in tensors.items()
            }
            planned[part] = plan_shards(written, _stem(part), self.max_shard_bytes)
        return planned

    @property
    def files(self) -> dict[str, Tensors]:
        """The weight files to write, by their path in the directory, and what goes into each."""
        return {
            f"{part}/{file}": {name: self.released.parts[part][name] for name in names}
            for part, shards in self.shards.items()
            for file, names in shards.files.items()
        }

    @property
    def parameters(self) -> dict[str, int]:
        """Numbers of parameters, by subdirectory."""
        return {
            part: sum(place.meta.numel() for place in tensors.values()) for part, tensors in self.released.parts.items()
        }

    def num_bytes(self, tensors: Tensors) -> int:
        """Return the bytes that these tensors take on disk."""
        return sum(p.meta.numel() * self.dtype_of(name, p.meta.dtype).itemsize for name, p in tensors.items())

    @property
    def memory(self) -> dict[str, ServingMemory]:
        """What serving the result needs, by precision."""
        pipeline = next(iter(self.released.pipelines.values()))
        return serving_memory(
            self.parameters,
            llm=self.released.llm.to_dict(),
            unet=dict(pipeline.unet.config),
            vae=dict(pipeline.vae.config),
            image_size=IMAGE_SIZE,
        )

    @property
    def fingerprint(self) -> str:
        """A hash that changes with the source files and with everything about the files to write."""
        places = {
            name: [(k, *map(str, p.places), p.lora.scaling if p.lora else 0) for k, p in tensors.items()]
            for name, tensors in self.files.items()
        }
        paths = {path for tensors in self.released.parts.values() for p in tensors.values() for path, _ in p.places}
        stats = sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths)
        return hashlib.sha256(json.dumps([places, stats, str(self.dtype)]).encode()).hexdigest()


def plan_conversion(
    source: Path,
    *,
    variant: str | None = None,
    dtype: str = "keep",
    agent: Path | None = None,
    lora_alpha: float | None = None,
) -> ConversionPlan:
    """Return the plan of a conversion without reading weights; the other arguments and errors are `read_released`'s.

    Args:
        source: The directory of the released files.
        variant: "seed_x", "seed_x_i" or "seed_x_edit".
        dtype: One of DTYPES.
        agent: The agent of a fine-tune, in place of the variant's own.
        lora_alpha: Of its training.
    """
    released = read_released(source, variant, agent=agent, lora_alpha=lora_alpha)
    return ConversionPlan(released=released, dtype=DTYPES[dtype])


def convert(plan: ConversionPlan, target: Path, on_file: OnFile = lambda *_: None) -> DirectoryConfig:
    """Write the checkpoint directory and return its config.

    What an interrupted run had finished is not written again, if source and options are still the same.

    Raises:
        OutputPathError: If the directory exists already or can't be written, or the disk is full.
        WeightsCorruptError: If a source file turns out to be cut short.
    """
    if target.exists():
        raise OutputPathError(f"'{target}' exists already; remove it or choose another name")
    partial = check_output_path(target).with_name(target.name + ".partial")
    try:
        state = _State.resume(partial, plan.fingerprint)
        sizes = {path: plan.num_bytes(tensors) for path, tensors in plan.files.items()}
        _check_space(partial, sum(size for path, size in sizes.items() if path not in state.done))
        written, total = 0, sum(sizes.values())
        for path, tensors in plan.files.items():
            on_file(written, total, path)
            if path not in state.done:
                dtypes = {name: plan.dtype_of(name, place.meta.dtype) for name, place in tensors.items()}
                write_shard(tensors, dtypes, partial / path)
                state.add(path, sha256(partial / path))
            written += sizes[path]
        on_file(written, total, "config.json")
        _write_configs(plan, partial)
        config = write_config(partial, _directory_config(plan.released), known=state.done)
        partial.rename(target)
        (target / STATE).unlink()
    except OSError as error:
        raise OutputPathError(
            f"cannot write '{partial}' ({error.strerror or error}); free some space and run the same command again: "
            "it resumes where it stopped"
        ) from error
    return config


class _State:
    """Records which files of an unfinished directory are done, and their hashes."""

    def __init__(self, path: Path, fingerprint: str, done: dict[str, str]) -> None:
        self.path, self.fingerprint, self.done = path, fingerprint, done

    @classmethod
    def resume(cls, directory: Path, fingerprint: str) -> _State:
        """Return the state of the same conversion, or a new one; a directory that is not ours is left alone."""
        path = directory / STATE
        if path.is_file():
            recorded = json.loads(path.read_text(encoding="utf-8"))
            if recorded["fingerprint"] == fingerprint:
                done = {name: digest for name, digest in recorded["done"].items() if (directory / name).is_file()}
                return cls(path, fingerprint, done)
            shutil.rmtree(directory)
        elif directory.exists():
            raise OutputPathError(f"'{directory}' is in the way and no unfinished conversion; move or remove it")
        directory.mkdir()
        state = cls(path, fingerprint, {})
        state._write()
        return state

    def add(self, name: str, digest: str) -> None:
        self.done[name] = digest
        self._write()

    def _write(self) -> None:
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps({"fingerprint": self.fingerprint, "done": self.done}), encoding="utf-8")
        partial.replace(self.path)


def _check_space(directory: Path, needed: int) -> None:
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise OutputPathError(
            f"'{directory}' needs {needed / 1e9:.1f} GB more and its disk has {free / 1e9:.1f} GB free; free some "
            "space, or choose another disk"
        )


def _stem(part: str) -> str:
    """Return the name that the library that reads a part gives its weight file."""
    return "diffusion_pytorch_model" if part.startswith("detokenizer") else "model"


def _write_configs(plan: ConversionPlan, directory: Path) -> None:
    """Write everything but the weights and config.json."""
    released = plan.released
    for part, shards in plan.shards.items():
        if shards.index is not None:
            text = json.dumps(shards.index, indent=2, sort_keys=True) + "\n"
            (directory / part / f"{_stem(part)}.safetensors.index.json").write_text(text, encoding="utf-8")
    llm = copy.deepcopy(released.llm)
    llm.architectures, llm.use_cache = ["LlamaForCausalLM"], True
    llm.dtype = plan.dtype_of("lm_head.weight", released.parts["llm"]["lm_head.weight"].meta.dtype)
    tokenizer = Tokenizer.from_pretrained(released.tokenizer)
    ids = {"bos_token_id": tokenizer.bos_id, "eos_token_id": tokenizer.eos_id, "pad_token_id": tokenizer.pad_id}
    llm.update(ids)  # old configs have a padding of -1 or none
    llm.save_pretrained(directory / "llm")
    # sampling settings are left out: requests carry their own, and the reference decodes greedily
    GenerationConfig(**ids).save_pretrained(directory / "llm")
    for name in ("tokenizer.model", "added_tokens.json", "special_tokens_map.json", "tokenizer_config.json"):
        if (released.tokenizer / name).is_file():
            shutil.copyfile(released.tokenizer / name, directory / "llm" / name)
    for ours, pipeline in released.pipelines.items():
        pipeline.save_config(directory / ours)
        for name in ("unet", "vae", "resampler", "scheduler"):
            getattr(pipeline, name).save_config(directory / ours / name)


def _directory_config(released: Released) -> DirectoryConfig:
    return DirectoryConfig(
        name=released.variant.replace("_", "-") + ("-tuned" if released.is_tuned else ""),
        visual_encoder=released.visual_encoder,
        lvlm=released.lvlm,
        read_grids=READ_GRIDS,
        image_size=IMAGE_SIZE,
        sizes=SIZES,
        in_domain_psnr=None,
        # the reference tunes the foundation model with the prompts of the instruction-tuned ones (SEED-X's sft_clm.py)
        prompts="base" if released.variant == "seed_x" and not released.is_tuned else "instruct",
        generation=GENERATION,
        files={},
    )
