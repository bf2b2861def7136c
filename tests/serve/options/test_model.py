"""The model that is served, and its backend."""

from __future__ import annotations

from pathlib import Path

import pytest

from seedx_sdk.engine import NANO
from seedx_sdk.errors import InputError, MissingExtraError, WeightsMissingError
from seedx_sdk.serve.options.model import ModelArguments


def test_a_requested_vllm_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    for backbone in ("auto", "transformers"):
        assert ModelArguments(backbone=backbone).chosen_backbone("cpu") == "transformers"
    with pytest.raises(MissingExtraError, match=r"seedx-sdk\[vllm\]"):
        ModelArguments(backbone="vllm").chosen_backbone("cuda")


def test_the_checkpoint_directory_is_read_before_anything_starts(tmp_path: Path) -> None:
    assert ModelArguments().checkpoint_dir() == ModelArguments(model=Path("nano")).checkpoint_dir() == NANO
    with pytest.raises(WeightsMissingError, match=r"no config.json"):
        ModelArguments(model=tmp_path).checkpoint_dir()


def test_a_specialist_is_a_name_and_a_directory_with_an_adapter(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    assert ModelArguments(specialist=[f"edit2={tmp_path}"]).specialist_dirs() == {"edit2": tmp_path}
    for wrong in (f"={tmp_path}", str(tmp_path), f"edit2={tmp_path}/none"):
        with pytest.raises(InputError, match="NAME=DIR"):
            ModelArguments(specialist=[wrong]).specialist_dirs()
