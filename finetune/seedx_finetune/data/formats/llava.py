"""Conversations about an image or about none: LLaVA's records as JSONL, those of LLaVAR too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic.dataclasses import dataclass

from seedx_finetune.data.documents import Document, Draws, ReadImage, Text
from seedx_finetune.data.formats.base import BadRecord, Filtered, Record, Row, image_from_row, image_to_row
from seedx_finetune.data.formats.records import (
    IMAGE,
    OPTIONS,
    Fields,
    Grids,
    JsonLine,
    Words,
    attempt,
    json_lines,
    open_reference,
    parse,
    with_images,
)
from seedx_finetune.errors import DataError
from seedx_sdk import prompts
from seedx_sdk.model.grids import READ_GRIDS

__all__ = ["Llava", "Ocr"]

_NO_IMAGE = ("", "none", "null")
"""What records without an image write in its place. Source: sft_clm.py."""
_PLACEHOLDER = "<image>"


class Message(Fields):
    """A message in the form that LLaVA publishes."""

    from_: Literal["human", "gpt"]
    value: Words

    model_config = Fields.model_config | {"alias_generator": lambda name: name.rstrip("_")}


class LlavaRecord(Fields):
    """A line of the file."""

    image: str | None = None
    """Path, relative to `images`."""
    data: tuple[Words, ...] | None = None
    """User and assistant in turn: the form of the reference."""
    conversations: tuple[Message, ...] | None = None
    """The same in LLaVA's own form; `<image>` in it is dropped."""


@dataclass(frozen=True, kw_only=True, config=OPTIONS)
class Llava:
    """Conversations with an image, or with none.

    The reference's lines are {"image": "a.jpg", "data": [user, assistant, user, ...]}; lines in LLaVA's own form,
    {"image": "a.jpg", "conversations": [{"from": "human", "value": "<image>..."}, ...]}, are read too. The image comes
    before or after the first text of the user, each with probability 1/2. Supervised: what the assistant says.

    LLaVA-Instruct-150K is under CC BY 4.0, and its use is bound to OpenAI's terms; its images (COCO) have terms of
    their own.
    """

    name: ClassVar[str] = "llava"
    needs_image: ClassVar[bool] = False

    images: str = ""
    """Directory of the images, relative to that of the JSONL file."""
    grids: Grids = READ_GRIDS
    """Source: configs/data of the reference."""
    system_prompt: Words = ""
    """Stands before the first turn, on a line of its own; not supervised."""

    def scan(self, path: Path) -> Iterator[Record | BadRecord | Filtered]:
        """Read every line of the JSONL files at a path."""
        for line in json_lines(path):
            yield attempt(line.name, self._row, line)

    def _row(self, line: JsonLine) -> Row:
        record = parse(LlavaRecord, line.text)
        turns = _turns(record)
        name = None if record.image in _NO_IMAGE else record.image
        if self.needs_image and name is None:
            raise DataError("image: missing; every record of this format has one")
        if name is None:
            return {"images": [], "turns": turns}
        image = open_reference(line.directory / self.images / name.lstrip("/"), name)
        return {"images": [image_to_row(image)], "turns": turns}

    def document(self, row: Row, draws: Draws) -> Document:
        """Return the conversation; draws the place of the image (drawn without an image too, as in the reference)."""
        first, *rest = row["turns"]
        before = draws.uniform() < 0.5
        images = [ReadImage(image_from_row(image), self.grids) for image in row["images"]]
        place = IMAGE * len(images)
        request = prompts.instruct(place + first if before else first + place)
        document = with_images(request, *images)
        if self.system_prompt:
            document = (Text(self.system_prompt.removesuffix("\n") + "\n"), *document)
        for number, text in enumerate(rest):
            document += (Text(prompts.later(text)) if number % 2 else Text(text, learn=True),)
        return document


@dataclass(frozen=True, kw_only=True, config=OPTIONS)
class Ocr(Llava):
    """Conversations about text in images: LLaVAR, which is in LLaVA's form. Every record must have an image.

    LLaVAR is under CC BY-NC 4.0; its images (LAION) have terms of their own.
    """

    name: ClassVar[str] = "ocr"
    needs_image: ClassVar[bool] = True


def _turns(record: LlavaRecord) -> list[str]:
    if (record.data is None) == (record.conversations is None):
        raise DataError('the record must have either "data" or "conversations"')
    if record.data is not None:
        turns = list(record.data)
    else:
        messages = record.conversations or ()
        for number, message in enumerate(messages):
            if message.from_ != ("human", "gpt")[number % 2]:
                raise DataError(f"conversations.{number}: human and gpt must speak in turn, human first")
        turns = [message.value.replace(_PLACEHOLDER, "").strip() for message in messages]
    if not turns or len(turns) % 2:
        raise DataError(
            f"the conversation has {len(turns)} turns; user and assistant must speak in turn, and both at all"
        )
    for number, text in enumerate(turns):
        if not text.strip() and (number or record.image in (None, *_NO_IMAGE)):
            raise DataError(f"turn {number} is empty")
    return turns
