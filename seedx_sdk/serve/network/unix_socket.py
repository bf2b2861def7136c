"""The Unix socket that a server listens on."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from seedx_sdk.errors import InputError

__all__ = ["unix_socket"]

_MODE = 0o660
"""Owner and group may connect."""


@contextlib.contextmanager
def unix_socket(path: Path) -> Iterator[socket.socket]:
    """Bind a Unix socket at a path, and remove it at the end; one that nobody listens on any more is replaced.

    Raises:
        InputError: If a server uses the path, something else is there, or the path cannot be bound.
    """
    with _claimed(path), socket.socket(socket.AF_UNIX) as bound:
        _remove_stale(path)
        try:
            bound.bind(str(path))
        except OSError as error:  # also a path of more than about 100 bytes
            raise _cannot_be_made(path, error) from error
        try:
            path.chmod(_MODE)  # before it listens
            made = path.stat().st_ino
            yield bound
        finally:
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_ino == made:  # not that of the next server
                    path.unlink()


@contextlib.contextmanager
def _claimed(path: Path) -> Iterator[None]:
    """Hold a lock beside a socket: a server that loads its model does not listen yet, so nobody could connect to it.

    The lock ends with the process, however that ends.
    """
    import fcntl  # Windows has none, nor these sockets

    lock = path.with_name(f"{path.name}.lock")
    with contextlib.ExitStack() as stack:
        try:
            while True:
                file = stack.enter_context(open(os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)))
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                with contextlib.suppress(FileNotFoundError):  # its last owner has just removed it
                    if os.path.samestat(os.fstat(file.fileno()), lock.stat()):
                        break
        except BlockingIOError as error:
            raise InputError(f"another server uses {path} or is about to; stop it, or give another path") from error
        except OSError as error:
            raise _cannot_be_made(path, error) from error
        stack.callback(lock.unlink, missing_ok=True)
        yield


def _cannot_be_made(path: Path, error: OSError) -> InputError:
    return InputError(f"--uds {path} cannot be made: {error}; give a short path in a directory of yours")


def _remove_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise InputError(f"--uds {path} is there, and is no socket; give another path, or remove it")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except OSError as error:
            raise InputError(f"--uds {path} is a socket that cannot be tried: {error}; give another path") from error
    raise InputError(f"a server listens on {path} already; stop it, or give another path")
