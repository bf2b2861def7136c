"""Tar files in the layout of webdataset: the files of a sample follow one another and differ in their suffix."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from seedx_finetune.data.documents import ImageRef
from seedx_finetune.data.formats.base import BadRecord
from seedx_finetune.data.formats.records import find_files, open_reference
from seedx_finetune.errors import DataError

__all__ = ["TarSample", "tar_samples"]

_IMAGE_SUFFIXES = ("jpg", "jpeg", "png", "webp")


@dataclass(slots=True)
class TarSample:
    """The files of one key. They stay in the tar file, and are read from it by their offsets."""

    name: str
    """Such as "0001.tar:000012", the path relative to the source."""
    path: Path
    """The tar file."""
    members: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    """Member, first byte and number of bytes, by suffix in lower case without the dot."""

    def text(self, suffix: str) -> str | None:
        """Return the text of a file, None if there is none.

        Raises:
            DataError: If it is not UTF-8.
        """
        data = self._read(suffix)
        try:
            return None if data is None else data.decode()
        except UnicodeDecodeError as error:
            raise DataError(f"its .{suffix} is not UTF-8 ({error})") from error

    def image(self) -> ImageRef:
        """Return the image, decoded once.

        Raises:
            DataError: If there is none, or it cannot be decoded.
        """
        suffix = next((suffix for suffix in _IMAGE_SUFFIXES if suffix in self.members), None)
        data = self._read(suffix) if suffix is not None else None
        if suffix is None or data is None:
            raise DataError(f"it has no image; allowed are .{', .'.join(_IMAGE_SUFFIXES)}")
        member, offset, _ = self.members[suffix]
        return open_reference(self.path, f"{self.name.partition(':')[0]}:{member}", data, offset)

    def _read(self, suffix: str) -> bytes | None:
        if suffix not in self.members:
            return None
        _, offset, length = self.members[suffix]
        with self.path.open("rb") as file:
            file.seek(offset)
            data = file.read(length)
        if len(data) < length:
            raise DataError(f"its .{suffix} is cut short")
        return data


def tar_samples(path: Path) -> Iterator[TarSample | BadRecord]:
    """Yield the samples of the tar files at a path; of a damaged file those before the damage, then one bad record.

    Raises:
        DataError: If there is no tar file.
    """
    for name, file in find_files(path, ".tar"):
        try:
            yield from _samples(name, file)
        except (tarfile.TarError, OSError, EOFError) as error:
            yield BadRecord(
                name, f"the tar file is damaged or compressed from here on: {error}; unpack and pack it again"
            )


def _samples(name: str, file: Path) -> Iterator[TarSample | BadRecord]:
    sample: TarSample | None = None
    with tarfile.open(file, "r:") as tar:
        for member in tar:
            directory, _, base = member.name.rpartition("/")
            key, dot, suffix = base.partition(".")
            if not member.isfile() or not key:
                continue  # directories, and the hidden files of archivers
            if not dot or member.issparse():
                yield BadRecord(f"{name}:{member.name}", "it is sparse or has no suffix, so it belongs to no sample")
                continue
            label = f"{name}:{directory}/{key}" if directory else f"{name}:{key}"
            if sample is None or sample.name != label:
                if sample is not None:
                    yield sample
                sample = TarSample(label, file)
            if suffix.lower() in sample.members:
                yield BadRecord(f"{name}:{member.name}", "its sample has a file of this suffix already")
                continue
            sample.members[suffix.lower()] = (member.name, member.offset_data, member.size)
    if sample is not None:
        yield sample
