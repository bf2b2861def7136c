"""What the training code gains and costs: two ways in one run, and the ratio between them.

    python benchmarks/training.py                                # every part that the machine can run
    python benchmarks/training.py packing loss                   # some parts
    python benchmarks/training.py utilization --device cuda      # needs a GPU of 80 GB

packing      tokens per second of packed rows, of padded batches of mixed sources, of padded batches of one source each
loss         extra memory of the cross-entropy, and with the logits of all tokens in float32
loader       rows per second with 0, 1 and 2 workers
checkpoint   what writing a checkpoint takes, and an update
utilization  share of a GPU's peak in training LoRA on the language model of the released size

All but the last train the shipped model on pages of the picture book. Rounds go through all ways in turn, and the best
round counts, so that other work on the machine disturbs the ratios little. On a CPU, `packing` counts the time that
the process was running.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from hardware import describe
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from torch.profiler import ProfilerActivity, profile

from seedx_finetune.data.batches import PackedBatch, Position
from seedx_finetune.data.check import check_source
from seedx_finetune.data.collate import Collator
from seedx_finetune.data.config import SourceConfig
from seedx_finetune.data.examples import Example
from seedx_finetune.data.export_book import export_book
from seedx_finetune.data.formats import make_format
from seedx_finetune.data.index import Source
from seedx_finetune.data.loader import packed_batches
from seedx_finetune.data.mixture import Mixture
from seedx_finetune.data.packing import Pack, Packer, best_fit
from seedx_finetune.stages.initial import CheckpointInitial
from seedx_finetune.stages.multimodal import MultimodalConfig
from seedx_finetune.stages.multimodal_model import MultimodalModel
from seedx_finetune.training.config import OptimizerConfig, RunConfig
from seedx_finetune.training.distributed import prepare_blocks
from seedx_finetune.training.dry_run import dry_run
from seedx_finetune.training.log import PEAK_FLOPS
from seedx_finetune.training.loop import Update, train
from seedx_finetune.training.losses import next_token_losses
from seedx_finetune.training.optimizer import Optimizer
from seedx_finetune.training.recipe import RecipeConfig
from seedx_sdk.engine import NANO
from seedx_sdk.model.tokenizer import Tokenizer

FORMATS = ("captions", "edits", "grounded_captions", "interleaved", "llava", "slides", "stories", "text", "try_on")
CELL, QUERIES = 128, 64
"""Side of nano's cells in pixels, and its tokens of an image."""
ROW = 2048
"""Tokens of a packed row."""
PADDED = 16
"""Documents of a padded batch."""
VOCABULARY = 32_330
"""Of the released model."""

Result = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print, and add the run to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all of them if left out")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--records", type=int, default=24, help="of each format")
    parser.add_argument("--json", type=Path, help="a list of runs to add this one to")
    options = parser.parse_args(argv)
    parts = options.parts or [name for name in PARTS if name != "utilization" or options.device != "cpu"]
    if unknown := set(parts) - set(PARTS):
        parser.error(f"unknown parts {', '.join(sorted(unknown))}; use {', '.join(PARTS)}")
    logging.disable(logging.WARNING)
    result: Result = {"hardware": describe(options.device)}
    print(result["hardware"])
    with tempfile.TemporaryDirectory() as work:
        for name in parts:
            result[name] = PARTS[name](Path(work), torch.device(options.device), options)
            print(f"{name}: {json.dumps(result[name], indent=1)}")
    if options.json is not None:
        runs = json.loads(options.json.read_text(encoding="utf-8")) if options.json.is_file() else []
        options.json.write_text(json.dumps([*runs, result], indent=1) + "\n", encoding="utf-8")


def book(work: Path, records: int) -> tuple[SourceConfig, ...]:
    """Return pages of the picture book as sources, one of each format, indexed."""
    directory = work / "book"
    if not directory.exists():
        export_book(directory, records, 0, size=448)
    tokenizer = Tokenizer.from_pretrained(NANO / "llm")
    for name in FORMATS:
        check_source(
            directory / "train" / name, make_format(name, {}), tokenizer, cell=CELL, num_tokens=QUERIES, on_bad=print
        )
    return tuple(SourceConfig(name=name, format=name, path=directory / "train" / name, weight=1) for name in FORMATS)


