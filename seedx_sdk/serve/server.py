"""Graceful shutdown: requests in flight may finish, the rest is cancelled after the grace period."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI
from sse_starlette.sse import AppStatus

from seedx_sdk.serve.unix_socket import unix_socket

__all__ = ["DrainingServer"]

_CLOSING_SECONDS = 8.0
"""For closing the engine after the grace period; a hanging device must not keep the process alive."""


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
                log_config=None,
                access_log=False,
                proxy_headers=False,  # the application has proxies of its own
                timeout_graceful_shutdown=grace,
            )
        )
        self._uds = uds
        self._grace = grace

    def run_until_signal(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            InputError: If the Unix socket cannot be listened on.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)  # uvicorn raises it again after its shutdown
        with contextlib.ExitStack() as stack:
            self.run(None if self._uds is None else [stack.enter_context(unix_socket(self._uds))])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start the shutdown."""
        if not self.should_exit:
            last = threading.Timer(self._grace + _CLOSING_SECONDS, os._exit, (1,))
            last.daemon = True
            last.start()
        super().handle_exit(sig, frame)
