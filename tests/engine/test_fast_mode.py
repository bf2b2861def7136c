"""What config.json says of the fast mode, and that the shipped model's claim was measured."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from seedx_sdk.checkpoints.config import FastSampling
from seedx_sdk.checkpoints.directory import DirectoryConfig
from seedx_sdk.engine import NANO

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config() -> DirectoryConfig:
    return DirectoryConfig.read(NANO)


def test_a_config_with_and_without_a_fast_mode_is_read(config: DirectoryConfig, tmp_path: Path) -> None:
    fast = FastSampling(solver="unipc", num_inference_steps=6, revision=config.revision)
    for generation in (
        dataclasses.replace(config.generation, fast=fast),
        dataclasses.replace(config.generation, fast=None),
    ):
        written = dataclasses.replace(config, generation=generation)
        (tmp_path / "config.json").write_text(json.dumps(written.to_dict()))
        assert DirectoryConfig.read(tmp_path) == written
    old = json.loads((tmp_path / "config.json").read_text())
    del old["generation"]["fast"]
    (tmp_path / "config.json").write_text(json.dumps(old))
    assert DirectoryConfig.read(tmp_path).fast is None


def test_a_fast_mode_counts_only_for_the_weights_that_it_was_measured_on(config: DirectoryConfig) -> None:
    for revision in (config.revision, "0"):
        fast = FastSampling(solver="dpmsolver++", num_inference_steps=6, revision=revision)
        changed = dataclasses.replace(config, generation=dataclasses.replace(config.generation, fast=fast))
        assert changed.fast == (fast if revision == config.revision else None)


def test_an_unknown_solver_is_refused() -> None:
    with pytest.raises(ValueError, match="use one of"):
        FastSampling(solver="heun", num_inference_steps=6, revision="0")  # type: ignore[arg-type]


def test_the_shipped_fast_mode_has_passed_its_gate(config: DirectoryConfig) -> None:
    runs = json.loads((ROOT / "benchmarks" / "fast_mode_nano.json").read_text())
    passed = [
        FastSampling(solver=run["solver"], num_inference_steps=run["steps"], revision=run["revision"])
        for run in runs
        if run["passed"] and run["model"] == config.name
    ]
    assert config.generation.fast is None or config.fast in passed
