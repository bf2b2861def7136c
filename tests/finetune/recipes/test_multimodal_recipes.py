"""The recipes of the language model are complete, and their debug twins compute what they once did."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from seedx_finetune.data.batches import Position
from seedx_finetune.data.check import check_source
from seedx_finetune.data.export_book import export_book
from seedx_finetune.data.formats import make_format
from seedx_finetune.recipes import RECIPES, multimodal
from seedx_finetune.stages.multimodal import MultimodalConfig
from seedx_finetune.training.recipe import RecipeConfig
from seedx_sdk.engine import NANO
from seedx_sdk.model.tokenizer import Tokenizer

NAMES = ("pretrain", "instruct", "edit", "slides", "story", "try_on")
FIRST_LOSSES = {
    "pretrain": {"lm": 10.879063},
    "instruct": {"lm": 6.730703, "regression": 0.025514},
    "edit": {"lm": 14.471169, "regression": 0.032831},
    "slides": {"lm": 10.822347, "regression": 0.247709},
    "story": {"lm": 11.201951, "regression": 0.030072},
    "try_on": {"lm": 6.004634, "regression": 0.075382},
}
"""Means of each term over the first row of a book of 8 records and seed 0, in float32 on a CPU."""


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("book") / "book"
    export_book(directory, 8, 0, size=128)
    return directory


def _check_sources(recipe: RecipeConfig) -> None:
    tokenizer = Tokenizer.from_pretrained(NANO / "llm")
    for source in (*recipe.sources, *recipe.held_out):
        reader = make_format(source.format, source.options)
        report = check_source(source.path, reader, tokenizer, cell=128, num_tokens=64, on_bad=lambda _: None)
        assert (report.bad, report.filtered.total()) == (0, 0)


@pytest.mark.parametrize("name", NAMES)
def test_debug_twins_begin_with_the_recorded_losses(name: str, book: Path) -> None:
    recipe = RECIPES[f"{name}_debug"](book=book)
    _check_sources(recipe)
    stage = recipe.stage.build()
    model = stage.model(torch.device("cpu"), torch.float32)
    batch = next(stage.batches(recipe.sources, recipe.run, start=Position(), rank=0, world=1))
    with torch.no_grad():
        losses = stage.losses(model.eval(), batch, torch.Generator().manual_seed(0))
    totals: dict[str, float] = {}
    for loss in losses:
        totals[loss.term] = totals.get(loss.term, 0.0) + float(loss.total)
    means = {term: total / stage.counts(batch)[term] for term, total in totals.items()}
    assert means == pytest.approx(FIRST_LOSSES[name], rel=2e-3)


def test_every_recipe_has_a_debug_twin_and_builds_without_files() -> None:
    for name in NAMES:
        recipe = RECIPES[name]()
        recipe.stage.build()
        assert recipe.name == name
        assert RECIPES[f"{name}_debug"](book=Path("nowhere")).name == f"{name}_debug"


def test_numbers_are_the_reference_s() -> None:
    recipe = multimodal.pretrain()
    stage = recipe.stage
    assert isinstance(stage, MultimodalConfig)
    assert stage.lora is not None
    assert (stage.lora.rank, stage.lora.alpha, stage.lora.dropout) == (32, 32, 0.05)
    assert (stage.lm_weight, stage.regression_weight, stage.result) == (1.0, 6.0, "merged")
    assert set(stage.parts) == {"embeddings", "norms", "resamplers", "patch_positions"}
    optimizer = multimodal.edit().optimizer
    assert (optimizer.steps, optimizer.learning_rate, optimizer.betas, optimizer.eps) == (
        20_000,
        1e-4,
        (0.9, 0.98),
        1e-6,
    )
    assert (optimizer.weight_decay, optimizer.clip, optimizer.warmup_steps, optimizer.min_lr_ratio) == (
        0.05,
        1,
        500,
        0.05,
    )
    for name in NAMES[1:]:
        stage = RECIPES[name]().stage
        assert isinstance(stage, MultimodalConfig)
        assert (stage.result, set(stage.parts)) == ("adapter", {"resamplers", "patch_positions"})


def test_ablations_are_arguments() -> None:
    stage = multimodal.pretrain_debug(num_tokens=16, output_depth=2, regress=False).stage
    assert isinstance(stage, MultimodalConfig)
    described = stage.initial.describe()
    assert described.num_tokens == 16
    assert described.config.lvlm.output_resampler.depth == 2
    assert stage.regression_weight == 0
