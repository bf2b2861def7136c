"""Specialists of a checkpoint directory: a trained adapter is put into it, or merged into a model of its own.

An adapter package holds a LoRA adapter, as PEFT writes it, and the projectors that were trained with it. Its LoRA
covers linear layers of the language model and nothing else, so that vLLM serves it beside others over one model.

Shapes: O output width, I input width of a linear layer, R rank.
"""

from __future__ import annotations

import math
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from peft import LoraConfig, PeftConfig

from seedx_sdk.checkpoints.directory import DirectoryConfig, find_specialists, verify_files, write_config
from seedx_sdk.checkpoints.tensor_files import LoraSource, TensorSource, find_weights, list_tensors, write_shard
from seedx_sdk.errors import (
    InputError,
    ModelError,
    OutputPathError,
    SpecialistMissingError,
    WeightsCorruptError,
    WeightsMissingError,
)
from seedx_sdk.files import check_output_path

__all__ = ["MAX_RANK", "add_specialist", "find_adapter", "merge_adapter", "merge_specialist", "register"]

MAX_RANK = 512
"""Largest rank that vLLM 0.32 serves."""
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_MATRIX = re.compile(r"base_model\.model\.(?P<layer>.+)\.lora_(?P<matrix>[AB])\.weight")


@dataclass(frozen=True, slots=True)
class _Adapter:
    """A package that fits a model."""

    directory: Path
    lora: dict[str, LoraSource]
    """What is added to each weight of the language model, by its name."""
    projectors: list[Path]


def find_adapter(directory: Path) -> Path:
    """Return the adapter package of a training run: its `model` directory, or the directory itself.

    Raises:
        WeightsMissingError: If neither is one.
    """
    for candidate in (directory, directory / "model"):
        if (candidate / CONFIG).is_file():
            return candidate
    raise WeightsMissingError(
        f"{directory} holds no {CONFIG}, and its subdirectory 'model' neither; give the directory of a finished "
        "training run of a specialist"
    )


