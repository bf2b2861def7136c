"""Graceful shutdown: requests in flight may finish, the rest is cancelled after the grace period."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
from pathlib import Path
from types import FrameType
from typing import NoReturn

import uvicorn
from fastapi import FastAPI
from sse_starlette.sse import AppStatus

from seedx_sdk.engine.backbones.child_guard import end_all_children
from seedx_sdk.serve.network.head_timeout import HeadTimeoutProtocol
from seedx_sdk.serve.network.tcp_sockets import tcp_sockets
from seedx_sdk.serve.network.unix_socket import unix_socket

__all__ = ["KEEP_ALIVE_SECONDS", "DrainingServer"]

_LOG = logging.getLogger("seedx")
KEEP_ALIVE_SECONDS = 75
"""How long an idle connection is kept: longer than clients (httpx 5 s) and proxies (nginx 60 s) do, since a request
that arrives while the server closes the connection is lost."""
_STARTUP_FAILURE = 3
"""Exit code, as uvicorn's own."""
_CLOSING_SECONDS = 8.0
"""Time limit for closing the engine after the grace period; a hanging device must not keep the process alive."""


class DrainingServer(uvicorn.Server):
    """A server that drains on SIGTERM and SIGINT and exits with code 0, or 1 if closing takes too long.

    Args:
        app: The application.
        host: Address to listen on.
        port: Port to listen on; 0 picks a free one.
        grace: Seconds that requests in flight may still take.
        uds: Path of a Unix socket to listen on instead.
    """

    def __init__(self, app: FastAPI, *, host: str, port: int, grace: int, uds: Path | None = None) -> None:
        AppStatus.enable_automatic_graceful_drain = False  # or the signal would cut off every stream
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                http=HeadTimeoutProtocol,
                log_config=None,
                access_log=False,
                proxy_headers=False,  # the application has proxies of its own
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=grace,
            )
        )
        self._uds = uds
        self._grace = grace
        self._listening = contextlib.ExitStack()

    def run_until_signal(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            InputError: If the address cannot be listened on; nothing was loaded.
            SystemExit: If the engine cannot be opened.
        """
        with self._listening:
            if self._uds is None:
                sockets = self._listening.enter_context(tcp_sockets(self.config.host, self.config.port))
            else:
                sockets = [self._listening.enter_context(unix_socket(self._uds))]
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._before_or_after)
            self.run(sockets)
            if not self.started:  # older versions of uvicorn return
                raise SystemExit(_STARTUP_FAILURE)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the engine, and say where the server listens."""
        await super().startup(sockets)
        if self.should_exit:  # uvicorn has logged why
            return
        for listener in sockets or ():
            _LOG.info("listening on %s", listener.getsockname())

    def _before_or_after(self, _sig: int, _frame: FrameType | None) -> None:
        """Handle a signal before and after uvicorn does, which raises those that it has handled again."""
        if not self.started:
            self._leave()

    def _leave(self) -> NoReturn:
        """End this process, which serves no requests yet, and the engine processes that it has started."""
        _LOG.info("stopped before the model was loaded")
        end_all_children()
        self._listening.close()
        os._exit(0)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start the shutdown; leave at once while the model is loading."""
        if not self.started:
            self._leave()
        if not self.should_exit:
            last = threading.Timer(self._grace + _CLOSING_SECONDS, os._exit, (1,))
            last.daemon = True
            last.start()
        super().handle_exit(sig, frame)
