"""The recipes of the de-tokenizer: the numbers of the full ones, and the first losses of their debug twins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from seedx_finetune.data.check import check_source
from seedx_finetune.data.export_book import export_book
from seedx_finetune.data.formats import make_format
from seedx_finetune.recipes import RECIPES
from seedx_finetune.stages.denoising import DenoisingConfig
from seedx_finetune.training.checkpoints import load_tensors
from seedx_finetune.training.config import RecipeConfig
from seedx_finetune.training.loop import train
from seedx_sdk.engine import NANO
from seedx_sdk.model.detokenizer import Detokenizer
from seedx_sdk.model.tokenizer import Tokenizer

FULL = ("detokenizer_1", "detokenizer_2", "adapt_detokenizer")
LOSSES = {
    "detokenizer_1_debug": [1.034843, 1.278260],
    "detokenizer_2_debug": [0.765020, 0.551536],
    "adapt_detokenizer_debug": [1.269854, 1.189112],
}
"""Of the first two updates, as they were when the recipes were written."""


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("books") / "book"
    export_book(directory, n=6, seed=0)
    return directory


def _indexed(recipe: RecipeConfig) -> RecipeConfig:
    tokenizer = Tokenizer.from_pretrained(NANO / "llm")
    for source in recipe.sources + recipe.held_out:
        report = check_source(
            source.path,
            make_format(source.format, source.options),
            tokenizer,
            cell=128,
            num_tokens=64,
            on_bad=lambda bad: pytest.fail(f"{bad.name}: {bad.reason}"),
        )
        assert report.samples
    return recipe


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
    recipe = _indexed(RECIPES[name](book=book))
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