def packing(work: Path, device: torch.device, options: argparse.Namespace) -> Result:
    """Return the tokens per second of the same documents in three kinds of batches, with their loss."""
    mixture = Mixture([Source(source) for source in book(work, options.records)], 0)
    packer = Packer(mixture, Tokenizer.from_pretrained(NANO / "llm"), ROW, CELL, QUERIES)
    found = [packer.example(position) for position in range(128)]
    examples = [example for example in found if isinstance(example, Example)]
    sources = sorted({example.source for example in examples})
    grouped = [[example for example in examples if example.source == source] for source in sources]
    rows = best_fit([len(example.input_ids) for example in examples], ROW)
    batches: dict[str, list[Sequence[Example]]] = {
        "packed": [[examples[index] for index in row] for row in rows],
        "padded, mixed": _chunks(examples),
        "padded, one source each": [chunk for group in grouped for chunk in _chunks(group)],
    }
    tokens = sum(len(example.input_ids) for example in examples)
    stage = MultimodalConfig(
        initial=CheckpointInitial(directory=NANO), lora=None, parts=("llm", "resamplers"), result="merged"
    ).build()
    models = {name: stage.model(device, torch.float32) for name in batches}
    for name, model in models.items():
        if name != "packed":
            read_padded(model)
    collator = Collator(packer)
    seconds: dict[str, list[float]] = {name: [] for name in batches}
    losses: dict[str, float] = {}
    encoded = {
        name: [
            _with_features(models["packed"], collator.batch(Pack(0, tuple(chunk)), Position(), ())) for chunk in kind
        ]
        for name, kind in batches.items()
    }
    for _ in range(options.rounds):
        for name, model in models.items():
            began = _now(device)
            losses[name] = sum(_pass(model, batch, tokens) for batch in encoded[name])
            seconds[name].append(_now(device) - began)
            model.zero_grad()
    rates = {name: tokens / min(taken) for name, taken in seconds.items()}
    padding = {
        name: 1 - tokens / sum(len(chunk) * max(len(example.input_ids) for example in chunk) for chunk in kind)
        for name, kind in batches.items()
        if name != "packed"
    }
    return {
        "documents": len(examples),
        "tokens": tokens,
        "tokens per second": {name: round(rate) for name, rate in rates.items()},
        "share of padding": {name: round(share, 3) for name, share in padding.items()},
        "loss": {name: round(loss, 6) for name, loss in losses.items()},
        "packed to mixed": round(rates["packed"] / rates["padded, mixed"], 2),
        "packed to one source": round(rates["packed"] / rates["padded, one source each"], 2),
    }


def read_padded(model: MultimodalModel) -> None:
    """Let the language model read a batch of documents as rows that are padded to the longest, and do the same else."""
    model.lvlm.causal_lm.set_attn_implementation("sdpa")
    read = model.lvlm.run_llm

    def run_llm(embeds: Tensor, *, position_ids: Tensor, boundaries: Tensor) -> Tensor:
        lengths = boundaries.diff().tolist()
        rows = pad_sequence(list(torch.split(embeds[0], lengths)), batch_first=True)
        positions = torch.arange(rows.shape[1], device=position_ids.device).expand(len(rows), -1)
        hidden = read(rows, position_ids=positions, boundaries=boundaries)
        return torch.cat([row[:length] for row, length in zip(hidden, lengths, strict=True)])[None]

    model.lvlm.run_llm = run_llm  # type: ignore[method-assign, assignment]


def _chunks(examples: Sequence[Example]) -> list[Sequence[Example]]:
    return [examples[start : start + PADDED] for start in range(0, len(examples), PADDED)]


def _with_features(model: MultimodalModel, batch: PackedBatch) -> PackedBatch:
    """Encode the images beforehand, which takes the same time in every kind of batch."""
    with torch.no_grad():
        return replace(batch, features=model(batch).features, pixels=None)


def _pass(model: MultimodalModel, batch: PackedBatch, tokens: int) -> float:
    """Run forward and backward and return the batch's share of the loss."""
    outputs = model(batch)
    loss = (outputs.token_losses.sum() + outputs.image_losses.sum()) / tokens
    loss.backward()
    return float(loss.detach())


def _now(device: torch.device) -> float:
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()


def loss(_work: Path, device: torch.device, _options: argparse.Namespace) -> Result:
    """Return the bytes that the cross-entropy takes beyond its inputs and their gradients."""
    count, width = 2048, 512
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(count, width, generator=generator).to(device).requires_grad_()
    head = (torch.randn(VOCABULARY, width, generator=generator) * width**-0.5).to(device).requires_grad_()
    targets = torch.randint(VOCABULARY, (count,), generator=generator).to(device)

    def whole() -> Tensor:
        return F.cross_entropy(F.linear(hidden, head).float(), targets, reduction="sum")

    def ours() -> Tensor:
        return next_token_losses(hidden, head, targets).sum()

    def peak(forward: Callable[[], Tensor]) -> tuple[int, float]:
        hidden.grad, head.grad = torch.zeros_like(hidden), torch.zeros_like(head)
        value = float(forward().detach())
        return _peak(lambda: forward().backward(), device), value  # type: ignore[no-untyped-call]

    (full_bytes, full_loss), (our_bytes, our_loss) = peak(whole), peak(ours)
    return {
        "tokens": count,
        "vocabulary": VOCABULARY,
        "megabytes": {"logits in float32": full_bytes / 1e6, "ours": our_bytes / 1e6},
        "relative difference of the losses": abs(our_loss - full_loss) / full_loss,
        "ours to full": round(our_bytes / full_bytes, 3),
    }


