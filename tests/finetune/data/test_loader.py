from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from seedx_finetune.data.batches import DenoisingBatch, PackedBatch, Position, Skipped
from seedx_finetune.data.check import check_source
from seedx_finetune.data.config import SourceConfig
from seedx_finetune.data.formats import make_format
from seedx_finetune.data.loader import image_pairs, packed_batches
from seedx_finetune.errors import DataError
from seedx_finetune.training.config import RunConfig
from seedx_sdk.model.tokenizer import Tokenizer
from tests.support.notes import CELL, TOKENS, Check, Line, Paint, texts

Batch = PackedBatch | DenoisingBatch
START = Position()
Take = Callable[..., list[Batch]]


@pytest.fixture
def sources(source: Check, paint: Paint) -> tuple[SourceConfig, ...]:
    """Texts of which some are too long, images to read, and images to draw."""
    reads = texts(50, seed=1)
    for i, line in enumerate(reads):
        line["read"] = paint(f"r{i % 9}.png", 40 + i % 9, 30)
    draws = texts(30, seed=2, longest=8)
    for i, line in enumerate(draws):
        line["draw"] = paint(f"d{i % 7}.png", 40, 30 + i % 7)
        if i % 2:
            line |= {"read": "r0.png", "from": "r0.png"}
    return (
        source(texts(90), "text", 2),
        source(reads, "reads", 1, grids=["1x1", "2x1"]),
        source(draws, "draws", 0.7),
    )


@pytest.fixture(params=["packed", "pairs"])
def take(request: pytest.FixtureRequest, sources: tuple[SourceConfig, ...], words: Tokenizer) -> Take:
    """Return the first batches over all ranks, in order, with a number of workers for each rank."""
    made = {"packed": _packed, "pairs": _pairs}[request.param]

    def batches(count: int, *workers: int, start: Position = START) -> list[Batch]:
        world = len(workers)
        ranks = [
            made(sources, words, workers=number, start=start, rank=rank, world=world)
            for rank, number in enumerate(workers)
        ]
        return [next(ranks[number % world]) for number in range(start.batch, start.batch + count)]

    return batches


def _packed(sources: tuple[SourceConfig, ...], words: Tokenizer, *, workers: int = 0, **place: Any) -> Iterator[Batch]:
    return packed_batches(
        sources, RunConfig(seed=4, workers=workers), words, pack_length=360, cell=CELL, num_tokens=TOKENS, **place
    )


def _pairs(sources: tuple[SourceConfig, ...], words: Tokenizer, *, workers: int = 0, **place: Any) -> Iterator[Batch]:
    del words
    return image_pairs(sources, RunConfig(seed=4, workers=workers), batch_size=3, size=48, cell=CELL, **place)


def assert_equal(one: list[Batch], other: list[Batch]) -> None:
    assert len(one) == len(other)
    for first, second in zip(one, other, strict=True):
        for field in fields(first):
            a, b = getattr(first, field.name), getattr(second, field.name)
            same = torch.equal(a, b) if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor) else a == b
            assert same, f"batch {first.after.batch - 1}: {field.name}"


def test_workers_and_ranks_change_nothing(take: Take) -> None:
    batches = take(50, 0)
    assert sum(len(batch.names) for batch in batches) >= 100
    assert {source for batch in batches for source in batch.sources} >= {"reads", "draws"}
    assert [batch.after.batch for batch in batches] == list(range(1, 51))
    assert_equal(take(50, 2), batches)
    assert_equal(take(50, 0, 1), batches)


def test_a_run_goes_on_with_the_very_next_sample(take: Take) -> None:
    batches = take(60, 0)
    for position in range(1, 45):
        start = batches[position - 1].after
        assert_equal(take(3, 0, start=start), batches[position : position + 3])
    assert_equal(take(30, 2, 0, start=batches[16].after), batches[17:47])


def test_every_record_comes_once_an_epoch_or_is_skipped_by_name(
    source: Check, paint: Paint, words: Tokenizer, tmp_path: Path
) -> None:
    lines = texts(256, longest=5)
    for i in range(0, 256, 2):
        lines[i]["read"] = paint(f"{i}.png", 40, 30)
    lines[7]["answer"] = "a red fox " * 500
    config = source(lines)
    (tmp_path / "20.png").unlink()
    (tmp_path / "60.png").write_bytes((tmp_path / "60.png").read_bytes()[:100])
    batches = packed_batches(
        [config], RunConfig(), words, pack_length=600, cell=CELL, num_tokens=TOKENS, start=START, rank=0, world=1
    )
    epoch = list(itertools.takewhile(lambda batch: batch.after < Position(batch.after.batch, 4, 1), batches))
    assert epoch[-1].after == (len(epoch), 4, 0), "four windows hold 256 positions"
    seen = [name for batch in epoch for name in batch.names]
    skipped = {name: reason for batch in epoch for name, reason in batch.skipped}
    assert sorted(skipped) == ["notes.jsonl:21", "notes.jsonl:61", "notes.jsonl:8"]
    assert "No such file" in skipped["notes.jsonl:21"]
    assert "damaged or cut short" in skipped["notes.jsonl:61"]
    assert "a row holds at most 600" in skipped["notes.jsonl:8"]
    assert sorted([*seen, *skipped]) == sorted(f"notes.jsonl:{i + 1}" for i in range(256))


