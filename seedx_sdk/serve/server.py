"""How the server ends: it finishes what runs, cancels what is left after the grace time, and is gone soon after."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

import uvicorn
from fastapi import FastAPI
from sse_starlette.sse import AppStatus

__all__ = ["DrainingServer"]

_CLOSING_SECONDS = 8.0
"""After the grace time, for closing the engine; a device that hangs must not keep the process."""


class DrainingServer(uvicorn.Server):
    """A server that SIGTERM and SIGINT end in order, with exit code 0; 1 if it had to be cut off.

    Args:
        app: The application.
        host: Address to listen on.
        port: 0 takes a free one.
        grace: Seconds that replies under way may still take.
    """

    def __init__(self, app: FastAPI, *, host: str, port: int, grace: int) -> None:
        AppStatus.enable_automatic_graceful_drain = False  # or the signal would cut off every stream
        super().__init__(
            uvicorn.Config(
                app, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=grace
            )
        )
        self._grace = grace

    def run_until_signal(self) -> None:
        """Serves until a signal comes."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)  # uvicorn raises it again when it has ended
        self.run()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begins to end."""
        if not self.should_exit:
            last = threading.Timer(self._grace + _CLOSING_SECONDS, os._exit, (1,))
            last.daemon = True
            last.start()
        super().handle_exit(sig, frame)
