"""A conversation on disk: transcript.json, and one PNG per image, named by the hash of its bytes.

Each file is written completely or not at all, the JSON last; so a folder always holds a complete conversation, the one
saved before or the new one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from langchain_core.messages import BaseMessage, messages_from_dict, messages_to_dict
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seedx_agents.assistant.image_memory import ImageMemory
from seedx_sdk.errors import ImageError, InputError, OutputPathError
from seedx_sdk.files import check_output_path, write_file
from seedx_sdk.imaging import open_image, to_png
from seedx_tools.faults import explain

FILE = "transcript.json"
MAX_BYTES = 64 * 1024 * 1024
"""A longer transcript.json is rejected: text and image names never come near it."""

_Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Transcript(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    messages: list[dict[str, Any]]
    images: dict[str, _Hash]
    """Names that tools use, each with the SHA-256 of its PNG file."""
    called: dict[str, str]
    """The user's names, each with the name that tools use."""


def save_transcript(folder: str | os.PathLike[str], messages: Sequence[BaseMessage], memory: ImageMemory) -> Path:
    """Write a conversation into a folder, which is made if it is not there, and return the folder.

    Raises:
        OutputPathError: If it cannot be written there, or the folder holds something else.
    """
    target = Path(folder)
    try:
        if not target.exists():
            check_output_path(target).mkdir()
        elif target.is_dir() and not (target / FILE).exists() and any(target.iterdir()):
            raise OutputPathError(f"the folder '{target}' holds other files; choose a new one")
    except OSError as error:
        raise OutputPathError(f"cannot make the folder '{target}' ({error.strerror}); choose another") from error
    images = {}
    for name, image in list(memory.images.items()):
        data = to_png(image)
        images[name] = hashlib.sha256(data).hexdigest()
        file = target / f"{images[name]}.png"
        if not file.exists():
            write_file(file, data)
    called = {called: name for called, name in memory.called.items() if name in images}
    transcript = _Transcript(messages=messages_to_dict(messages), images=images, called=called)
    write_file(target / FILE, transcript.model_dump_json(indent=1).encode())
    return target


def load_transcript(folder: str | os.PathLike[str], memory: ImageMemory) -> list[BaseMessage]:
    """Return the messages of a saved conversation; its images go into the memory under their old names.

    Raises:
        InputError: If the folder holds no transcript, or a damaged one; the memory is unchanged.
    """
    path = Path(folder) / FILE
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read '{path}' ({error.strerror}); give the folder that save() wrote") from error
    if len(data) > MAX_BYTES:
        raise InputError(f"'{path}' is over {MAX_BYTES // 2**20} MiB; give the folder that save() wrote")
    try:
        transcript = _Transcript.model_validate_json(data)
        messages = messages_from_dict(transcript.messages)
        images = {name: _read(Path(folder), digest) for name, digest in transcript.images.items()}
        memory.images.restore(images)
    except ValidationError as error:
        raise InputError(f"'{path}' is not a transcript: {explain(error)[:300]}") from error
    except (ImageError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"'{path}' is damaged: {error}") from error
    memory.called.update({called: name for called, name in transcript.called.items() if name in images})
    return messages


def _read(folder: Path, digest: str) -> Image.Image:
    file = folder / f"{digest}.png"
    image = open_image(file)  # checks the size before it decodes
    if hashlib.sha256(file.read_bytes()).hexdigest() != digest:
        raise ImageError(f"'{file}' is not the image that was saved")
    return image