def test_nothing_usable_is_an_error(source: Check, words: Tokenizer) -> None:
    config = source(texts(20))
    place: dict[str, Any] = {"start": START, "rank": 0, "world": 1}
    batches = packed_batches([config], RunConfig(), words, pack_length=5, cell=CELL, num_tokens=TOKENS, **place)
    with pytest.raises(DataError, match="no record can be used; the last one, notes.jsonl:.* a row holds at most 5"):
        next(batches)
    with pytest.raises(DataError, match="no record of the sources has an image"):
        next(image_pairs([config], RunConfig(), batch_size=2, size=48, cell=CELL, **place))


@pytest.mark.parametrize("workers", [0, 1])
def test_files_that_are_gone_are_an_error_that_says_so(
    workers: int, source: Check, paint: Paint, words: Tokenizer, tmp_path: Path
) -> None:
    lines: list[Line] = [{"ask": "a", "answer": "b", "read": paint(f"{i}.png")} for i in range(5)]
    config = source(lines)
    for i in range(5):
        (tmp_path / f"{i}.png").unlink()
    batches = packed_batches(
        [config],
        RunConfig(workers=workers),
        words,
        pack_length=600,
        cell=CELL,
        num_tokens=TOKENS,
        start=START,
        rank=0,
        world=1,
    )
    with pytest.raises(DataError, match="100 records drawn at random cannot be used"):
        next(batches)


def test_an_outdated_source_is_refused_before_the_first_batch(source: Check, words: Tokenizer) -> None:
    config = source(texts(20))
    config.path.write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="notes.jsonl has changed since it was checked; run: seedx data check"):
        _packed((config,), words, start=START, rank=0, world=1)


def test_the_global_generators_are_left_alone(take: Take) -> None:
    torch.manual_seed(0)
    np.random.seed(0)
    state, numbers = torch.get_rng_state(), np.random.get_state(legacy=False)
    take(3, 0)
    assert torch.equal(torch.get_rng_state(), state)
    assert str(np.random.get_state(legacy=False)) == str(numbers)


def test_skipped_records_are_told_once_over_all_ranks(sources: tuple[SourceConfig, ...], words: Tokenizer) -> None:
    def skipped(world: int) -> list[Skipped]:
        ranks = [_packed(sources, words, start=START, rank=rank, world=world) for rank in range(world)]
        return [skip for number in range(40) for skip in next(ranks[number % world]).skipped]

    assert skipped(3) == skipped(1)
    assert {skip.name for skip in skipped(1)} >= {"reads.jsonl:31", "reads.jsonl:34"}


KILLED = """
import sys
from pathlib import Path
from seedx_finetune.data.batches import Position
from seedx_finetune.data.config import SourceConfig
from seedx_finetune.data.loader import packed_batches
from seedx_finetune.training.config import RunConfig
from seedx_sdk.engine import NANO
from seedx_sdk.model.tokenizer import Tokenizer

batches = packed_batches(
    [SourceConfig(name="text", format="text", path=Path(sys.argv[1]), weight=1)],
    RunConfig(workers=2),
    Tokenizer.from_pretrained(NANO / "llm"),
    pack_length=360,
    cell=32,
    num_tokens=64,
    start=Position(),
    rank=0,
    world=1,
)
next(batches)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.nightly  # processes start for it alone
def test_workers_end_with_a_run_that_is_killed(words: Tokenizer, tmp_path: Path) -> None:
    path = tmp_path / "text.jsonl"
    path.write_text("".join(json.dumps({"text": line["answer"]}) + "\n" for line in texts(20)), encoding="utf-8")
    check_source(
        path, make_format("text", {}), words, cell=CELL, num_tokens=TOKENS, on_bad=lambda bad: pytest.fail(str(bad))
    )
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], **pipes, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
        processes = psutil.Process(run.pid).children(recursive=True)
        assert len(processes) >= 3, "two workers and the server that forks them"
        run.kill()
        run.wait()
        _, alive = psutil.wait_procs(processes, timeout=120)
        assert not alive
