"""What a server's processes hold: memory, threads, open files, children, shared memory, temporary files."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import psutil

__all__ = ["Held", "Thirds", "held_by", "shared_memory", "thirds"]


@dataclass(frozen=True, slots=True)
class Held:
    """Sums over a process and its descendants."""

    memory_mib: float
    """Memory with each shared page counted once (PSS)."""
    threads: int
    open_files: int
    """Sockets included."""
    processes: int
    shared_memory_files: int
    """Different files of /dev/shm that are mapped."""
    temporary_files: int
    """Files and directories in the server's own TMPDIR, all levels."""


@dataclass(frozen=True, slots=True)
class Thirds:
    """A quantity over a run: its median in the first and in the last third of the samples, and both ends."""

    start: float
    first: float
    last: float
    end: float

    @property
    def growth(self) -> float:
        """The last third over the first."""
        return self.last / self.first if self.first else 1.0 + self.last


def held_by(pid: int, temp_dir: Path) -> Held:
    """Return what a process and its descendants hold; a child that ends meanwhile counts nothing."""
    parent = psutil.Process(pid)
    memory, threads, files, count = 0, 0, 0, 0
    shared: set[str] = set()
    for process in (parent, *parent.children(recursive=True)):
        try:
            memory += process.memory_full_info().pss
            threads += process.num_threads()
            files += process.num_fds()
            shared |= shared_memory(process.pid)
        except (psutil.NoSuchProcess, FileNotFoundError):
            continue
        count += 1
    temporary = sum(len(names) + len(folders) for _, folders, names in os.walk(temp_dir))
    return Held(memory / 2**20, threads, files, count, len(shared), temporary)


def shared_memory(pid: int) -> set[str]:
    """Return the files of /dev/shm that a process maps."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    return {line.split(maxsplit=5)[5] for line in maps.splitlines() if "/dev/shm/" in line}


def thirds(samples: Sequence[Held]) -> dict[str, Thirds]:
    """Return each quantity's medians; there must be a sample."""
    part = max(1, len(samples) // 3)
    columns = zip(*(astuple(sample) for sample in samples), strict=True)
    return {
        field.name: Thirds(column[0], statistics.median(column[:part]), statistics.median(column[-part:]), column[-1])
        for field, column in zip(fields(Held), columns, strict=True)
    }
