"""The commands of `seedx` for weights: convert, extract-lora, export, and what `info` prints of a checkpoint directory.

Torch is imported when a command runs, never before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import loads as json_of
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer
from rich.console import Console
from rich.table import Table

from seedx_sdk.checkpoints.info import read_directory
from seedx_sdk.checkpoints.memory import ServingMemory
from seedx_sdk.checkpoints.memory_fit import Fit
from seedx_sdk.cli.console import JsonOption, print_json, print_warnings, progress
from seedx_sdk.engine import checkpoint_directory
from seedx_sdk.errors import InputError, needs_extra

if TYPE_CHECKING:
    from seedx_sdk.checkpoints.convert import ConversionPlan

__all__ = ["convert", "export", "extract_lora", "print_directory"]


TABLE_WIDTH = 500
"""Columns of the terminal that tables assume, so that a narrow one wraps their lines instead of cutting cells."""

Variant: TypeAlias = Literal["seed_x_i", "seed_x", "seed_x_edit"]
WeightType: TypeAlias = Literal["keep", "fp32", "bf16", "fp16"]


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="The directory 'pretrained' with the released SEED-X files.")
    ],
    target: Annotated[Path, typer.Argument(metavar="DST", help="The checkpoint directory to write.")],
    variant: Annotated[
        Variant | None,
        typer.Option("--variant", help="Model to convert [seed_x_i if it is there; with --agent, seed_x]."),
    ] = None,
    dtype: Annotated[WeightType, typer.Option("--dtype", help="Weight dtype.")] = "keep",
    agent: Annotated[
        Path | None,
        typer.Option("--agent", help="Your fine-tune of the variant: what zero_to_fp32.py wrote. LoRA is merged."),
    ] = None,
    lora_alpha: Annotated[
        float | None,
        typer.Option("--lora-alpha", min=0, help="lora_alpha of that fine-tune [32 if its rank is 32]."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check every tensor, print the plan, write nothing.")
    ] = False,
) -> None:
    """Convert the released SEED-X files, or your fine-tune, to a checkpoint directory; resumes when interrupted."""
    with progress("checking") as step:
        with needs_extra("local"):
            from seedx_sdk.checkpoints import convert as conversion
        plan = conversion.plan_conversion(source, variant=variant, dtype=dtype, agent=agent, lora_alpha=lora_alpha)
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
    base: Annotated[Path, typer.Argument(metavar="BASE", help="The checkpoint directory that was fine-tuned.")],
    tuned: Annotated[Path, typer.Argument(metavar="TUNED", help="The fine-tuned checkpoint directory.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The specialist's directory to write, such as BASE/specialists/NAME.")
    ],
    rank: Annotated[int, typer.Option("--rank", min=1, help="Rank of the adapter.")] = 32,
    tolerance: Annotated[
        float,
        typer.Option("--tolerance", min=0, help="Maximum relative energy lost per layer, beyond rounding error."),
    ] = 1e-3,
) -> None:
    """Recover the LoRA adapter between two models; fails if the rank can't hold their difference."""
    with progress("comparing") as step:
        with needs_extra("local"):
            from seedx_sdk.checkpoints import extract_lora as extraction
        found = extraction.extract_lora(base, tuned, output, rank=rank, tolerance=tolerance, on_layer=step)
    print_warnings(found.warnings)
    rows = [(e.layer, *(f"{share:.2e}" for share in (e.change, e.outside, e.rounding))) for e in found.layers]
    _print_table(("layer", "change", "lost", "rounding"), rows)
    typer.echo(output)


def export(
    source: Annotated[
        Path, typer.Argument(metavar="ADAPTER", help="A finished training run, or the adapter package in it.")
    ],
    into: Annotated[
        Path, typer.Option("--into", metavar="MODEL", help="The checkpoint directory that it was trained on.")
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="The specialist's name; that of the recipe if left out.")
    ] = None,
    merge: Annotated[
        Path | None,
        typer.Option("--merge", metavar="DST", help="Write MODEL with the adapter merged here; MODEL stays as it is."),
    ] = None,
) -> None:
    """Add a trained specialist to a checkpoint directory, or merge it into a model of its own."""
    with progress("writing"):
        with needs_extra("local"):
            from seedx_sdk.checkpoints import specialists
        adapter, name = specialists.find_adapter(source), name or _recipe_name(source)
        if merge is not None:
            specialists.merge_adapter(into, adapter, name, merge)
        else:
            print_warnings(specialists.add_specialist(into, adapter, name))
    typer.echo(merge or into / "specialists" / name)


