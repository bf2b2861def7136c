"""The commands of `seedx` that work on weights: convert, extract-lora, and what `info` says of a directory.

cli.py adds them. Torch is loaded when a command runs, never before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from seedx_sdk.checkpoints.info import read_directory
from seedx_sdk.checkpoints.memory import ServingMemory
from seedx_sdk.cli.console import JsonOption, print_json, print_warnings, progress
from seedx_sdk.errors import needs_extra

if TYPE_CHECKING:
    from seedx_sdk.checkpoints.convert import ConversionPlan

__all__ = ["convert", "extract_lora", "print_directory"]


Variant: TypeAlias = Literal["seed_x_i", "seed_x", "seed_x_edit"]
WeightType: TypeAlias = Literal["keep", "fp32", "bf16", "fp16"]


def convert(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="The folder 'pretrained' with the released files.")],
    target: Annotated[Path, typer.Argument(metavar="DST", help="The checkpoint directory to write.")],
    variant: Annotated[Variant | None, typer.Option("--variant", help="Which model [seed_x_i if it is there].")] = None,
    dtype: Annotated[WeightType, typer.Option("--dtype", help="The type of the weights.")] = "keep",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, say what would be done, stop.")] = False,
) -> None:
    """Turn the released SEED-X files into a checkpoint directory; a run that was cut off goes on where it stopped."""
    with progress("checking") as step:
        with needs_extra("local"):
            from seedx_sdk.checkpoints import convert as conversion
        plan = conversion.plan_conversion(source, variant=variant, dtype=dtype)
        if not dry_run:
            megabyte = 1_000_000
            conversion.convert(
                plan, target, lambda done, total, file: step(done // megabyte, total // megabyte, f"MB, {file}")
            )
    if dry_run:
        _print_plan(plan, source)
    else:
        typer.echo(target)


def extract_lora(
    base: Annotated[Path, typer.Argument(metavar="BASE", help="The checkpoint directory that was tuned.")],
    tuned: Annotated[Path, typer.Argument(metavar="TUNED", help="What it became, as a directory of the same kind.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The specialist's folder to write, such as BASE/specialists/NAME.")
    ],
    rank: Annotated[int, typer.Option("--rank", min=1, help="Rank of the adapter.")] = 32,
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0, help="Share of a layer's change that may be lost, rounding apart.")
    ] = 1e-3,
) -> None:
    """Recover the LoRA adapter between two models, or refuse if the rank can't hold their difference."""
    with progress("comparing") as step:
        with needs_extra("local"):
            from seedx_sdk.checkpoints import extract_lora as extraction
        found = extraction.extract_lora(base, tuned, output, rank=rank, tolerance=tolerance, on_layer=step)
    print_warnings(found.warnings)
    typer.echo(f"{'layer':<40}{'change':>10}{'lost':>12}{'rounding':>12}")
    for error in found.layers:
        typer.echo(f"{error.layer:<40}{error.change:>10.2e}{error.outside:>12.2e}{error.rounding:>12.2e}")
    typer.echo(output)


def print_directory(folder: Path, json: JsonOption = False) -> None:
    """Say what a checkpoint directory holds and can do, without loading it."""
    info = read_directory(folder)
    if json:
        print_json(info)
        return
    typer.echo(f"name: {info.name}\nrevision: {info.revision}")
    typer.echo(f"tasks: {', '.join(info.tasks)}\nspecialists: {', '.join(info.specialists) or 'none'}")
    typer.echo(f"image_size: {info.image_size}\nsizes: {info.sizes}\n")
    rows = [(part.folder, part.parameters, part.bytes, ", ".join(part.dtypes)) for part in info.parts]
    _print_parts(rows)
    _print_memory(info.memory)


def _print_plan(plan: ConversionPlan, source: Path) -> None:
    released = plan.released
    typer.echo(f"{released.variant} in {len(plan.files)} weight files\n")
    rows = []
    for folder, tensors in released.parts.items():
        dtypes = {str(plan.dtype_of(name, place.meta.dtype)).removeprefix("torch.") for name, place in tensors.items()}
        rows.append((folder, plan.parameters[folder], plan.num_bytes(tensors), ", ".join(sorted(dtypes))))
    _print_parts(rows)
    for folder, tensors in released.parts.items():
        files = sorted({str(place.path.relative_to(source)) for place in tensors.values()})
        typer.echo(f"{folder}: {len(tensors)} tensors from {', '.join(files)}")
    for reason, names in released.unused.items():
        typer.echo(f"\nleft out, {len(names)} tensors ({reason}):")
        for name in names:
            typer.echo(f"  {name}")
    _print_memory(plan.memory)


def _print_parts(rows: Sequence[tuple[str, int, int, str]]) -> None:
    """Folder, parameters, bytes and types of each part, and the sums."""
    total = ("all", sum(row[1] for row in rows), sum(row[2] for row in rows), "")
    typer.echo(f"{'part':<28}{'parameters':>16}{'GB':>10}  type")
    for folder, parameters, size, dtype in [*rows, total]:
        typer.echo(f"{folder:<28}{parameters:>16,}{size / 1e9:>10.3f}  {dtype}".rstrip())
    typer.echo("")


def _print_memory(memory: Mapping[str, ServingMemory]) -> None:
    typer.echo("\nmemory to serve one request at a time, computed and not measured, in GB:")
    typer.echo(f"{'precision':<12}{'weights':>10}{'KV cache':>10}{'drawing':>10}{'total':>10}  (KV cache per token)")
    for name, need in memory.items():
        numbers = "".join(f"{n / 1e9:>10.3f}" for n in (need.weights, need.kv_cache, need.drawing, need.total))
        typer.echo(f"{name:<12}{numbers}  ({need.kv_cache_per_token / 1e6:.3f} MB)")
