"""Runs of training in processes of their own, which can be killed at an exact moment."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import TensorStorageMetadata

from seedx_finetune.training.checkpoints import Tensors, load_tensors
from seedx_finetune.training.loop import train
from seedx_finetune.training.recipe import RecipeConfig

PATIENCE = 300
"""Seconds after which a process counts as hanging."""

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["seedx_finetune.training.loop", "tests.support.tiny_stage"])


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill the first process with signal 9 at the nth event that matches a pattern.

    Events are what Python's audit hooks see: "open PATH" and "os.rename OLD NEW" inside the directory of the run, and
    "tiny_stage.losses NUMBER" for each batch.
    """

    pattern: str
    nth: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    exit_code: int | None
    """-9 if it was killed."""
    error: str | None
    """Class and message of what it raised."""
    events: tuple[str, ...]


def run_training(
    recipe: RecipeConfig,
    directory: Path,
    *,
    processes: int = 1,
    kill: Kill | None = None,
    allow_change: Sequence[str] = (),
) -> list[Outcome]:
    """Train in new processes and return how each of them ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []
    for rank in range(processes):
        place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "MASTER_PORT": port}
        environment = {key: str(value) for key, value in place.items()} | {"MASTER_ADDR": "127.0.0.1"}
        receiver, sender = _context.Pipe(duplex=False)
        arguments = (recipe, directory, environment if processes > 1 else {}, kill if rank == 0 else None, sender)
        process = _context.Process(target=_train, args=(*arguments, tuple(allow_change)))
        process.start()
        sender.close()
        started.append((process, receiver))
    outcomes = []
    for process, receiver in started:
        process.join(PATIENCE)
        if process.is_alive():
            process.kill()
            raise AssertionError(f"process {process.pid} hangs")
        try:
            error, events = receiver.recv()
        except EOFError:
            error, events = None, ()
        outcomes.append(Outcome(process.exitcode, error, events))
    return outcomes


def _train(
    recipe: RecipeConfig,
    directory: Path,
    environment: dict[str, str],
    kill: Kill | None,
    sender: Connection,
    allow_change: tuple[str, ...],
) -> None:
    os.environ.update(environment)
    torch.set_num_threads(1)
    events: list[str] = []

    def watch(event: str, args: tuple[object, ...]) -> None:
        if event not in ("open", "os.rename", "tiny_stage.losses"):
            return
        text = " ".join([event, *(str(arg) for arg in args)])
        if event != "tiny_stage.losses" and str(directory) not in text:
            return
        events.append(text)
        if kill and re.search(kill.pattern, text) and sum(bool(re.search(kill.pattern, e)) for e in events) == kill.nth:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    try:
        train(recipe, directory, allow_change=allow_change)
    except Exception as error:
        sender.send((f"{type(error).__name__}: {error}", tuple(events)))
        sys.exit(1)
    sender.send((None, tuple(events)))


def checkpoint_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Return all tensors of a checkpoint, "kind.name", whole."""
    stored = FileSystemReader(path).read_metadata().state_dict_metadata
    tensors: Tensors = {}
    for key, described in stored.items():
        kind, _, name = key.partition(".")
        assert isinstance(described, TensorStorageMetadata)
        tensors.setdefault(kind, {})[name] = torch.empty(described.size, dtype=described.properties.dtype)
    load_tensors(path, tensors)
    return {f"{kind}.{name}": tensor for kind, named in tensors.items() for name, tensor in named.items()}
