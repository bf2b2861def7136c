"""The sockets of a client, which a forked child lets go: otherwise no connection that the parent closes is closed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from weakref import WeakSet

import httpx

from seedx_sdk.forks import forget_in_children

__all__ = ["OpenSockets"]

_OPENED = tuple(f"connection.{how}.complete" for how in ("connect_tcp", "connect_unix_socket", "start_tls"))
"""Events of httpcore that return a stream."""


class OpenSockets:
    """Knows the open connections of an HTTP client, which has `watch` as event hook for requests."""

    def __init__(self) -> None:
        self._streams: WeakSet[Any] = WeakSet()
        forget_in_children(self._forget)

    async def watch(self, request: httpx.Request) -> None:
        """Take note of the connections that are opened for a request."""
        request.extensions["trace"] = self._note

    async def _note(self, event: str, info: Mapping[str, Any]) -> None:
        if event in _OPENED:
            self._streams.add(info["return_value"])

    def _forget(self) -> object:
        """Put nothing in the place of each socket; its number stays taken, for the parent's objects here have it."""
        streams, self._streams = list(self._streams), WeakSet()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in streams:
            if (number := stream.get_extra_info("socket").fileno()) >= 0:
                os.dup2(nothing, number, inheritable=False)
        os.close(nothing)
        return streams
