from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from seedx_finetune.data.features import FeatureStore


def test_features_come_back_for_their_encoder_alone(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, "one")
    features = torch.randn(256, 8, generator=torch.Generator().manual_seed(0)).bfloat16()
    assert store.get("ab-32") is None
    store.put("ab-32", features)
    found = store.get("ab-32")
    assert found is not None
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, features)
    assert FeatureStore(tmp_path, "other").get("ab-32") is None


def test_all_cells_or_none(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, "one")
    store.put("a", torch.zeros(4, 2))
    assert store.get_all(["a", "b"]) is None
    store.put("b", torch.ones(4, 2))
    assert {key: float(value.sum()) for key, value in (store.get_all(["a", "b"]) or {}).items()} == {"a": 0.0, "b": 8.0}


def test_several_may_write_the_same_cell(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, "one")
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda _: store.put("a", torch.full((64, 64), 3.0)), range(40)))
    found = store.get("a")
    assert found is not None
    assert torch.equal(found, torch.full((64, 64), 3.0))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.safetensors"]


def test_a_damaged_file_is_named_and_computed_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = FeatureStore(tmp_path, "one")
    store.put("a", torch.zeros(4, 2))
    (file,) = tmp_path.rglob("a.safetensors")
    file.write_bytes(file.read_bytes()[:-5])
    with caplog.at_level(logging.WARNING):
        assert store.get("a") is None
    assert str(file) in caplog.text
    store.put("a", torch.ones(4, 2))
    assert store.get("a") is not None
