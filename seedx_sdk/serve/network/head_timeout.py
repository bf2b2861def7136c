"""Connections on which no whole head of a request comes in time, or a long one, are closed; uvicorn reads forever."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

__all__ = ["HEAD_SECONDS", "MAX_HEAD_BYTES", "HeadTimeoutProtocol"]

HEAD_SECONDS = 60.0
"""From the connection, or the first byte of a further request, to the end of its head. Source: nginx's default."""

MAX_HEAD_BYTES = 64 << 10
"""Of a head, beyond what comes in the first read (at most 256 KiB). Source: the default of h11."""
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"

if TYPE_CHECKING:
    _Protocol = asyncio.Protocol
else:
    _Protocol = AutoHTTPProtocol


class HeadTimeoutProtocol(_Protocol):
    """uvicorn's protocol with limits for the head of a request; those for its body are `BodyLimit`'s."""

    cycle: Any
    """uvicorn's: the latest request whose head has come; None before the first."""
    transport: Any
    """uvicorn's."""
    _closing: asyncio.TimerHandle | None = None
    _in_head, _head_bytes = False, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first head."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Pass data on; it may be the beginning of a head, or its end."""
        if self._answers_nothing():
            self._expect_head()
        began = self._in_head
        super().data_received(data)
        if not self._answers_nothing():
            self._stop_waiting()
        self._head_bytes = self._head_bytes + len(data) if began and self._in_head else 0
        if self._head_bytes > MAX_HEAD_BYTES:
            self.transport.write(_TOO_LONG)
            self.transport.close()

    def on_message_begin(self) -> None:
        """Note that a head begins, as httptools says; h11 has a limit of its own."""
        self._in_head = True
        super().on_message_begin()  # type: ignore[misc]  # of the protocol with httptools

    def on_headers_complete(self) -> None:
        """Note that the head has come."""
        self._in_head = False
        super().on_headers_complete()  # type: ignore[misc]

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _answers_nothing(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _expect_head(self) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
