"""Recovers the LoRA adapter that turns a base model into a fine-tuned one, where there is one.

Layers are read one at a time. A layer's change is reduced to the rank by SVD and the loss is measured: an adapter is
written only if nothing is lost beyond what the tolerance and the rounding of the stored weights explain.

Shapes: O output width, I input width of a linear layer, R rank.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from peft import LoraConfig
from safetensors.torch import save_file
from torch import Tensor

from seedx_sdk.checkpoints.directory import DirectoryConfig, verify_files
from seedx_sdk.checkpoints.specialists import register
from seedx_sdk.checkpoints.tensor_files import TensorSource, find_weights, list_tensors, read_tensors
from seedx_sdk.errors import InputError, ModelError, OutputPathError
from seedx_sdk.files import check_output_path

__all__ = ["Extraction", "LayerError", "extract_lora"]

LINEAR = r"model\.layers\.\d+\.(?:self_attn|mlp)\.(?:q|k|v|o|gate|up|down)_proj\.weight"
"""Weights that the adapter holds. Source: configs/clm_models/llm_seed_x_lora.yaml."""
OVERSAMPLING, POWER_ITERATIONS = 16, 4
"""Of the randomized SVD. Source: Halko, Martinsson and Tropp 2011, "Finding structure with randomness"."""

ROUNDING_SLACK = 1.5
"""The loss by rounding scatters around its expected value; in the smallest layers by a few percent."""

OnLayer = Callable[[int, int, str], None]
"""Called with the layers done, all layers, and the current one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerError:
    """How well the adapter reproduces one layer's change D; energy is the sum of squares."""

    layer: str
    change: float
    """Norm of D divided by the norm of the base's weight."""
    outside: float
    """Share of D's energy that the rank leaves out; 0 if there is no change."""
    rounding: float
    """Share of D's energy that rounding both weights to their stored types explains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """The adapter that was written."""

    layers: tuple[LayerError, ...]
    warnings: tuple[str, ...]
    """What the adapter cannot reproduce, or that it changes nothing."""


def extract_lora(
    base: Path,
    tuned: Path,
    target: Path,
    *,
    rank: int,
    tolerance: float,
    on_layer: OnLayer = lambda *_: None,
) -> Extraction:
    """Write the adapter, and the projectors of the fine-tuned model, as the directory of a specialist.

    In `DIRECTORY/specialists/` it becomes a specialist of that checkpoint directory, whose config.json is updated.

    Args:
        base: A checkpoint directory, or its `llm` subdirectory.
        tuned: The same of the fine-tuned model.
        target: The directory to write.
        rank: R of every layer.
        tolerance: Share of a change's energy that may be left out, beyond what rounding explains.
        on_layer: Called before each layer.

    Raises:
        WeightsMissingError: If weights are not there.
        WeightsCorruptError: If a file can't be read, or is not the one that its config.json names.
        ModelError: If the models are not alike, or differ by more than such an adapter can hold; nothing is written.
        InputError: If the rank is larger than a layer allows.
        OutputPathError: If the target exists or can't be written.
    """
    if target.exists():
        raise OutputPathError(f"'{target}' exists already; remove it or choose another name")
    check_output_path(target)
    for directory in (base, tuned):
        _verify(directory)
    old, new = (list_tensors(find_weights(_llm(directory))) for directory in (base, tuned))
    _check_alike(old, new, rank)
    layers: list[LayerError] = []
    adapter: dict[str, Tensor] = {}
    linear = sorted((n for n in old if re.fullmatch(LINEAR, n)), key=lambda name: (int(name.split(".")[2]), name))
    for done, name in enumerate(linear):
        layer = name.removesuffix(".weight")
        on_layer(done, len(linear), layer)
        a, b, error = _factors(layer, _read(old, name), _read(new, name), rank)
        layers.append(error)
        adapter |= {f"base_model.model.{layer}.lora_A.weight": a, f"base_model.model.{layer}.lora_B.weight": b}
    _check_errors(layers, rank, tolerance)
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as unfinished:
            directory = Path(unfinished) / target.name
            _write(adapter, directory, rank)
            projectors = next((d / "projectors" for d in (tuned, base) if (d / "projectors").is_dir()), None)
            if projectors is not None:
                shutil.copytree(projectors, directory / "projectors")
            directory.rename(target)
    except OSError as error:
        raise OutputPathError(f"cannot write '{target}' ({error.strerror or error}); choose another place") from error
    register(target)
    warnings = _warnings(base, tuned)
    if not any(matrix.any() for matrix in adapter.values()):
        warnings.insert(0, f"the adapter is all zero: the language models of {base} and {tuned} are the same")
    return Extraction(layers=tuple(layers), warnings=tuple(warnings))


def _llm(directory: Path) -> Path:
    return directory / "llm" if (directory / "llm").is_dir() else directory


def _verify(directory: Path) -> None:
    """Check the hashes of a checkpoint directory, or of the part of one; other directories have none."""
    checkpoint_dir = _llm(directory).parent
    if not ((checkpoint_dir / "config.json").is_file() and (checkpoint_dir / "llm").is_dir()):
        return
    config = DirectoryConfig.read(checkpoint_dir)
    if directory != checkpoint_dir:
        inside = {k: v for k, v in config.files.items() if k.startswith(f"{directory.name}/")}
        config = replace(config, files=inside)
    verify_files(checkpoint_dir, config)


def _read(tensors: Mapping[str, TensorSource], name: str) -> Tensor:
    return read_tensors({name: tensors[name]})[name]


def _check_alike(old: Mapping[str, TensorSource], new: Mapping[str, TensorSource], rank: int) -> None:
    """Compare names, shapes, and all weights that an adapter has no place for."""
    strange = sorted(set(old) ^ set(new)) or [n for n in old if old[n].meta.shape != new[n].meta.shape]
    if strange:
        raise ModelError(
            f"the two models are not alike: {strange[0]!r} is not in both with the same shape; give the base that was "
            "tuned"
        )
    smallest = min((min(p.meta.shape) for name, p in old.items() if re.fullmatch(LINEAR, name)), default=0)
    if not 1 <= rank <= smallest:
        raise InputError(f"rank {rank} is not allowed; the layers of this model take 1 to {smallest}")
    changed = []
    for name in old:
        if not re.fullmatch(LINEAR, name):
            one, other = _read(old, name), _read(new, name)
            coarse = max(one.dtype, other.dtype, key=lambda dtype: torch.finfo(dtype).eps)
            if not torch.equal(one.to(coarse), other.to(coarse)):
                changed.append(name)
    if changed:
        raise ModelError(
            f"LoRA can't hold the changes of {', '.join(changed[:5])}{' and others' if len(changed) > 5 else ''} "
            f"({len(changed)} norms, embeddings or heads); keep the fine-tuned model as a checkpoint directory "
            "of its own"
        )


def _factors(layer: str, old: Tensor, new: Tensor, rank: int) -> tuple[Tensor, Tensor, LayerError]:
    """Return A (R, I), B (O, R), in the tuned weight's type, and what they leave out of new - old (O, I)."""
    change = new.float() - old.float()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        u, s, v = torch.svd_lowrank(change, q=min(rank + OVERSAMPLING, *change.shape), niter=POWER_ITERATIONS)
    root = s[:rank].sqrt()
    a, b = ((v[:, :rank] * root).T.to(new.dtype).contiguous(), (u[:, :rank] * root).to(new.dtype).contiguous())
    energy = _energy(change)
    left = _energy(change - b.float() @ a.float())
    rounding = _rounding_energy(old) + _rounding_energy(new)
    return (
        a,
        b,
        LayerError(
            layer=layer,
            change=(energy / max(_energy(old.float()), 1e-30)) ** 0.5,
            outside=left / energy if energy else 0.0,
            rounding=rounding / energy if energy else 0.0,
        ),
    )


