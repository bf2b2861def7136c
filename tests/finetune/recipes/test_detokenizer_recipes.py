"""The recipes of the de-tokenizer: the numbers of the full ones, and the first losses of their debug twins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from seedx_finetune.data.export_book import export_book, prepare_book
from seedx_finetune.data.index import Source
from seedx_finetune.errors import DataError
from seedx_finetune.recipes import RECIPES
from seedx_finetune.stages.denoising import DenoisingConfig
from seedx_finetune.training.checkpoints import load_tensors
from seedx_finetune.training.loop import train
from seedx_finetune.training.recipe import RecipeConfig
from seedx_sdk.model.detokenizer import Detokenizer

FULL = ("detokenizer_1", "detokenizer_2", "adapt_detokenizer")
LOSSES = {
    "detokenizer_1_debug": [1.027599, 1.268236],
    "detokenizer_2_debug": [0.714690, 0.525784],
    "adapt_detokenizer_debug": [1.274234, 1.179190],
}
"""Of the first two updates, as they were when the recipes were written."""


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("books") / "book"
    export_book(directory, n=6, seed=0, size=128)
    return directory


@pytest.mark.parametrize(
    ("name", "steps", "condition", "trained"),
    [
        ("detokenizer_1", 42_000, False, "keys_values"),
        ("detokenizer_2", 30_000, True, "unet"),
        ("adapt_detokenizer", 1600, False, "keys_values"),
    ],
)
def test_full_recipes_have_the_numbers_of_their_sources(name: str, steps: int, condition: bool, trained: str) -> None:
    recipe = RECIPES[name]()
    optimizer, stage = recipe.optimizer, recipe.stage
    assert isinstance(stage, DenoisingConfig)
    assert (optimizer.steps, optimizer.learning_rate, optimizer.schedule) == (steps, 1e-4, "cosine")
    assert (stage.condition, stage.trained, stage.visual_tokens, stage.image_size) == (condition, trained, 64, 1024)
    assert recipe.run.batches_per_update == 32
    stage.build()  # without any file


@pytest.mark.parametrize("name", [*FULL, *LOSSES])
def test_a_recipe_survives_its_json(name: str) -> None:
    recipe = RECIPES[name]()
    assert recipe.name == name
    stage = type(recipe.stage).model_validate_json(json.dumps(recipe.to_dict()["stage"]))
    assert stage == recipe.stage


def test_ablations_are_arguments() -> None:
    stage = RECIPES["detokenizer_1"](visual_tokens=256, trained="unet", resampler_depth=1).stage
    assert isinstance(stage, DenoisingConfig) and stage.new_resampler is not None
    assert (stage.visual_tokens, stage.trained, stage.new_resampler.depth) == (256, "unet", 1)


@pytest.mark.parametrize("name", LOSSES)
def test_first_losses_of_debug_twins(name: str, book: Path, tmp_path: Path) -> None:
    recipe = RECIPES[name](book=book)
    losses: list[float] = []
    steps = {"optimizer": recipe.optimizer.model_copy(update={"steps": 2})}
    run = {"run": recipe.run.model_copy(update={"evaluation_batches": 0, "batches_per_update": 1})}
    result = train(recipe.model_copy(update=steps | run), tmp_path / "run", on_update=lambda u: losses.append(u.loss))
    assert losses == pytest.approx(LOSSES[name], rel=1e-3)  # other CPUs sum in another order
    part = "detokenizer" if name == "detokenizer_1_debug" else "detokenizer_edit"
    exported = Detokenizer.from_pretrained(result / part)
    saved = {f"{p}.{n}": v for p in ("unet", "resampler") for n, v in getattr(exported, p).state_dict().items()}
    average = {name: torch.empty_like(saved[name]) for name in _trained(recipe)}
    kept = "average" if recipe.optimizer.ema_decay else "weights"
    load_tensors(tmp_path / "run/checkpoints/00000002", {kept: average})
    assert all(torch.equal(saved[name], value) for name, value in average.items())


def _trained(recipe: RecipeConfig) -> list[str]:
    model = recipe.stage.build().model(torch.device("meta"), torch.float32)
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def test_a_book_that_is_missing_is_written_once(tmp_path: Path) -> None:
    recipe = RECIPES["detokenizer_2_debug"](book=tmp_path / "runs" / "book")
    sources = recipe.sources + recipe.held_out
    with pytest.raises(DataError, match="there is no"):
        Source(sources[0])
    prepare_book(recipe.book, sources)
    assert [len(Source(source)) for source in sources] == [24, 24, 6]
    assert recipe.book is not None
    before = {path: path.stat().st_mtime_ns for path in recipe.book.rglob("*")}
    prepare_book(recipe.book, sources)
    assert {path: path.stat().st_mtime_ns for path in recipe.book.rglob("*")} == before
    assert [path.name for path in recipe.book.parent.iterdir()] == ["book"]
