"""Files of documents: their bytes and text, with limits on what is read."""

from __future__ import annotations

import re
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

from seedx_sdk.errors import InputError
from seedx_tools.decks.ooxml.package import OLE, declares_doctype
from seedx_tools.text_encoding import decode_text

MAX_BYTES = 32 * 1024 * 1024
MAX_UNPACKED_BYTES = 512 * 1024 * 1024
"""A file that unpacks to more is rejected."""
MAX_XML_BYTES = 128 * 1024 * 1024
"""So is one whose XML does, as its tree needs many times as much memory."""


def title_of_file(path: Path) -> str:
    """Return the name of a file as a title: "boat_school.pdf" gives "Boat school"."""
    return re.sub(r"[-_]+", " ", path.stem).strip().capitalize()


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file of at most MAX_BYTES.

    Raises:
        InputError: If it is missing, not a file, or too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot read '{path}' ({getattr(error, 'strerror', None) or error}); check the path"
        ) from error
    if len(data) > MAX_BYTES:
        raise InputError(f"'{path}' is over {MAX_BYTES // 2**20} MiB; pass only the part that matters")
    return data


def decode(data: bytes, path: Path, warnings: list[str]) -> str:
    """Return the bytes of a text file as text; see decode_text.

    Raises:
        InputError: If they are no text.
    """
    return decode_text(data, f"'{path.name}'", warnings.append)


def check_archive(data: bytes, path: Path, what: str) -> None:
    """Check a file of Office before it is read.

    Raises:
        InputError: If it is not a ZIP archive, has a password, unpacks to too much, or defines XML entities.
    """
    if data.startswith(OLE):
        raise InputError(f"'{path}' has a password, or is of an old format; save it as {what}, without a password")
    declared = ""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            size = sum(part.file_size for part in archive.infolist())
            parts = [part for part in archive.infolist() if part.filename.lower().endswith((".xml", ".rels"))]
            xml = sum(part.file_size for part in parts)
            if size <= MAX_UNPACKED_BYTES and xml <= MAX_XML_BYTES:
                declared = next((part.filename for part in parts if declares_doctype(archive.read(part))), "")
    except zipfile.BadZipFile as error:
        raise InputError(f"cannot read '{path}' as {what} ({error}); save it again, without a password") from error
    except (NotImplementedError, RuntimeError, zlib.error) as error:  # a password, or a damaged part
        raise InputError(f"cannot read '{path}' as {what} ({error}); save it again, without a password") from error
    if size > MAX_UNPACKED_BYTES or xml > MAX_XML_BYTES:
        raise InputError(f"'{path}' unpacks to {size // 2**20} MiB; pass only the part that matters")
    if declared:
        raise InputError(f"'{path}' has a DOCTYPE in {declared}, which is not allowed; save it again as {what}")
