from __future__ import annotations

import re
from pathlib import Path

import pytest

from seedx_finetune.cli.settings import make_recipe
from seedx_finetune.errors import ConfigError
from seedx_finetune.training.recipe import RecipeConfig
from tests.support.tiny_command import tiny
from tests.support.tiny_stage import TinyStageConfig


def made(*settings: str) -> RecipeConfig:
    return make_recipe({"tiny": tiny}, "tiny", ["data=captions.jsonl", *settings])


def test_arguments_of_the_recipe_and_fields_of_its_result_are_set() -> None:
    recipe = made(
        "size=large",
        "batch_size=4",
        "optimizer.steps=100",
        "optimizer.betas=[0.8, 0.9]",
        "optimizer.ema_decay=null",
        "run.dtype=bfloat16",
        "run.compile=true",
        "sources.train.weight=2",
        'sources.train.options.grids=["1x2"]',
        "sources.train.name=7",
        "held_out.held-out.path=/data/7",
        "stage.noise=1e-2",
    )
    assert recipe.sources[0].model_dump() == {
        "name": "7",
        "format": "text",
        "path": Path("captions.jsonl"),
        "weight": 2.0,
        "options": {"grids": ["1x2"]},
    }
    assert recipe.held_out[0].path == Path("/data/7")
    assert isinstance(recipe.stage, TinyStageConfig)
    assert (recipe.stage.batch_size, recipe.stage.noise) == (4, 0.01)
    optimizer = recipe.optimizer
    assert (optimizer.learning_rate, optimizer.steps, optimizer.betas) == (0.001, 100, (0.8, 0.9))
    assert optimizer.ema_decay is None
    assert (recipe.run.dtype, recipe.run.compile) == ("bfloat16", True)
    assert recipe.run.batches_per_update == 2


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("optimizer.steps", "'optimizer.steps' is no setting; write FIELD=VALUE"),
        ("optimizer.stepps=3", "--set optimizer.stepps: there is no 'stepps'; use one of steps, learning_rate, betas"),
        (
            "optimiser.steps=3",
            "there is no 'optimiser'; use one of name, stage, sources, held_out, general, book, optimizer, run",
        ),
        ("optimizer.steps=0", "--set optimizer.steps=0: steps: Input should be greater than 0"),
        ("optimizer.steps=many", "steps: Input should be a valid integer"),
        ("optimizer.schedule=cosin", "Input should be 'cosine', 'linear', 'constant' or 'constant_with_warmup'"),
        ("optimizer.betas.0.x=1", "there is nothing below a value of 0.9 that 'x' could name"),
        ("sources.web.weight=1", "--set sources.web.weight: there is no 'web'; use one of train"),
        ("size=huge", "--set size=huge: Input should be 'small' or 'large'"),
        ("stage.batch_size=[1]", "batch_size: Input should be a valid integer"),
    ],
)
def test_a_mistake_names_the_field_and_what_is_allowed(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        made(setting)


def test_a_missing_argument_and_an_unknown_recipe_are_named() -> None:
    with pytest.raises(ConfigError, match="recipe 'tiny' needs data; give --set data=VALUE"):
        make_recipe({"tiny": tiny}, "tiny")
    with pytest.raises(ConfigError, match="there is no recipe 'big'; use one of tiny"):
        make_recipe({"tiny": tiny}, "big")