def _peak(action: Callable[[], Any], device: torch.device) -> int:
    """Return the most bytes that an action has at once, beyond those that are there."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        action()
        return torch.cuda.max_memory_allocated(device) - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        action()
    results = profiler.profiler
    assert results is not None and results.kineto_results is not None
    now = most = 0
    for event in sorted(results.kineto_results.events(), key=lambda event: event.start_ns()):
        if event.name() == "[memory]":
            now += event.nbytes()
            most = max(most, now)
    return most


def loader(work: Path, _device: torch.device, options: argparse.Namespace) -> Result:
    """Return rows per second, after the first ones, for which workers start."""
    sources, tokenizer = book(work, options.records), Tokenizer.from_pretrained(NANO / "llm")
    rows: dict[str, float] = {}
    for workers in (0, 1, 2):
        batches = packed_batches(
            sources,
            RunConfig(workers=workers),
            tokenizer,
            pack_length=ROW,
            cell=CELL,
            num_tokens=QUERIES,
            start=Position(),
            rank=0,
            world=1,
        )
        list(islice(batches, 4))
        began = time.perf_counter()
        count = len(list(islice(batches, 40)))
        rows[str(workers)] = round(count / (time.perf_counter() - began), 2)
    return {"tokens of a row": ROW, "rows per second by workers": rows}


def checkpoint(work: Path, device: torch.device, options: argparse.Namespace) -> Result:
    """Return the seconds of an update and of a checkpoint, of a run that trains all of nano's language model."""
    recipe = RecipeConfig(
        name="checkpoint",
        stage=MultimodalConfig(
            initial=CheckpointInitial(directory=NANO), lora=None, parts=("llm",), result="merged", pack_length=ROW
        ),
        sources=book(work, options.records),
        optimizer=OptimizerConfig(steps=6),
        run=RunConfig(device="cuda" if device.type == "cuda" else "cpu", save_every=2, log_every=1),
    )
    updates: list[Update] = []
    train(recipe, work / "run", on_update=updates.append)
    lines = [json.loads(line) for line in (work / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    saves = [line["seconds"] for line in lines if line["event"] == "checkpoint"]
    steps = [line["seconds_per_update"] for line in lines if line["event"] == "train"]
    sizes = [file.stat().st_size for file in (work / "run" / "checkpoints").rglob("*") if file.is_file()]
    lost = min(saves) / min(steps)
    return {
        "megabytes": round(max(sizes) / 1e6, 1),
        "seconds of a checkpoint": round(min(saves), 3),
        "seconds of an update": round(min(steps), 3),
        "updates that a checkpoint takes": round(lost, 2),
        "share of the time, at one every 1000 updates": round(lost / (1000 + lost), 5),
    }


def utilization(_work: Path, device: torch.device, options: argparse.Namespace) -> Result:
    """Return the model FLOPs utilization of LoRA at the released size, with random weights."""
    if device.type != "cuda":
        raise SystemExit("utilization needs --device cuda")
    run = RunConfig(device="cuda")
    stage = MultimodalConfig(initial=CheckpointInitial(directory=Path("released sizes"))).build()
    model: nn.Module = stage.model(torch.device("meta"), torch.bfloat16)
    prepare_blocks(stage.blocks(model), run)
    batch = stage.example_batch(run)

    def total() -> Tensor:
        terms = stage.losses(model, batch, torch.Generator().manual_seed(0))
        return torch.stack([term.weight * term.total / term.count for term in terms]).sum()

    work = dry_run(total, [*model.parameters(), *model.buffers()], torch.bfloat16)
    model = model.to_empty(device=device)
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            tensor.normal_(std=0.02)
    optimizer = Optimizer(
        {name: p for name, p in model.named_parameters() if p.requires_grad}, OptimizerConfig(steps=9)
    )
    seconds = []
    for step in range(options.rounds + 2):  # two warm up
        began = _now(device)
        total().backward()  # type: ignore[no-untyped-call]
        optimizer.clip()
        optimizer.update(step)
        seconds.append(_now(device) - began)
    name = torch.cuda.get_device_name(device)
    peak = next(flops for gpu, flops in PEAK_FLOPS.items() if gpu in name)
    return {
        "tokens of a row": batch.input_ids.shape[1],
        "images of a row": len(batch.cell_keys),
        "seconds of an update": round(min(seconds[2:]), 3),
        "TFLOP of an update": round(work.flops / 1e12, 1),
        "model FLOPs utilization": round(work.flops / min(seconds[2:]) / peak, 3),
        "peak GB": round(torch.cuda.max_memory_allocated(device) / 1e9, 1),
    }


PARTS: dict[str, Callable[[Path, torch.device, argparse.Namespace], Result]] = {
    "packing": packing,
    "loss": loss,
    "loader": loader,
    "checkpoint": checkpoint,
    "utilization": utilization,
}


if __name__ == "__main__":
    main()
