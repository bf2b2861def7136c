"""Plain text: JSONL with one text a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic.dataclasses import dataclass

from seedx_finetune.data.documents import Document, Draws, Text
from seedx_finetune.data.formats.base import BadRecord, Filtered, Record, Row
from seedx_finetune.data.formats.records import OPTIONS, Fields, Words, attempt, json_lines, parse
from seedx_finetune.errors import DataError

__all__ = ["PlainText"]


class TextRecord(Fields):
    """A line of the file."""

    text: Words


@dataclass(frozen=True, kw_only=True, config=OPTIONS)
class PlainText:
    """Texts, such as those of Wikipedia (CC BY-SA 4.0): {"text": "..."}. All of it is supervised."""

    name: ClassVar[str] = "text"

    def scan(self, path: Path) -> Iterator[Record | BadRecord | Filtered]:
        """Read every line of the JSONL files at a path."""
        for line in json_lines(path):
            yield attempt(line.name, self._row, line.text)

    def _row(self, line: bytes) -> Row:
        text = parse(TextRecord, line).text
        if not text.strip():
            raise DataError("text: it is empty")
        return {"text": text}

    def document(self, row: Row, draws: Draws) -> Document:  # noqa: ARG002 -- nothing is left to chance
        """Return the text."""
        return (Text(row["text"], learn=True),)