def _energy(x: Tensor) -> float:
    return float(torch.linalg.vector_norm(x, dtype=torch.float64)) ** 2


def _rounding_energy(weight: Tensor) -> float:
    """Return the expected energy of rounding to the weight's type: the sum of a twelfth of each squared spacing."""
    info = torch.finfo(weight.dtype)
    _, exponent = torch.frexp(weight.float())
    spacing = (info.eps * torch.exp2(exponent - 1.0)).clamp(min=info.smallest_normal * info.eps)
    return _energy(spacing.where(weight != 0, 0.0)) / 12


def _check_errors(layers: list[LayerError], rank: int, tolerance: float) -> None:
    worst = sorted(
        (e for e in layers if e.outside > tolerance + ROUNDING_SLACK * e.rounding), key=lambda error: -error.outside
    )
    if worst:
        named = ", ".join(f"{error.layer} ({error.outside:.2g})" for error in worst[:3])
        raise ModelError(
            f"{len(worst)} of {len(layers)} layers changed by more than rank {rank} holds, by this share of the "
            f"change's energy: {named}; allowed is {tolerance:g}. Raise --rank or --tolerance, or keep the "
            "fine-tuned model as a checkpoint directory of its own"
        )


def _write(adapter: dict[str, Tensor], directory: Path, rank: int) -> None:
    """Write the adapter as PEFT and vLLM read it: scale 1, no copies of whole modules."""
    modules = sorted({name.split(".")[-3] for name in adapter})
    config = LoraConfig(r=rank, lora_alpha=rank, target_modules=modules, task_type="CAUSAL_LM", inference_mode=True)
    config.save_pretrained(str(directory))
    save_file(adapter, directory / "adapter_model.safetensors", metadata={"format": "pt"})
    (directory / "adapter_model.safetensors").chmod(0o644)


def _warnings(base: Path, tuned: Path) -> list[str]:
    """Name the other parts that differ: a specialist is served with those of its base."""
    if not all((directory / "config.json").is_file() and (directory / "llm").is_dir() for directory in (base, tuned)):
        return []
    old, new = (DirectoryConfig.read(directory).files for directory in (base, tuned))
    parts = ("visual_encoder", "detokenizer", "detokenizer_edit")
    return [
        f"the {part} of {base} and {tuned} are different files; the specialist is served with that of {base}"
        for part in parts
        if _of(old, part) != _of(new, part)
    ]


def _of(files: Mapping[str, str], part: str) -> dict[str, str]:
    return {name: digest for name, digest in files.items() if name.startswith(f"{part}/")}
