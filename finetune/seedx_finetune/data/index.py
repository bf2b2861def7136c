"""The index of a source: its good records as rows on disk, read through memory maps.

`seedx data check` writes it once, training reads it. Beside a file F it is the directory .F.seedx-index, in a
directory D it is D/.seedx-index; each format, with its options, has a directory of its own in there:

    rows.jsonl      one record a line: its name, and the row that the format made of it
    offsets.npy     where each line begins, and where the last one ends
    meta.json       version, format, options, the files that were read (size and time of change), counts
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shlex
import shutil
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from pydantic_core import to_jsonable_python

from seedx_finetune.data.config import SourceConfig
from seedx_finetune.data.formats import make_format
from seedx_finetune.data.formats.base import Format, Record, Row
from seedx_finetune.errors import DataError

__all__ = ["IndexWriter", "Source", "check_command", "index_directory", "write_index"]

VERSION = 1
"""Of this layout and of the meaning of rows."""


def index_directory(path: Path, format: Format) -> Path:
    """Return the directory of the index of a file or directory, read as a format with its options."""
    parent = path / ".seedx-index" if path.is_dir() else path.with_name(f".{path.name}.seedx-index")
    key = json.dumps(_options(format), sort_keys=True)
    return parent / f"{format.name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def check_command(config: SourceConfig) -> str:
    """Return the command that writes the index of a source."""
    options = [f"--option {shlex.quote(f'{name}={json.dumps(value)}')}" for name, value in config.options.items()]
    return " ".join(["seedx data check", shlex.quote(str(config.path)), "--format", config.format, *options])


class IndexWriter:
    """Takes the records of a source in order; made by `write_index`."""

    def __init__(self, path: Path, rows: IO[bytes]) -> None:
        self._root, self._rows = _root(path.absolute()), rows
        self._offsets = array("q", [0])
        self.files: dict[str, list[int]] = {}
        """Size and time of change (ns) of each file that records came from, by its path in the source."""
        self.counts: dict[str, int] = {}
        """Kept with the index."""

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._offsets) - 1

    def saw(self, name: str) -> bool:
        """Note the file that the name of a record, good or bad, begins with; tell whether there is one."""
        parts = name.split(":")
        names = [":".join(parts[:end]) for end in range(1, len(parts) + 1)]
        if any(name in self.files for name in names):
            return True
        for name in names:
            if (self._root / name).is_file():
                self.files[name] = _stamp(self._root / name)
                return True
        return False

    def add(self, record: Record) -> None:
        """Append a good record.

        Raises:
            DataError: If its name does not begin with a file of the source.
        """
        if not self.saw(record.name):
            raise DataError(f"record {record.name!r} begins with no file of {self._root}; its format must name one")
        row = record.row
        if images := row.get("images"):
            row = row | {"images": [image | {"path": self._relative(Path(image["path"]))} for image in images]}
        line = json.dumps({"name": record.name, "row": row}, ensure_ascii=False).encode() + b"\n"
        self._rows.write(line)
        self._offsets.append(self._offsets[-1] + len(line))

    def _relative(self, path: Path) -> str:
        """Return a path below the source relative to it, so that the source can be moved; others as they are."""
        path = path.absolute()
        return str(path.relative_to(self._root) if path.is_relative_to(self._root) else path)

    @property
    def offsets(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Where each line begins, and where the last one ends."""
        return np.frombuffer(self._offsets, dtype=np.int64)


@contextmanager
def write_index(path: Path, format: Format) -> Iterator[IndexWriter]:
    """Yield the writer of a new index; it takes the place of an old one when the block ends without an error.

    Args:
        path: The file or directory that is read.
        format: Its format, with its options.

    Raises:
        DataError: If nothing can be written there.
    """
    target = index_directory(path, format)
    partial = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise DataError(f"the index {target} cannot be written ({error.strerror}); make its folder writable") from error
    try:
        with (partial / "rows.jsonl").open("wb") as rows:
            writer = IndexWriter(path, rows)
            yield writer
        np.save(partial / "offsets.npy", writer.offsets)
        meta = {"version": VERSION, "format": format.name, "options": _options(format)}
        text = json.dumps(meta | {"counts": writer.counts, "files": writer.files}, indent=1)
        (partial / "meta.json").write_text(text + "\n", encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


class Source:
    """The checked records of a source, opened for reading; worker processes open it anew.

    Args:
        config: The source.

    Raises:
        DataError: If there is no index, it is outdated, or it holds no record.
    """

    def __init__(self, config: SourceConfig) -> None:
        command = check_command(config)
        if not config.path.exists():
            raise DataError(f"source {config.name!r}: there is no {config.path}; correct its path")
        format = make_format(config.format, config.options)
        meta_file = index_directory(config.path, format) / "meta.json"
        if not meta_file.is_file():
            raise DataError(
                f"source {config.name!r}: {config.path} has not been checked with this format and these options; "
                f"run: {command}"
            )
        text = meta_file.read_bytes()
        meta = json.loads(text)
        if meta["version"] != VERSION:
            raise DataError(
                f"source {config.name!r}: its index has version {meta['version']}, not {VERSION}; run: {command}"
            )
        if change := _find_change(config.path, meta["files"]):
            raise DataError(f"source {config.name!r}: {change} since it was checked; run: {command}")
        if not meta["counts"]["records"]:
            raise DataError(f"source {config.name!r}: {config.path} holds no usable record; see: {command}")
        self.__setstate__((config, format, hashlib.sha256(text).hexdigest()))

    def __getstate__(self) -> tuple[SourceConfig, Format, str]:
        """Return what a worker needs: no record."""
        return self.config, self.format, self.hash

    def __setstate__(self, state: tuple[SourceConfig, Format, str]) -> None:
        """Map the records into memory."""
        self.config, self.format, self.hash = state
        directory = index_directory(self.config.path, self.format)
        self._rows = np.memmap(directory / "rows.jsonl", dtype=np.uint8, mode="r")
        self._offsets = np.load(directory / "offsets.npy", mmap_mode="r")

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._offsets) - 1

    def record(self, index: int) -> Record:
        """Return a record; the paths of its images can be opened."""
        line = json.loads(self._rows[self._offsets[index] : self._offsets[index + 1]].tobytes())
        row: Row = line["row"]
        root = _root(self.config.path)
        for image in row.get("images", ()):
            image["path"] = str(root / image["path"])
        return Record(line["name"], row)


def _options(format: Format) -> dict[str, Any]:
    """All options of a format, those left out too, as JSON values."""
    values: dict[str, Any] = to_jsonable_python(format)
    return values


def _root(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _stamp(file: Path) -> list[int]:
    status = file.stat()
    return [status.st_size, status.st_mtime_ns]


def _find_change(path: Path, files: dict[str, list[int]]) -> str | None:
    """Tell what happened to the files of an index; images that lie beside them are looked at when they are read."""
    root = _root(path)
    for name, stamp in files.items():
        if not (root / name).is_file():
            return f"{name} is gone"
        if _stamp(root / name) != stamp:
            return f"{name} has changed"
    if path.is_dir():
        suffixes = {os.path.splitext(name)[1] for name in files}
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                relative = os.path.relpath(os.path.join(folder, name), path)
                if os.path.splitext(name)[1] in suffixes and not name.startswith(".") and relative not in files:
                    return f"{relative} has come"
    return None
