"""A whole stage of training at the smallest size: a language model of two layers and a head that regresses images.

Sample i is a pure function of i. Even ones are of the source "book" and have an image, odd ones are of "web" and have
none, so that the second of two processes, with batches of one sample, never sees an image.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaModel

from seedx_finetune.data.batches import Position, Skipped
from seedx_finetune.errors import ConfigError
from seedx_finetune.training.config import OptimizerConfig, RunConfig, SourceConfig
from seedx_finetune.training.recipe import RecipeConfig
from seedx_finetune.training.stage import Amounts, Loss, StageConfig

VOCABULARY, WIDTH, LENGTH = 40, 16, 12


@dataclass(frozen=True, slots=True)
class TinyBatch:
    after: Position
    names: tuple[str, ...]
    sources: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    input_ids: Tensor
    """(N, L) int64."""
    labels: Tensor
    """(N, L) int64, -100 where nothing is learned."""
    with_image: Tensor
    """(G) int64 samples that have an image."""
    images: Tensor
    """(G, D)."""


class TinyModel(nn.Module):
    def __init__(self, dropout: float, dtype: torch.dtype) -> None:
        super().__init__()
        config = LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=WIDTH,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            intermediate_size=24,
            attention_dropout=dropout,
            attn_implementation="eager",  # type: ignore[call-arg]
        )
        self.llm = LlamaModel(config)
        self.lm_head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.image_head = nn.Linear(WIDTH, WIDTH)
        self.dtype = dtype
        for name, parameter in self.llm.named_parameters():
            if "mlp" in name or "embed_tokens" in name:
                parameter.requires_grad_(False).data = parameter.data.to(dtype)

    def autocast(self) -> torch.autocast:
        return torch.autocast("cpu", self.dtype, enabled=self.dtype != torch.float32)

    def forward(self, input_ids: Tensor, with_image: Tensor) -> tuple[Tensor, Tensor | None]:
        with self.autocast():
            hidden = self.llm(input_ids=input_ids, use_cache=False).last_hidden_state
            images = self.image_head(hidden[with_image, -1]).float() if len(with_image) else None
            return self.lm_head(hidden).float(), images


class TinyStage:
    def __init__(self, config: TinyStageConfig) -> None:
        self.config = config
        self.models: list[TinyModel] = []
        """All that it has made."""

    def model(self, device: torch.device, dtype: torch.dtype) -> TinyModel:
        with torch.random.fork_rng():
            torch.manual_seed(7)
            model = TinyModel(self.config.dropout, dtype).to(device).train()
        self.models.append(model)
        return model

    def blocks(self, model: nn.Module) -> Iterable[nn.Module]:
        assert isinstance(model, TinyModel)
        yield from model.llm.layers

    def batches(
        self,
        sources: Sequence[SourceConfig],
        run: RunConfig,
        *,
        start: Position,
        rank: int,
        world: int,
    ) -> Iterator[TinyBatch]:
        number = start.batch
        while True:
            if number % world == rank:
                yield self._batch(number, sources[0].name, run.seed)
            number += 1

    def _batch(self, number: int, source: str, seed: int) -> TinyBatch:
        config = self.config
        numbers = range(number * config.batch_size, (number + 1) * config.batch_size)
        samples = [_sample(index, seed) for index in numbers]
        labels = torch.stack([labels for _, labels, _ in samples])
        if config.unsupervised_from is not None and number >= config.unsupervised_from:
            labels = torch.full_like(labels, -100)
        images = [image for _, _, image in samples if image is not None]
        bad = config.bad_every is not None and number % config.bad_every == 0
        return TinyBatch(
            after=Position(number + 1),
            names=tuple(f"{source}:{index}" for index in numbers),
            sources=tuple("book" if index % 2 == 0 else "web" for index in numbers),
            skipped=(Skipped(f"{source}:bad-{number}", "not an image"),) if bad else (),
            input_ids=torch.stack([ids for ids, _, _ in samples]),
            labels=labels,
            with_image=torch.tensor([row for row, sample in enumerate(samples) if sample[2] is not None]).long(),
            images=torch.stack(images) if images else torch.empty(0, WIDTH),
        )

    def example_batch(self, run: RunConfig) -> TinyBatch:
        return self._batch(0, "example", run.seed)

    def counts(self, batch: TinyBatch) -> Mapping[str, int]:
        return {"lm": int((batch.labels[:, 1:] != -100).sum()), "regression": len(batch.images)}

    def amounts(self, batch: TinyBatch) -> Amounts:
        return Amounts(tokens=batch.input_ids.numel(), images=len(batch.images))

    def losses(self, model: nn.Module, batch: TinyBatch, generator: torch.Generator) -> Sequence[Loss]:
        number = batch.after.batch - 1
        sys.audit("tiny_stage.losses", number)
        if number == self.config.out_of_memory_at:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 is full.")
        logits, predicted = model(batch.input_ids, batch.with_image)
        each = F.cross_entropy(logits[:, :-1].flatten(0, 1), batch.labels[:, 1:].flatten(), reduction="none")
        if number == self.config.nan_at:
            each = each * float("nan")
        each = each.view(len(batch.names), -1).sum(1)
        losses = []
        for source in sorted(set(batch.sources)):
            rows = [row for row, name in enumerate(batch.sources) if name == source]
            count = int((batch.labels[rows, 1:] != -100).sum())
            losses.append(Loss("lm", source, each[rows].sum(), count))
        if predicted is not None:
            targets = batch.images + self.config.noise * torch.randn(batch.images.shape, generator=generator)
            total = F.mse_loss(predicted, targets, reduction="none").mean(1).sum()
            losses.append(Loss("regression", "book", total, len(targets), weight=6.0))
        return losses

    def sample_sheet(self, model: nn.Module, batch: TinyBatch, path: Path, seed: int) -> None:  # noqa: ARG002
        """Run parts of the model on their own, as a generation loop does."""
        assert isinstance(model, TinyModel)
        with model.autocast():
            hidden = model.llm(input_ids=batch.input_ids, use_cache=False).last_hidden_state
            pixels = model.image_head(hidden[:, -1]).sigmoid().mul(255).byte()
        Image.fromarray(pixels.numpy()).save(path)

    def export(self, model: nn.Module, directory: Path) -> None:
        save_file({name: p.detach().clone() for name, p in model.named_parameters()}, directory / "model.safetensors")


class TinyStageConfig(StageConfig):
    batch_size: int = 2
    dropout: float = 0.1
    noise: float = 0.1
    initial: Path | None = None
    """A checkpoint directory that only its hash is read of."""
    nan_at: int | None = None
    """Number of a batch, as in the fields that follow."""
    out_of_memory_at: int | None = None
    unsupervised_from: int | None = None
    bad_every: int | None = None

    def build(self) -> TinyStage:
        if self.batch_size < 1:
            raise ConfigError(f"stage.batch_size is {self.batch_size}; use 1 or more")
        return TinyStage(self)


def tiny_recipe(*, stage: TinyStageConfig | None = None, **settings: Any) -> RecipeConfig:
    """Return a recipe of six updates of two batches; settings go to the optimizer or to the run, by their name."""
    optimizer: dict[str, Any] = {"steps": 6, "learning_rate": 1e-2, "warmup_steps": 2, "ema_decay": 0.8}
    run: dict[str, Any] = {"device": "cpu", "batches_per_update": 2, "save_every": 2, "log_every": 2}
    run |= {"evaluate_every": 3, "evaluation_batches": 3}
    for name, value in settings.items():
        (optimizer if name in OptimizerConfig.model_fields else run)[name] = value
    return RecipeConfig(
        name="tiny",
        stage=stage or TinyStageConfig(),
        sources=(SourceConfig(name="train", format="text", path=Path("train"), weight=1),),
        held_out=(SourceConfig(name="held-out", format="text", path=Path("held-out"), weight=1),),
        optimizer=OptimizerConfig.model_validate(optimizer),
        run=RunConfig.model_validate(run),
    )


def _sample(index: int, seed: int) -> tuple[Tensor, Tensor, Tensor | None]:
    generator = torch.Generator().manual_seed(1000 * seed + index)
    first = int(torch.randint(VOCABULARY, (), generator=generator))
    ids = (first + 3 * torch.arange(LENGTH)) % VOCABULARY  # each id follows from the one before
    labels = ids.clone()
    labels[: int(torch.randint(1, LENGTH - 1, (), generator=generator))] = -100
    return ids, labels, torch.randn(WIDTH, generator=generator) if index % 2 == 0 else None
