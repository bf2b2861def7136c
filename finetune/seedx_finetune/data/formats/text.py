"""Plain text: JSONL with one text a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from seedx_finetune.data.documents import Document, Draws, Text
from seedx_finetune.data.formats.base import BadRecord, Filtered, Record, Row
from seedx_finetune.data.formats.records import OPTIONS, Fields, Words, json_lines, parse
from seedx_finetune.errors import DataError

__all__ = ["PlainText"]


class TextRecord(Fields):
    """A line of the file."""

    text: Words


@dataclass(frozen=True, kw_only=True, config=OPTIONS)
class PlainText:
    """Texts, such as those of Wikipedia (CC BY-SA 4.0): {"text": "..."}. All of it is supervised."""

    name: ClassVar[str] = "text"

    max_characters: Annotated[int, Field(ge=1)] = 8000
    """Longer texts are cut at the ends of lines into samples of so many characters at most; a longer line stays whole.
    Ours, about 2,000 tokens."""

    def scan(self, path: Path) -> Iterator[Record | BadRecord | Filtered]:
        """Read every line of the JSONL files at a path; a long text gives several records."""
        for line in json_lines(path):
            try:
                text = parse(TextRecord, line.text).text
            except DataError as error:
                yield BadRecord(line.name, str(error))
                continue
            parts = list(_parts(text, self.max_characters))
            if not parts:
                yield BadRecord(line.name, "text: it is empty")
            for number, part in enumerate(parts, start=1):
                yield Record(line.name if len(parts) == 1 else f"{line.name}[{number}/{len(parts)}]", {"text": part})

    def document(self, row: Row, draws: Draws) -> Document:  # noqa: ARG002 -- nothing is left to chance
        """Return the text."""
        return (Text(row["text"], learn=True),)


def _parts(text: str, limit: int) -> Iterator[str]:
    """Yield stretches of whole lines, none empty."""
    part = ""
    for line in text.splitlines(keepends=True):
        if part.strip() and len(part) + len(line) > limit:
            yield part.strip()
            part = ""
        part += line
    if part.strip():
        yield part.strip()