def _recipe_name(directory: Path) -> str:
    """Return the name of the recipe that a run was trained with.

    Raises:
        InputError: If there is none.
    """
    try:
        name = json_of((directory / "recipe.json").read_text(encoding="utf-8"))["name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{directory} has no recipe.json with a name; give one with --name") from error
    return str(name)


def print_directory(checkpoint_dir: Path, json: JsonOption = False) -> None:
    """Print what a checkpoint directory holds and can do, without loading it."""
    info = read_directory(checkpoint_directory(checkpoint_dir))
    if json:
        print_json(info)
        return
    typer.echo(f"name: {info.name}\nrevision: {info.revision}")
    typer.echo(f"tasks: {', '.join(info.tasks)}\nspecialists: {', '.join(info.specialists) or 'none'}")
    typer.echo(f"image_size: {info.image_size}\nsizes: {info.sizes}\n")
    _print_parts([(part.name, part.parameters, part.bytes, ", ".join(part.dtypes)) for part in info.parts])
    _print_memory(info.memory)
    _print_fits(info.fits)


def _print_plan(plan: ConversionPlan, source: Path) -> None:
    from seedx_sdk.checkpoints.released import shown_path

    released = plan.released
    typer.echo(f"{released.variant}{', fine-tuned,' if released.is_tuned else ''} in {len(plan.files)} weight files\n")
    rows = []
    for part, tensors in released.parts.items():
        dtypes = {str(plan.dtype_of(name, place.meta.dtype)).removeprefix("torch.") for name, place in tensors.items()}
        rows.append((part, plan.parameters[part], plan.num_bytes(tensors), ", ".join(sorted(dtypes))))
    _print_parts(rows)
    for part, tensors in released.parts.items():
        files = sorted({str(shown_path(path, source)) for p in tensors.values() for path, _ in p.places})
        merged = sum(place.lora is not None for place in tensors.values())
        with_lora = f", {merged} of them with LoRA merged," if merged else ""
        typer.echo(f"{part}: {len(tensors)} tensors{with_lora} from {', '.join(files)}")
    for reason, names in released.unused.items():
        typer.echo(f"\nleft out, {len(names)} tensors ({reason}):")
        for name in names:
            typer.echo(f"  {name}")
    typer.echo("")
    _print_memory(plan.memory)


def _print_parts(rows: Sequence[tuple[str, int, int, str]]) -> None:
    """Print name, parameters, bytes and types of each part, and the sums."""
    total = ("all", sum(row[1] for row in rows), sum(row[2] for row in rows), "")
    cells = [(name, f"{count:,}", f"{size / 1e9:.3f}", dtype) for name, count, size, dtype in [*rows, total]]
    _print_table(("part", "parameters", "GB", "type"), cells, text_columns=(0, 3))
    typer.echo("")


def _print_memory(memory: Mapping[str, ServingMemory]) -> None:
    typer.echo("memory to serve one request at a time in GB (computed, not measured):")
    rows = []
    for name, need in memory.items():
        sizes = (need.weights, need.kv_cache, need.image_generation, need.total)
        rows.append((name, *(f"{size / 1e9:.3f}" for size in sizes), f"{need.kv_cache_per_token / 1e6:.3f}"))
    _print_table(("precision", "weights", "KV cache", "image generation", "total", "KV cache per token (MB)"), rows)


def _print_fits(fits: Sequence[Fit]) -> None:
    typer.echo("\nwhat fits a GPU (computed, not measured):")
    rows = [
        (
            f"{fit.gpu_gb}",
            "yes" if fit.beside_llm else "no",
            fit.options or "none needed",
            f"{fit.max_batch}",
            f"{fit.needed_gb}",
            f"{fit.kv_tokens:,}" if fit.beside_llm else "",
        )
        for fit in fits
    ]
    header = ("GB", "language model on it", "options of `seedx serve`", "batch", "needs GB", "tokens in the KV cache")
    _print_table(header, rows, text_columns=(1, 2))


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, text_columns: Sequence[int] = (0,)) -> None:
    """Print a table on stdout, as wide as its cells even where the terminal is narrower."""
    table = Table(box=None, pad_edge=False, header_style=None)
    for index, name in enumerate(header):
        table.add_column(name, justify="left" if index in text_columns else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    Console(width=TABLE_WIDTH, highlight=False, markup=False).print(table)
