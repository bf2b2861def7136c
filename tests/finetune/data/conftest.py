"""Small sources in the format of tests/support/notes.py, checked and ready to train on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seedx_finetune.data.check import check_source
from seedx_finetune.data.config import SourceConfig
from seedx_finetune.data.formats import FORMATS, make_format
from seedx_sdk.engine import NANO
from seedx_sdk.model.tokenizer import Tokenizer
from tests.support.notes import CELL, TOKENS, Check, Line, Notes, Paint


@pytest.fixture(autouse=True)
def _notes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "notes", Notes)


@pytest.fixture(scope="session")
def words() -> Tokenizer:
    """The tokenizer of the shipped model."""
    return Tokenizer.from_pretrained(NANO / "llm")


@pytest.fixture
def paint(tmp_path: Path) -> Paint:
    """Write an image of noise into the folder of the sources, and return its name."""

    def write(name: str, width: int = 40, height: int = 30) -> str:
        rng = np.random.default_rng(len(name) * width + sum(map(ord, name)))
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(tmp_path / name)
        return name

    return write


@pytest.fixture
def source(tmp_path: Path, words: Tokenizer) -> Check:
    """Write the lines of a source, check it, and return its configuration."""

    def write(lines: Iterable[Line], name: str = "notes", weight: float = 1.0, **options: Any) -> SourceConfig:
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        reader = make_format("notes", options)
        check_source(path, reader, words, cell=CELL, num_tokens=TOKENS, on_bad=lambda bad: pytest.fail(str(bad)))
        return SourceConfig(name=name, format="notes", path=path, weight=weight, options=options)

    return write
