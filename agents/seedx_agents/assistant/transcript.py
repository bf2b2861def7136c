"""A conversation on disk: transcript.json, and one PNG for each picture, named by the hash of its bytes.

A file is written as a whole or not at all, the JSON last; so a folder always holds a whole conversation, the one saved
before or the new one.
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
from seedx_tools.tool import explain

FILE = "transcript.json"
MAX_BYTES = 64 * 1024 * 1024
"""A longer transcript.json is not read: words and names of pictures never come near it."""

_Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Transcript(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    messages: list[dict[str, Any]]
    pictures: dict[str, _Hash]
    """Names that tools use, each with the SHA-256 of its PNG file."""
    called: dict[str, str]
    """The user's names, each with the name that tools use."""


def save_transcript(folder: str | os.PathLike[str], messages: Sequence[BaseMessage], album: ImageMemory) -> Path:
    """Write a conversation into a folder, which is made if it is not there, and return the folder.

    Raises:
        OutputPathError: It cannot be written there, or the folder holds something else.
    """
    target = Path(folder)
    try:
        if not target.exists():
            check_output_path(target).mkdir()
        elif target.is_dir() and not (target / FILE).exists() and any(target.iterdir()):
            raise OutputPathError(f"the folder '{target}' holds other files; give a new one")
    except OSError as error:
        raise OutputPathError(f"cannot make the folder '{target}' ({error.strerror}); choose another") from error
    pictures = {}
    for name, picture in list(album.images.items()):
        data = to_png(picture)
        pictures[name] = hashlib.sha256(data).hexdigest()
        file = target / f"{pictures[name]}.png"
        if not file.exists():
            write_file(file, data)
    called = {called: name for called, name in album.called.items() if name in pictures}
    transcript = _Transcript(messages=messages_to_dict(messages), pictures=pictures, called=called)
    write_file(target / FILE, transcript.model_dump_json(indent=1).encode())
    return target


def load_transcript(folder: str | os.PathLike[str], album: ImageMemory) -> list[BaseMessage]:
    """Return the messages of a saved conversation; its pictures go into the album under the names that they had.

    Raises:
        InputError: The folder holds no transcript, or a damaged one; the album is as it was.
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
        pictures = {name: _read(Path(folder), hashed) for name, hashed in transcript.pictures.items()}
        album.images.restore(pictures)
    except ValidationError as error:
        raise InputError(f"'{path}' is no transcript: {explain(error)[:300]}") from error
    except (ImageError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"'{path}' is damaged: {error}") from error
    album.called.update({called: name for called, name in transcript.called.items() if name in pictures})
    return messages


def _read(folder: Path, hashed: str) -> Image.Image:
    file = folder / f"{hashed}.png"
    picture = open_image(file)  # limits sizes before it reads
    if hashlib.sha256(file.read_bytes()).hexdigest() != hashed:
        raise ImageError(f"'{file}' is not the picture that was saved")
    return picture
