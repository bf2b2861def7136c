"""The training loop: any stage, on one device or many, from the last checkpoint to the exported result."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Generic, TypeVar

import numpy as np
import torch

from seedx_finetune.data.batches import Position, Skipped
from seedx_finetune.data.export_book import prepare_book
from seedx_finetune.errors import ConfigError
from seedx_finetune.training.checkpoints import Checkpoints, Progress, Tensors, load_tensors
from seedx_finetune.training.config import RunConfig, SourceConfig
from seedx_finetune.training.directory import RunDirectory
from seedx_finetune.training.distributed import (
    Processes,
    compute_dtype,
    gathered,
    prepare_blocks,
    processes,
    shard,
    synchronize_gradients,
)
from seedx_finetune.training.ema import Average
from seedx_finetune.training.failures import (
    BadRecordsError,
    GeneralLossError,
    NonFiniteError,
    NothingSupervisedError,
    naming_memory_errors,
)
from seedx_finetune.training.fingerprint import check_unchanged, fingerprint
from seedx_finetune.training.log import Meter, Part, RunLog, objective, summarize
from seedx_finetune.training.optimizer import Optimizer
from seedx_finetune.training.recipe import RecipeConfig
from seedx_finetune.training.stage import Amounts, Batch, Loss, Metered, Stage

__all__ = ["Update", "train"]

B = TypeVar("B", bound=Batch)
T = TypeVar("T")

TRAINING, HELD_OUT = 0, 1
"""Streams of random numbers."""

FEW_RECORDS = 1000
"""The share of bad records is judged as if at least so many had been read."""


@dataclass(frozen=True, slots=True)
class Update:
    """An update of the weights that was made."""

    step: int
    """Its number, from 1 on."""
    loss: float
    """What it minimized, over all batches and ranks, before the weights moved."""
    terms: dict[str, float]
    """Mean of each term, and of each term for each source, "term/source"."""
    grad_norm: float
    """Before clipping."""
    learning_rate: float


def train(
    recipe: RecipeConfig,
    directory: Path,
    *,
    allow_change: Sequence[str] = (),
    on_update: Callable[[Update], None] | None = None,
) -> Path:
    """Train a stage and return the directory of its result.

    A run that was interrupted resumes from its last checkpoint, on any number of processes, and ends with the weights
    of a run that was not; a finished one is returned as it is. Under torchrun, every process calls this.

    Args:
        recipe: The whole configuration.
        directory: Of this run; one process, or those of one torchrun, may train in it at a time.
        allow_change: Dotted fields of the configuration that may differ from those that the run began with; "inputs"
            are the files that it names.
        on_update: Is called after every update, on every rank.

    Raises:
        ConfigError: If the configuration cannot be trained, or the directory holds a run with another one.
        TrainingError: If the run stopped (`seedx_finetune.training.failures`); its checkpoints are kept.
    """
    stage = recipe.stage.build()
    place = RunDirectory(directory)
    with ExitStack() as stack:
        group = stack.enter_context(processes(recipe.run.device))
        if recipe.run.batches_per_update % group.world:
            raise ConfigError(
                f"run.batches_per_update is {recipe.run.batches_per_update}, which {group.world} processes cannot "
                f"share; use a multiple of {group.world}"
            )
        group.first(lambda: stack.enter_context(place.locked()))
        group.first(lambda: prepare_book(recipe.book, recipe.sources + recipe.held_out + recipe.general))
        now = group.first(lambda: fingerprint(recipe))
        finished = group.first(place.finished)
        if finished is not None:
            check_unchanged(finished, now, allow_change, directory)
        if finished != now:
            group.first(lambda: _look_at_data(stage, recipe))
            checkpoint = _Run(stage, recipe, place, group, now, on_update).train(allow_change)
            group.first(lambda: _export(stage, recipe, checkpoint, place, now))
    return place.model


def _look_at_data(stage: Stage[Any], recipe: RecipeConfig) -> None:
    """Make the first batch of each kind, so that a mistake in a source is found before the weights are read."""
    run = recipe.run.model_copy(update={"workers": 0})
    for sources in filter(None, (recipe.sources, recipe.held_out, recipe.general)):
        next(stage.batches(sources, run, start=Position(), rank=0, world=1))


def _export(
    stage: Stage[Any],
    recipe: RecipeConfig,
    checkpoint: Path,
    place: RunDirectory,
    now: dict[str, Any],
) -> None:
    """Write the result from a checkpoint, in this process alone, so that no rank gathers the sharded model."""
    model = stage.model(torch.device("cpu"), torch.float32)
    weights = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    load_tensors(checkpoint, {"weights" if recipe.optimizer.ema_decay is None else "average": dict(weights)})
    with place.result(now) as partial, torch.no_grad():
        stage.export(model.eval(), partial)


@dataclass(frozen=True, slots=True)
class _Summary:
    """What the ranks tell one another of a batch before they compute it."""

    after: Position
    names: tuple[str, ...]
    sources: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    counts: dict[str, int]
    amounts: Amounts | None


class _Run(Generic[B]):
    def __init__(
        self,
        stage: Stage[B],
        recipe: RecipeConfig,
        place: RunDirectory,
        group: Processes,
        now: dict[str, Any],
        on_update: Callable[[Update], None] | None,
    ) -> None:
        self.stage, self.recipe, self.place, self.group, self.now = stage, recipe, place, group, now
        self.on_update = on_update
        self.model = stage.model(group.device, compute_dtype(recipe.run, group.device))
        blocks = list(stage.blocks(self.model))
        prepare_blocks(blocks, recipe.run)
        shard(self.model, blocks, group)
        trained = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        self.optimizer = Optimizer(trained, recipe.optimizer)
        decay = recipe.optimizer.ema_decay
        self.average = None if decay is None else Average(trained, decay)
        self.tensors: Tensors = {
            "weights": {name: p.detach() for name, p in trained.items()},
            "optimizer": self.optimizer.tensors,
        } | ({} if self.average is None else {"average": self.average.weights})
        self.checkpoints = Checkpoints(place.checkpoints, recipe.run.keep_last, group)
        self.meter = Meter(group.device, group.world)
        self.progress = Progress()

    def train(self, allow_change: Sequence[str]) -> Path:
        """Make the updates that are left and return the last checkpoint."""
        run, steps, group = self.recipe.run, self.recipe.optimizer.steps, self.group
        self.progress = self.checkpoints.resume(self.tensors, self.now, allow_change) or Progress()
        start = self.progress.step
        group.first(lambda: self.place.write_recipe(self.recipe.to_dict()))
        batches = self.stage.batches(
            self.recipe.sources, run, start=self.progress.position, rank=group.rank, world=group.world
        )
        log = RunLog(self.place, self.recipe.name, start=start, steps=steps, enabled=group.rank == 0)
        with log as self.log:
            self.log.event("start", start, configuration=self.recipe.hash, processes=group.world)
            if start == 0:
                self._guard()
            for step in range(start + 1, steps + 1):
                with self.meter.timed():
                    update = self._update(step, list(islice(batches, run.batches_per_update // group.world)))
                if step % run.evaluate_every == 0 or step == steps:
                    self._evaluate()
                    self._guard()
                if step % run.save_every == 0 or step == steps:
                    self._save()
                if step % run.log_every == 0 or step == steps:
                    rates = {"learning_rate": update.learning_rate, "grad_norm": update.grad_norm}
                    self.log.scalars("train", step, self.meter.read() | rates | {"skipped": self.progress.skipped})
                self.log.update(update.loss)
                if self.on_update is not None:
                    self.on_update(update)
        return self.checkpoints.path(steps)

    def _update(self, step: int, batches: list[B]) -> Update:
        summaries = self._everywhere([self._summary(batch) for batch in batches])
        counts = self._take_in(step, summaries)
        losses: list[Sequence[Loss]] = []
        for number, batch in enumerate(batches, start=1):
            synchronize_gradients(self.model, number == len(batches))
            with naming_memory_errors(step, batch):
                losses.append(self._backward(batch, counts))
        parts = self._everywhere([_parts(terms) for terms in losses])
        for summary, computed in zip(summaries, parts, strict=True):
            bad = [part for part in computed if not math.isfinite(part.total)]
            if bad:
                raise _non_finite(step, f"the loss '{bad[0].term}' is {bad[0].total}", [summary])
        flat = list(chain.from_iterable(parts))
        norm = self.optimizer.clip()
        if not math.isfinite(norm):
            raise _non_finite(step, f"the norm of the gradient is {norm}", summaries)
        with naming_memory_errors(step, batches[-1]):
            rate = self.optimizer.update(step - 1)
        if self.average is not None:
            self.average.update()
        self.meter.parts += flat
        self.meter.amounts += [summary.amounts for summary in summaries if summary.amounts]
        return Update(step, objective(flat), summarize(flat), norm, rate)

    def _take_in(self, step: int, summaries: list[_Summary]) -> Counter[str]:
        """Note where the data stands after an update, and return its counts: of each term, over all ranks."""
        counts: Counter[str] = Counter()
        for summary in summaries:
            counts.update(summary.counts)
        skipped = [skip for summary in summaries for skip in summary.skipped]
        names = [name for summary in summaries for name in summary.names]
        sources = [source for summary in summaries for source in summary.sources]
        for skip in skipped:
            self.log.event("skipped", step, name=skip.name, reason=skip.reason)
        self.progress = replace(
            self.progress,
            step=step,
            position=max(summary.after for summary in summaries),
            records=self.progress.records + len(names) + len(skipped),
            skipped=self.progress.skipped + len(skipped),
            held_out=None,
        )
        share = self.recipe.run.max_bad_share
        if self.progress.skipped > share * max(FEW_RECORDS, self.progress.records):
            raise BadRecordsError(
                f"{self.progress.skipped} of {self.progress.records} records were skipped, more than "
                f"run.max_bad_share={share:g} allows; the last: " + "; ".join(f"{s.name}: {s.reason}" for s in skipped),
                step=step,
                sources=sources,
                samples=[skip.name for skip in skipped],
                cure="run `seedx data check` on the sources and fix them, or raise run.max_bad_share",
            )
        if not counts.total():
            raise NothingSupervisedError(
                "nothing in it is supervised",
                step=step,
                sources=sources,
                samples=names,
                cure="look at these samples, at the prompts of their format, and at what is cut or dropped for length",
            )
        return counts

    def _backward(self, batch: B, counts: Counter[str]) -> Sequence[Loss]:
        """Add a batch's gradients; return its losses without their graph."""
        losses = self._losses(batch, TRAINING)
        total = torch.stack([loss.total * (loss.weight / max(1, counts[loss.term])) for loss in losses]).sum()
        (total * self.group.world).backward()  # type: ignore[no-untyped-call]  # sharding averages over the ranks
        return [replace(loss, total=loss.total.detach()) for loss in losses]

    def _losses(self, batch: B, stream: int) -> Sequence[Loss]:
        """Compute the losses with random numbers that depend on nothing but the batch's number."""
        numbers = np.random.SeedSequence((self.recipe.run.seed, stream, batch.after.batch - 1))
        noise, dropout = (int(seed) for seed in numbers.generate_state(2))
        torch.manual_seed(dropout)
        return self.stage.losses(self.model, batch, torch.Generator().manual_seed(noise))

    def _evaluate(self) -> None:
        """Measure the held-out loss and draw samples, with the averaged weights if there are any."""
        run, sources, group = self.recipe.run, self.recipe.held_out, self.group
        if not (sources and run.evaluation_batches):
            return
        step, began = self.progress.step, perf_counter()
        with self._evaluating(), TemporaryDirectory() as elsewhere:
            parts = self._measured(sources)
            first = next(self.stage.batches(sources, self._alone, start=Position(), rank=0, world=1))
            path = self.place.sample_sheet(step) if group.rank == 0 else Path(elsewhere) / "samples.png"
            path.parent.mkdir(exist_ok=True)
            self.stage.sample_sheet(self.model, first, path, run.seed)
        loss = objective(parts)
        self.progress = replace(self.progress, held_out=loss)
        self.log.scalars("held_out", step, {"loss": loss, "seconds": perf_counter() - began} | summarize(parts))

    def _guard(self) -> None:
        """Measure the general loss, and stop the run if it has risen too far since before the first update."""
        run, sources = self.recipe.run, self.recipe.general
        if not (sources and run.evaluation_batches):
            return
        step, began, before = self.progress.step, perf_counter(), self.progress.general
        with self._evaluating():
            parts = self._measured(sources)
        loss = objective(parts)
        self.log.scalars("general", step, {"loss": loss, "seconds": perf_counter() - began} | summarize(parts))
        if before is None:
            self.progress = replace(self.progress, general=loss)
        elif loss > before * (1 + run.max_general_growth):
            raise GeneralLossError(
                f"the general loss rose from {before:.4g} to {loss:.4g}, by more than run.max_general_growth="
                f"{run.max_general_growth:g} allows",
                step=step,
                sources=[source.name for source in sources],
                samples=(),
                cure="the model is losing what it could do before: lower optimizer.learning_rate or optimizer.steps, "
                "mix a general source into `sources`, or raise run.max_general_growth",
            )

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Let the model compute without learning, with the averaged weights if there are any."""
        modes = {module: module.training for module in self.model.modules()}
        average = nullcontext() if self.average is None else self.average.applied()
        with torch.no_grad(), average, gathered(self.model):
            self.model.eval()
            yield
        for module, training in modes.items():
            module.training = training

    def _measured(self, sources: Sequence[SourceConfig]) -> list[Part]:
        """Return the losses on the first batches of sources, over all ranks."""
        wanted, group = self.recipe.run.evaluation_batches, self.group
        batches = self.stage.batches(sources, self._alone, start=Position(), rank=group.rank, world=group.world)
        computed = []
        for batch in islice(batches, math.ceil(wanted / group.world)):
            with naming_memory_errors(self.progress.step, batch):
                computed.append((batch.after.batch, _parts(self._losses(batch, HELD_OUT))))
        # the ranks run in step, so the last of them may have run a batch more than was asked for
        return list(chain.from_iterable(terms for number, terms in self._everywhere(computed) if number <= wanted))

    @property
    def _alone(self) -> RunConfig:
        return self.recipe.run.model_copy(update={"workers": 0})

    def _save(self) -> None:
        began = perf_counter()
        self.checkpoints.save(self.tensors, self.progress, self.now)
        self.log.scalars("checkpoint", self.progress.step, {"seconds": perf_counter() - began})

    def _summary(self, batch: B) -> _Summary:
        counts = dict(self.stage.counts(batch))
        amounts = self.stage.amounts(batch) if isinstance(self.stage, Metered) else None
        return _Summary(batch.after, batch.names, batch.sources, batch.skipped, counts, amounts)

    def _everywhere(self, values: list[T]) -> list[T]:
        """Return the values of all ranks, one after the other."""
        return list(chain.from_iterable(self.group.gather(values)))


def _parts(losses: Sequence[Loss]) -> list[Part]:
    totals = torch.stack([loss.total for loss in losses]).tolist()
    return [Part(o.term, o.source, total, o.count, o.weight) for o, total in zip(losses, totals, strict=True)]


def _non_finite(step: int, problem: str, summaries: Sequence[_Summary]) -> NonFiniteError:
    return NonFiniteError(
        problem,
        step=step,
        sources=[source for summary in summaries for source in summary.sources],
        samples=[name for summary in summaries for name in summary.names],
        cure="look at these samples; lower optimizer.learning_rate, or raise optimizer.warmup_steps; the next run "
        "resumes from the last checkpoint",
    )
