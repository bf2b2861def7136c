"""A few records in the formats of training data, indexed, in the shape of the originals and written for these tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seedx_finetune.data.check import check_source
from seedx_finetune.data.config import SourceConfig
from seedx_finetune.data.formats import make_format
from seedx_sdk.engine import NANO
from seedx_sdk.model.tokenizer import Tokenizer

CHAT = [
    {"image": "house.png", "data": ["What is this?", "A red house.", "Where is it?", "On the left."]},
    {"data": ["How many legs has a dog?", "A dog has four legs."]},
    {"image": "tree.png", "data": ["Describe the picture.", "A tree and the sun."]},
    {"data": ["Is the sun blue?", "No, it is yellow."]},
]
EDITS = [
    {"source_image": "house.png", "target_image": "tree.png", "instruction": "make the house a tree"},
    {"source_image": "tree.png", "target_image": "wide.png", "instruction": "remove the sun"},
]


def write_book(directory: Path, *, size: int = 64) -> None:
    """Write images and the records of two sources."""
    rng = np.random.default_rng(0)
    for name, width in (("house", size), ("tree", size), ("wide", 2 * size)):
        pixels = rng.integers(0, 256, (size, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(directory / f"{name}.png")
    for name, records in (("chat", CHAT), ("edits", EDITS)):
        text = "".join(json.dumps(record) + "\n" for record in records)
        (directory / f"{name}.jsonl").write_text(text, encoding="utf-8")


def indexed(name: str, format_name: str, path: Path, **options: Any) -> SourceConfig:
    """Return a source whose index is written."""
    report = check_source(
        path,
        make_format(format_name, options),
        Tokenizer.from_pretrained(NANO / "llm"),
        cell=64,
        num_tokens=64,
        on_bad=lambda bad: pytest.fail(f"{bad.name}: {bad.reason}"),
    )
    assert report.samples
    return SourceConfig(name=name, format=format_name, path=path, weight=1.0, options=options)
