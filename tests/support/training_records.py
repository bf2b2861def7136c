"""Records of training data as files, scripted random choices, and what a sample teaches."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from seedx_finetune.data.documents import Document, DrawImage, ReadImage, Text
from seedx_finetune.data.examples import IGNORE, encode
from seedx_finetune.data.formats.base import BadRecord, Filtered, Format, Record, Row
from seedx_sdk.model.tokenizer import Tokenizer

T = TypeVar("T")
TOKENIZER = Path(__file__).parents[1] / "parity" / "golden" / "tokenizer"


class Script:
    """Random choices that a test has written down, in order: numbers, and indices of options."""

    def __init__(self, *values: float) -> None:
        self.values = list(values)

    def uniform(self) -> float:
        return float(self.values.pop(0))

    def choice(self, options: Sequence[T]) -> T:
        return options[int(self.values.pop(0))]

    def randint(self, low: int, high: int) -> int:
        value = int(self.values.pop(0))
        assert low <= value <= high
        return value


def image_bytes(width: int = 448, height: int = 448, kind: str = "JPEG") -> bytes:
    """Return a plain image as the bytes of a file."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (200, 40, 40)).save(buffer, kind)
    return buffer.getvalue()


def write(path: Path, data: bytes | str) -> Path:
    """Write a file, with its directory, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def write_lines(path: Path, *records: Mapping[str, Any] | str) -> Path:
    """Write a JSONL file; a text is a line as it stands."""
    return write(path, "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in records))


def write_tar(path: Path, files: Mapping[str, bytes | str]) -> Path:
    """Write a tar file."""
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            content = data if isinstance(data, bytes) else data.encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def rows(format_: Format, path: Path) -> list[Row]:
    """Return the rows of a path that has no bad record."""
    found = list(format_.scan(path))
    assert [outcome for outcome in found if not isinstance(outcome, Record)] == []
    return [outcome.row for outcome in found if isinstance(outcome, Record)]


def faults(format_: Format, path: Path) -> list[tuple[str, str]]:
    """Return the name and the reason of each bad record of a path that has no good one."""
    found = list(format_.scan(path))
    assert [outcome for outcome in found if not isinstance(outcome, BadRecord)] == []
    return [(outcome.name, outcome.reason) for outcome in found if isinstance(outcome, BadRecord)]


def left_out(format_: Format, path: Path) -> list[tuple[str, str]]:
    """Return the name and the rule of each record that the options leave out."""
    return [(outcome.name, outcome.reason) for outcome in format_.scan(path) if isinstance(outcome, Filtered)]


def transcript(document: Document) -> list[str]:
    """Return a document as texts: those to learn begin with "+", images are <NAME> if read and +<NAME> if drawn."""
    lines = []
    for part in document:
        match part:
            case Text(text, learn):
                lines.append(f"{'+' if learn else ''}{text}")
            case ReadImage(image):
                lines.append(f"<{image.name}>")
            case DrawImage(image):
                lines.append(f"+<{image.name}>")
    return lines


def answers(document: Document) -> list[str]:
    """Return what is supervised before the end token, decoded: each run of tokens in one text."""
    names = Tokenizer.from_pretrained(TOKENIZER)
    labels = encode(document, names, name="", source="").labels
    assert labels.pop() == names.eos_id
    runs = groupby(labels, key=lambda label: label != IGNORE)
    return [names.decode(list(run)) for supervised, run in runs if supervised]
