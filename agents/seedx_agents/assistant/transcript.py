"""A conversation on disk: transcript.json, messages.jsonl, and one PNG per image, named by the hash of its bytes.

Messages and images are only added. transcript.json says how much of messages.jsonl belongs to the conversation; it is
written last, and completely or not at all, so a folder always holds a complete conversation: the one saved before or
the new one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from langchain_core.messages import BaseMessage, message_to_dict, messages_from_dict
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_jsonable_python

from seedx_agents.assistant.image_memory import ImageMemory, image_names
from seedx_agents.assistant.turn import Budget
from seedx_sdk.errors import ImageError, InputError, OutputPathError
from seedx_sdk.files import check_output_path, write_file
from seedx_sdk.imaging import open_image, to_png
from seedx_tools.faults import explain

FILE, MESSAGES = "transcript.json", "messages.jsonl"
MAX_BYTES = 256 * 1024 * 1024
"""A longer file of text is rejected: text and image names never come near it."""
_BYTES = "$bytes"
"""Key of an object that stands for bytes in base64."""

_Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Options(_Model):
    """The options of an assistant that a conversation keeps."""

    instructions: str | None
    tools: tuple[str, ...]
    own_tools: tuple[str, ...]
    """Names of the developer's tools."""
    approved: bool
    """Whether an approver decided on calls."""
    history: int | None
    budget: Budget
    seed: int
    num_inference_steps: int | None
    show_images: bool

    def with_given(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return all options, those that are given again instead of the saved ones.

        Raises:
            InputError: If one that cannot be saved is not given again.
        """
        if self.own_tools and "tools" not in given:
            tools = ", ".join([*map(repr, self.tools), *self.own_tools])
            raise InputError(f"this conversation has tools of yours, which cannot be saved; pass tools=[{tools}]")
        if self.approved and "approve" not in given:
            raise InputError(
                "an approver decided on the calls of this conversation; pass approve= again, or approve=None to go on "
                "without one"
            )
        return {**self.model_dump(exclude={"own_tools", "approved", "budget"}), "budget": self.budget, **given}


class _Head(_Model):
    format: Literal[2] = 2
    options: Options
    num_bytes: int = Field(ge=0)
    """How much of messages.jsonl belongs to the conversation."""
    images: dict[str, _Hash]
    """Names that tools use, each with the SHA-256 of its PNG file."""
    called: dict[str, str]
    """The user's names, each with the name that tools use."""


@dataclass(frozen=True)
class Transcript:
    """A saved conversation."""

    options: Options
    messages: list[BaseMessage]
    images: Mapping[str, Image.Image]
    hashes: dict[str, str]
    """The SHA-256 of the PNG file of each image."""
    called: Mapping[str, str]

    def restore(self, memory: ImageMemory) -> None:
        """Put the images into a memory under their old names.

        Raises:
            InputError: If a name has another image there.
        """
        missing = {}
        for name, image in self.images.items():
            if name not in memory.images:
                missing[name] = image
            elif memory.images[name] != image:
                raise InputError(f"the given images have another {name}; give the store of this conversation, or none")
        try:
            memory.images.restore(missing)
        except ImageError as error:
            raise InputError(f"the images cannot be restored: {error}") from error
        memory.images.take(name for message in self.messages for name in image_names(message))
        for label, name in self.called.items():
            if name in memory.images:
                memory.images.add(memory.images[name], label=label)


def save_transcript(
    folder: str | os.PathLike[str],
    messages: Sequence[BaseMessage],
    memory: ImageMemory,
    options: Options,
    hashes: dict[str, str],
) -> Path:
    """Write what is new of a conversation into a folder, which is made if it is not there, and return the folder.

    Args:
        folder: Empty, or with an earlier state of the same conversation.
        messages: The whole conversation.
        memory: Its images.
        options: Its options.
        hashes: Of the images that were saved or loaded before; those of new images are added.

    Raises:
        OutputPathError: If it cannot be written there, or the folder holds something else.
    """
    target = Path(folder)
    try:
        before = _begin(target, options)
        data = b"".join(map(_line, messages))
        saved = _read(target / MESSAGES, before.num_bytes) if before.num_bytes else b""
        files = dict(_new_files(target, memory, hashes))
        changed = any(hashes.get(name, digest) != digest for name, digest in before.images.items())
        if changed or not data.startswith(saved):
            raise OutputPathError(f"the folder '{target}' holds another conversation; choose a new one")
        for path, png in files.items():
            write_file(path, png)
        with (target / MESSAGES).open("ab") as file:
            file.truncate(len(saved))
            file.write(data[len(saved) :])
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputPathError(f"cannot write into '{target}' ({error.strerror}); choose another folder") from error
    images = before.images | {name: hashes[name] for name in memory.images}
    called = {label: name for label, name in memory.called.items() if name in images}
    head = _Head(options=options, num_bytes=len(data), images=images, called=called)
    write_file(target / FILE, head.model_dump_json(indent=1).encode())
    return target


def load_transcript(folder: str | os.PathLike[str]) -> Transcript:
    """Return a saved conversation.

    Raises:
        InputError: If the folder holds no transcript, or a damaged one.
    """
    target = Path(folder)
    head = _read_head(target)
    path = target / MESSAGES
    try:
        lines = _read(path, head.num_bytes).splitlines() if head.num_bytes else []
        messages = messages_from_dict([_from_json(json.loads(line)) for line in lines])
        images = {name: _image(target, digest) for name, digest in head.images.items()}
    except OSError as error:
        raise InputError(f"cannot read '{path}' ({error.strerror}); give the folder that save() wrote") from error
    except (ImageError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"the conversation in '{target}' is damaged: {error}") from error
    return Transcript(head.options, messages, images, head.images, head.called)


def _new_files(target: Path, memory: ImageMemory, hashes: dict[str, str]) -> Iterator[tuple[Path, bytes]]:
    """Yield the image files that a folder does not have yet, and note their hashes."""
    for name in memory.images:
        if name not in hashes or not (target / f"{hashes[name]}.png").exists():
            png = to_png(memory.images[name])
            hashes[name] = hashlib.sha256(png).hexdigest()
            path = target / f"{hashes[name]}.png"
            if not path.exists():
                yield path, png


def _begin(target: Path, options: Options) -> _Head:
    """Return what a folder holds; a new one gets an empty conversation first."""
    if (target / FILE).exists():
        try:
            return _read_head(target)
        except InputError as error:
            raise OutputPathError(f"{error}; choose a new folder") from error
    if not target.exists():
        check_output_path(target).mkdir()
    elif target.is_dir() and any(target.iterdir()):
        raise OutputPathError(f"the folder '{target}' holds other files; choose a new one")
    empty = _Head(options=options, num_bytes=0, images={}, called={})
    write_file(target / FILE, empty.model_dump_json(indent=1).encode())
    return empty


def _read_head(target: Path) -> _Head:
    path = target / FILE
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read '{path}' ({error.strerror}); give the folder that save() wrote") from error
    if len(data) > MAX_BYTES:
        raise InputError(f"'{path}' is over {MAX_BYTES // 2**20} MiB; give the folder that save() wrote")
    try:
        return _Head.model_validate_json(data)
    except ValidationError as error:
        if any(fault["loc"] == ("format",) for fault in error.errors()):
            raise InputError(f"'{path}' was saved in another format, which this version does not read") from error
        raise InputError(f"'{path}' is not a transcript: {explain(error)[:300]}") from error


def _read(path: Path, num_bytes: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(min(num_bytes, MAX_BYTES))
    if len(data) != num_bytes:
        raise ValueError(f"'{path}' has {len(data)} bytes of {num_bytes}")
    return data


def _image(folder: Path, digest: str) -> Image.Image:
    file = folder / f"{digest}.png"
    image = open_image(file)  # checks the size before it decodes
    if hashlib.sha256(file.read_bytes()).hexdigest() != digest:
        raise ImageError(f"'{file}' is not the image that was saved")
    return image


def _line(message: BaseMessage) -> bytes:
    # with sorted keys, a message that was loaded is written as it was saved
    return json.dumps(_to_json(message_to_dict(message)), sort_keys=True).encode() + b"\n"


def _to_json(value: Any) -> Any:
    """Return a value of a message as JSON: bytes as an object, and keys like that object's with one more $."""
    if isinstance(value, bytes | bytearray):
        return {_BYTES: base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {f"${key}" if str(key).startswith("$") else str(key): _to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    return _to_json(to_jsonable_python(value, fallback=str, bytes_mode="base64"))


def _from_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_BYTES}:
        return base64.b64decode(value[_BYTES], validate=True)
    return {key[1:] if key.startswith("$") else key: _from_json(item) for key, item in value.items()}
