"""The keys of a server, from the environment and from a file that may change while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import os
import stat
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Self

from pydantic import SecretStr

from seedx_sdk.errors import InputError
from seedx_sdk.serve.access.key_file import ApiKey, digest_of, read_key_file
from seedx_sdk.serve.access.limits import Limits

__all__ = ["Keyring"]

_LOG = logging.getLogger("seedx.keys")
_CHECK_SECONDS = 1.0
"""Interval between checks of the file. It is polled because not every file system reports an event when Kubernetes
replaces a mounted file."""


class Keyring:
    """The keys that are valid now.

    Args:
        keys: From the environment.
        file: A file with more; None is none.
        defaults: Limits of keys that have none of their own.

    Raises:
        InputError: If the file cannot be used.
    """

    def __init__(self, keys: Sequence[SecretStr], file: Path | None, defaults: Limits) -> None:
        self._file, self._defaults = file, defaults
        self._fixed = [
            ApiKey(f"key {number}", (digest_of(key.get_secret_value()),), defaults)
            for number, key in enumerate(keys, 1)
        ]
        self._keys, self._seen = self._fixed, None if file is None else _state(file)
        if file is not None:
            self._keys = self._read(file)

    @property
    def is_needed(self) -> bool:
        """Whether a request needs a key."""
        return bool(self._keys)

    def find(self, authorization: str) -> ApiKey | None:
        """Return the key in an `Authorization: Bearer KEY` header; None if it is none of these.

        Every key is compared, in constant time, so that time tells nothing about any of them.
        """
        scheme, _, text = authorization.partition(" ")
        digest, found = digest_of(text), None
        for key in self._keys:
            for allowed in key.digests:
                if hmac.compare_digest(digest, allowed):
                    found = key
        return found if scheme.lower() == "bearer" else None

    def refresh(self) -> None:
        """Read the file again if it has changed; one that is broken is logged, and leaves the keys as they were."""
        if self._file is None or (state := _state(self._file)) == self._seen:
            return
        self._seen = state
        try:
            keys = self._read(self._file)
        except InputError as error:
            _LOG.error("%s; the keys stay as they were", error)
            return
        before, after = ({key.name: key for key in some} for some in (self._keys, keys))
        changed = {name for name in after.keys() & before.keys() if after[name] != before[name]}
        self._keys = keys
        _LOG.info(
            "read %s: %d keys, added: %s, changed: %s, removed: %s",
            self._file,
            len(keys) - len(self._fixed),
            *(
                ", ".join(sorted(some)) or "none"
                for some in (after.keys() - before.keys(), changed, before.keys() - after)
            ),
        )

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[Self]:
        """Check the file every second while the block runs."""
        watching = asyncio.create_task(self._watch())
        try:
            yield self
        finally:
            watching.cancel()
            await asyncio.wait([watching])

    async def _watch(self) -> None:
        while self._file is not None:
            await asyncio.sleep(_CHECK_SECONDS)
            await asyncio.to_thread(self.refresh)

    def _read(self, file: Path) -> list[ApiKey]:
        keys = [*self._fixed, *read_key_file(file, self._defaults)]
        with contextlib.suppress(OSError):  # deleted meanwhile
            mode = stat.S_IMODE(os.stat(file).st_mode)
            if os.name == "posix" and mode & 0o077:
                _LOG.warning("%s has the mode %o, so that others may use its keys: chmod 600 %s", file, mode, file)
        return keys


def _state(file: Path) -> object:
    """Return what changes whenever the file does."""
    try:
        status = os.stat(file)
    except OSError as error:
        return error.errno
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
