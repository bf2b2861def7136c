"""Edits: an image, an instruction and the image after it, once or several times in a row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from seedx_finetune.data.documents import Document, DrawImage, Draws, ReadImage
from seedx_finetune.data.formats.base import BadRecord, Filtered, Record, Row, image_from_row, image_to_row
from seedx_finetune.data.formats.records import (
    IMAGE,
    OPTIONS,
    Fields,
    Grids,
    JsonLine,
    SizeFilter,
    Words,
    attempt,
    json_lines,
    open_reference,
    parse,
    with_images,
)
from seedx_finetune.data.formats.requests import EDIT_REPLIES
from seedx_finetune.errors import DataError
from seedx_sdk import prompts
from seedx_sdk.model.grids import EDIT_GRIDS

__all__ = ["Edits"]


class Turn(Fields):
    """One edit of a session, in the form of MagicBrush's edit_sessions.json."""

    input: str
    output: str
    instruction: Words


class EditRecord(Fields):
    """A line of the file: one edit, or a session of several."""

    source_image: str | None = None
    target_image: str | None = None
    instruction: Words | None = None
    instruction_new: Words | None = None
    """With `response`: what stands in the place of `instruction`."""
    response: Words | None = None
    turns: tuple[Turn, ...] | None = None


@dataclass(frozen=True, kw_only=True, config=OPTIONS)
class Edits(SizeFilter):
    """Edits of an image.

    SEED-Data-Edit (CC BY-NC 4.0) and its kind have a line for an edit: {"source_image": "a.jpg", "target_image":
    "b.jpg", "instruction": "..."}, and perhaps "instruction_new" and "response", which then stand in the place of the
    instruction and of a polite reply. Sessions of several edits are {"turns": [{"input": "a.png", "output": "b.png",
    "instruction": "..."}, ...]}, as in the sessions of MagicBrush (CC BY 4.0); each begins with the image that the one
    before ended with.

    The image comes before or after the instruction, each with probability 1/2. Supervised: the reply and `<img>`.
    """

    name: ClassVar[str] = "edits"

    images: str = ""
    """Directory of the images, relative to that of the JSONL file."""
    grids: Grids = EDIT_GRIDS
    """Source: configs/data of the reference."""
    polite: bool = True
    """Whether a reply comes before the image; use_polite_response of the reference."""
    replies: Annotated[tuple[Words, ...], Field(min_length=1)] = EDIT_REPLIES
    """Where a record has none of its own."""
    drop_instruction: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Probability that the instruction is left empty; prompt_drop_ratio of the reference."""

    def scan(self, path: Path) -> Iterator[Record | BadRecord | Filtered]:
        """Read every line of the JSONL files at a path."""
        for line in json_lines(path):
            yield attempt(line.name, self._row, line)

    def _row(self, line: JsonLine) -> Row:
        files, turns = _session(parse(EditRecord, line.text))
        images = [open_reference(line.directory / self.images / name.lstrip("/"), name) for name in files]
        self.check_size(images[0])
        return {"images": [image_to_row(image) for image in images], "turns": turns}

    def document(self, row: Row, draws: Draws) -> Document:
        """Return the session; draws for each turn its reply, if it has none, a dropped instruction, and the place.

        The replies and the rest are drawn even where nothing depends on them, as in the reference.
        """
        images = [image_from_row(image) for image in row["images"]]
        document: Document = ()
        for turn, source, target in zip(row["turns"], images, images[1:], strict=False):
            reply = turn["response"] if turn["response"] is not None else draws.choice(self.replies)
            instruction = "" if draws.uniform() < self.drop_instruction else turn["instruction"]
            asked = IMAGE + instruction if draws.uniform() < 0.5 else instruction + IMAGE
            request = prompts.later(asked) if document else prompts.instruct(asked)
            document += with_images(request, ReadImage(source, self.grids))
            answer = f"{reply if self.polite else ''}{IMAGE}"
            document += with_images(answer, DrawImage(target, condition=source), learn=True)
        return document


def _session(record: EditRecord) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the files of the images, and the turns that lead from each to the next."""
    if record.turns is not None:
        return _chain(record.turns)
    fields = {"source_image": record.source_image, "target_image": record.target_image}
    missing = [name for name, value in fields.items() if not value]
    if missing or record.source_image is None or record.target_image is None:
        raise DataError(f'{" and ".join(missing)}: missing; a line has these, or "turns"')
    if record.instruction_new is not None and record.response is not None:
        turn: dict[str, Any] = {"instruction": record.instruction_new, "response": record.response}
    else:
        turn = {"instruction": record.instruction or "", "response": None}
    if not turn["instruction"]:
        raise DataError("instruction: missing or empty")
    return [record.source_image, record.target_image], [turn]


def _chain(turns: tuple[Turn, ...]) -> tuple[list[str], list[dict[str, Any]]]:
    if not turns:
        raise DataError("turns: there is none")
    for number, (one, following) in enumerate(zip(turns, turns[1:], strict=False), start=1):
        if following.input != one.output:
            raise DataError(f"turns.{number}.input: {following.input!r} is not the output of the turn before")
    for number, turn in enumerate(turns):
        if not turn.instruction.strip():
            raise DataError(f"turns.{number}.instruction: it is empty")
    files = [turns[0].input, *(turn.output for turn in turns)]
    return files, [{"instruction": turn.instruction, "response": None} for turn in turns]
