"""Which files tools write and wrote, by thread, so that nothing else is ever replaced."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from seedx_sdk.forks import ThreadLock

_State: TypeAlias = tuple[tuple[str, int, int], ...]
"""The files at a path: names, sizes and times of change."""


class WrittenFiles:
    """The files, and folders of files, that the tools of all threads wrote. Thread-safe."""

    def __init__(self) -> None:
        self._states: dict[tuple[str, Path], _State] = {}
        self._writing: set[Path] = set()
        self._lock = ThreadLock()

    def note(self, thread: str, path: Path) -> None:
        """Remember that a tool wrote what is at a path now; changed since, it is the user's."""
        self._states[thread, path] = _state(path)

    def may_write(self, thread: str, path: Path, *, overwrite: bool) -> bool:
        """Return whether a tool of a thread may write at a path: an empty folder is nothing.

        Args:
            thread: The thread.
            path: An absolute path.
            overwrite: Whether a file that no tool of the thread wrote may be replaced; a folder never is.
        """
        if path in self._writing:
            return False
        is_taken = any(path.iterdir()) if os.path.isdir(path) else os.path.lexists(path)
        is_ours = (thread, path) in self._states and self._states[thread, path] == _state(path)
        return not is_taken or is_ours or (overwrite and os.path.isfile(path))

    def reserve(self, thread: str, path: Path, *, overwrite: bool) -> bool:
        """Keep all other calls from a path until `release`; return False if it may not be written."""
        with self._lock:
            is_free = self.may_write(thread, path, overwrite=overwrite)
            if is_free:
                self._writing.add(path)
            return is_free

    def release(self, path: Path) -> None:
        """Let other calls write at a path again."""
        self._writing.discard(path)


@contextmanager
def aside(path: Path) -> Iterator[None]:
    """Make room for a folder that these tools wrote; it comes back if the block does not end well."""
    if not os.path.isdir(path) or not any(path.iterdir()):
        yield
        return
    moved = path.rename(path.with_name(f".{path.name}-{secrets.token_hex(4)}"))
    try:
        yield
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        moved.rename(path)
        raise
    shutil.rmtree(moved, ignore_errors=True)


def _state(path: Path) -> _State:
    files = sorted(path.rglob("*")) if os.path.isdir(path) else [path] if os.path.exists(path) else []
    return tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files)
