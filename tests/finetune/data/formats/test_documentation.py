"""docs/data_formats.md describes every format, and its examples are records that the formats take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from seedx_finetune.data.formats import FORMATS, make_format
from tests.support.training_records import image_bytes, rows, write

PAGE = Path(__file__).parents[4] / "docs" / "data_formats.md"
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))
EXAMPLES = {name: "".join(re.findall(r"^```json\n(.*?)^```", text, re.M | re.S)) for name, text in SECTIONS.items()}


def names_of_images(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.endswith((".jpg", ".png")):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from names_of_images(inner)


def test_every_format_has_a_section_that_names_its_options() -> None:
    assert sorted(SECTIONS) == sorted(set(FORMATS) - {"notes"})
    for name, text in SECTIONS.items():
        assert re.search("license|CC BY", text, re.IGNORECASE), name
        made: Any = make_format(name, {})
        assert {field.name for field in fields(made)} - set(re.findall(r"`(\w+)`", text)) == set(), name


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - {"captions", "grounded_captions", "slides", "try_on"}))
def test_the_lines_of_an_example_are_records(name: str, tmp_path: Path) -> None:
    write(tmp_path / "example.jsonl", EXAMPLES[name])
    lines = [json.loads(line) for line in EXAMPLES[name].splitlines()]
    for image in names_of_images(lines):
        write(tmp_path / image, image_bytes(kind="PNG" if image.endswith("png") else "JPEG"))
    assert len(rows(make_format(name, {}), tmp_path)) == len(lines) > 0