def add_specialist(checkpoint_dir: Path, adapter_dir: Path, name: str) -> tuple[str, ...]:
    """Copy an adapter package to `specialists/NAME` of a checkpoint directory, and return warnings.

    Raises:
        InputError: If the name cannot be that of a directory.
        OutputPathError: If there is a specialist of this name, or nothing can be written.
        WeightsMissingError: If a file is missing.
        WeightsCorruptError: If a file can't be read, or is not the one that config.json names.
        ModelError: If the adapter was trained on another model, or holds more than LoRA of linear layers.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"name {name[:80]!r} is not allowed; use up to 64 letters, digits, '_', '-' and '.'")
    config = DirectoryConfig.read(checkpoint_dir)
    verify_files(checkpoint_dir, config)
    adapter = _read(checkpoint_dir, adapter_dir)
    target = checkpoint_dir / "specialists" / name
    with _directory(target) as unfinished:
        (unfinished / "projectors").mkdir()
        for path in (adapter.directory / CONFIG, adapter.directory / WEIGHTS):
            shutil.copyfile(path, unfinished / path.name)
        for path in adapter.projectors:
            shutil.copyfile(path, unfinished / "projectors" / path.name)
    register(target)
    if config.fast is None:
        return ()
    return (f"{checkpoint_dir} has a new revision, so its fast mode must be measured again: benchmarks/fast_mode.py",)


def merge_specialist(checkpoint_dir: Path, name: str, target: Path) -> None:
    """Write a checkpoint directory whose general model is a specialist of another one; see `merge_adapter`.

    Raises:
        SpecialistMissingError: If there is no specialist of this name.
    """
    found = find_specialists(checkpoint_dir)
    if name not in found:
        raise SpecialistMissingError(
            f"{checkpoint_dir} has no specialist {name!r}; its specialists: {', '.join(found) or 'none'}"
        )
    merge_adapter(checkpoint_dir, found[name], name, target)


def merge_adapter(checkpoint_dir: Path, adapter_dir: Path, name: str, target: Path) -> None:
    """Write a checkpoint directory whose language model has an adapter merged, file by file.

    The other specialists are left out, since they were trained on the model without it.

    Args:
        checkpoint_dir: The model; it stays as it is.
        adapter_dir: The adapter package.
        name: Name of the specialist, as which the new model answers.
        target: The directory to write.

    Raises:
        OutputPathError: If the target exists or can't be written.
        WeightsMissingError: If a file is missing.
        WeightsCorruptError: If a file can't be read, or is not the one that config.json names.
        ModelError: If the adapter was trained on another model, or holds more than LoRA of linear layers.
    """
    config = DirectoryConfig.read(checkpoint_dir)
    verify_files(checkpoint_dir, config)
    adapter = _read(checkpoint_dir, adapter_dir)
    with _directory(target) as unfinished:
        for part in checkpoint_dir.iterdir():
            if part.is_dir() and part.name not in ("llm", "projectors", "specialists"):
                shutil.copytree(part, unfinished / part.name)
        (unfinished / "projectors").mkdir()
        for path in adapter.projectors:
            shutil.copyfile(path, unfinished / "projectors" / path.name)
        _merge_llm(checkpoint_dir / "llm", adapter, unfinished / "llm")
        merged = replace(config, name=f"{config.name}-{name}", prompts="instruct", merged=name)
        write_config(unfinished, merged)


def register(target: Path) -> None:
    """Add the files of a specialist to the config.json of its checkpoint directory, if it is in one."""
    root = target.parent.parent
    if target.parent.name == "specialists" and (root / "config.json").is_file():
        config = DirectoryConfig.read(root)
        write_config(root, config, known=config.files)


def _merge_llm(llm_dir: Path, adapter: _Adapter, target: Path) -> None:
    target.mkdir()
    for path in find_weights(llm_dir):
        sources = {name: replace(source, lora=adapter.lora.get(name)) for name, source in list_tensors([path]).items()}
        write_shard(sources, {name: source.meta.dtype for name, source in sources.items()}, target / path.name)
    for path in llm_dir.iterdir():
        if path.is_file() and not (target / path.name).exists():
            shutil.copyfile(path, target / path.name)


def _read(checkpoint_dir: Path, adapter_dir: Path) -> _Adapter:
    """Return the package in a directory once it is known to fit the model."""
    config = _lora_config(adapter_dir)
    scaling = config.lora_alpha / (math.sqrt(config.r) if config.use_rslora else config.r)
    base = list_tensors(find_weights(checkpoint_dir / "llm"))
    halves: dict[str, dict[str, TensorSource]] = {}
    for name, source in list_tensors(find_weights(adapter_dir, (WEIGHTS,))).items():
        match = _MATRIX.fullmatch(name)
        if match is None:
            raise ModelError(f"{adapter_dir / WEIGHTS} holds {name!r}; only LoRA of linear layers can be served")
        halves.setdefault(f"{match['layer']}.weight", {})[match["matrix"]] = source
    lora = {}
    for name, pair in halves.items():
        shapes = {matrix: tuple(source.meta.shape) for matrix, source in pair.items()}
        wanted = tuple(base[name].meta.shape) if name in base else None
        if wanted is None or shapes != {"A": (config.r, wanted[1]), "B": (wanted[0], config.r)}:
            raise ModelError(
                f"{adapter_dir} was trained on another model: {checkpoint_dir / 'llm'} has "
                f"{'no ' + name if wanted is None else f'{name} of shape {wanted}'}, the adapter "
                f"{' and '.join(f'{matrix} {shape}' for matrix, shape in sorted(shapes.items()))}"
            )
        lora[name] = LoraSource(pair["A"], pair["B"], scaling)
    projectors = find_weights(adapter_dir / "projectors")
    own, others = (
        {name: source.meta.shape for name, source in list_tensors(paths).items()}
        for paths in (find_weights(checkpoint_dir / "projectors"), projectors)
    )
    strange = sorted(name for name in {*own, *others} if own.get(name) != others.get(name))
    if strange:
        raise ModelError(f"the projectors of {adapter_dir} are of another model: {strange[0]!r} differs in shape")
    return _Adapter(adapter_dir, lora, projectors)


def _lora_config(adapter_dir: Path) -> LoraConfig:
    path = adapter_dir / CONFIG
    if not path.is_file():
        raise WeightsMissingError(f"{path} is missing; give the directory of a trained adapter")
    try:
        config = PeftConfig.from_pretrained(str(adapter_dir))
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsCorruptError(f"{path} can't be read: {error}; train or download the adapter again") from error
    if not isinstance(config, LoraConfig):
        raise ModelError(f"{path} is a {type(config).__name__}; only LoRA can be served")
    refused = {
        "modules_to_save": config.modules_to_save,
        "use_dora": config.use_dora,
        "rank_pattern": config.rank_pattern,
        "alpha_pattern": config.alpha_pattern,
        "trainable_token_indices": config.trainable_token_indices,
        "bias": config.bias != "none" or config.lora_bias,
    }
    found = [name for name, value in refused.items() if value]
    if found:
        raise ModelError(
            f"{path} has {', '.join(found)}, which vLLM cannot serve; train LoRA of one rank on linear layers only"
        )
    if config.r > MAX_RANK:
        raise ModelError(f"{path} has rank {config.r}; at most {MAX_RANK} can be served")
    return config


@contextmanager
def _directory(target: Path) -> Iterator[Path]:
    """Yield an empty directory that becomes the target when the block ends well.

    Raises:
        OutputPathError: If the target exists or can't be written.
    """
    if target.exists():
        raise OutputPathError(f"'{target}' exists already; remove it or choose another name")
    try:
        if target.parent.name == "specialists":
            target.parent.mkdir(exist_ok=True)
        check_output_path(target)
        with tempfile.TemporaryDirectory(dir=target.parent) as unfinished:
            directory = Path(unfinished) / target.name
            directory.mkdir()
            yield directory
            directory.rename(target)
    except OSError as error:
        raise OutputPathError(f"cannot write '{target}' ({error.strerror or error}); choose another place") from error
