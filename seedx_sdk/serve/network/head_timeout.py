"""Connections that send nothing, or a part of a request's head, are closed after a time; uvicorn keeps them forever."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

__all__ = ["HEAD_SECONDS", "HeadTimeoutProtocol"]

HEAD_SECONDS = 60.0
"""From the connection, or the first byte of a further request, to the end of its head. Source: nginx's default."""

if TYPE_CHECKING:
    _Protocol = asyncio.Protocol
else:
    _Protocol = AutoHTTPProtocol


class HeadTimeoutProtocol(_Protocol):
    """uvicorn's protocol with a limit for the head of a request; that for its body is `BodyLimit`'s."""

    cycle: Any
    """uvicorn's: the latest request whose head has come; None before the first."""
    transport: Any
    """uvicorn's."""
    _closing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first head."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Pass data on; it may be the beginning of a head, or its end."""
        if self._answers_nothing():
            self._expect_head()
        super().data_received(data)
        if not self._answers_nothing():
            self._stop_waiting()

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
