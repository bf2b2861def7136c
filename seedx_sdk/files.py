"""Results reach the disk here: as a whole or not at all.

Used by the command line, by `imaging.save_image`, by the tools that write decks and stories, and for weights.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from seedx_sdk.errors import OutputPathError

__all__ = ["check_output_path", "output_file", "sha256", "write_file"]


def check_output_path(path: str | os.PathLike[str], suffixes: Sequence[str] = ()) -> Path:
    """Return the path if it can be written, as far as can be known before the work is done.

    Raises:
        OutputPathError: If the suffix is none of `suffixes` (if any are given), the path is a directory or no text, or
            its parent directory is missing or not writable.
    """
    target = Path(path)
    try:
        os.fsencode(target)
    except UnicodeEncodeError as error:
        raise OutputPathError(f"the path {ascii(str(target))} is not text that names a file; write another") from error
    if suffixes and target.suffix.lower() not in suffixes:
        raise OutputPathError(f"'{target}' ends in '{target.suffix}'; use one of {', '.join(suffixes)}")
    folder = target.parent
    try:
        is_directory, folder_exists = target.is_dir(), folder.exists()
    except OSError as error:
        raise OutputPathError(f"cannot write '{str(target)[:200]}' ({error.strerror}); choose another path") from error
    if is_directory:
        raise OutputPathError(f"'{target}' is a directory; give the path of a file inside it")
    if not folder_exists:
        raise OutputPathError(f"the folder '{folder}' does not exist; create it first: mkdir -p '{folder}'")
    if not folder.is_dir():
        raise OutputPathError(f"'{folder}' is a file, so nothing can be written inside it; choose a folder")
    if not os.access(folder, os.W_OK):
        raise OutputPathError(f"the folder '{folder}' cannot be written; choose one that you may write")
    return target


@contextmanager
def output_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; it becomes `path` when the block ends well, and goes otherwise.

    Raises:
        OutputPathError: If the file cannot be written there.
    """
    target = check_output_path(path)
    partial = target.with_name(f".{target.stem[:80]}-{secrets.token_hex(4)}{target.suffix}")
    try:
        partial.touch(exist_ok=False)
        yield partial
        partial.replace(target)
    except OSError as error:
        raise OutputPathError(f"cannot write '{target}' ({error.strerror or error}); choose another path") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_file(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write `data` to `path` as a whole or not at all.

    Raises:
        OutputPathError: If it cannot be written there.
    """
    with output_file(path) as partial:
        partial.write_bytes(data)
    return Path(path)


def sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
