"""Makes every line that a server writes an object of JSON."""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from pythonjsonlogger.json import JsonFormatter

from seedx_sdk.errors import SeedXError
from seedx_sdk.serve.logs import lines

__all__ = ["json_formatter", "json_log", "log_as_json"]

_LOG = logging.getLogger("seedx")
_VLLM_CONFIG = Path(__file__).with_name("vllm.json")
"""Logging of vLLM, in this process and in those that it starts."""
_LAST_LINES_SECONDS = 2.0
"""How long this process waits at its end for its last lines to be written; its children may go on writing."""


@contextlib.contextmanager
def json_log() -> Iterator[None]:
    """Log as JSON from now on; an error of ours that ends the block is the last record.

    Raises:
        SystemExit: With code 1 after such an error.
    """
    log_as_json()
    try:
        yield
    except SeedXError as error:
        _LOG.error("%s", error)
        raise SystemExit(1) from error


def log_as_json() -> None:
    """Write an object of JSON for each log record, warning, unexpected error and other line, all of them to stderr.

    vLLM's processes do the same, unless its own variables say otherwise.
    """
    _pass_output_through_a_program()
    handler = logging.StreamHandler()
    handler.setFormatter(json_formatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    faulthandler.enable()
    sys.excepthook, threading.excepthook = _log_exception, _log_exception_of_thread
    if os.environ.get("VLLM_CONFIGURE_LOGGING", "1") != "0":
        os.environ.setdefault("VLLM_LOGGING_CONFIG_PATH", str(_VLLM_CONFIG))


def json_formatter() -> JsonFormatter:
    """Return what formats a record: its time, level, logger, message, traceback, and its further fields."""
    return JsonFormatter("{asctime}{levelname}{name}{message}", style="{", reserved_attrs=_NOT_WRITTEN)


_NOT_WRITTEN = [*vars(logging.makeLogRecord({})), "asctime", "message", "fileinfo", "color_message"]
"""Attributes of a record that are not fields of its own; the last two are vLLM's and uvicorn's."""


def _pass_output_through_a_program() -> None:
    """Redirect stdout and stderr of this process, and of those that it starts, to the program `lines`."""
    sys.stdout.flush()
    sys.stderr.flush()
    stderr = os.dup(2)
    program = subprocess.Popen(
        [sys.executable, "-I", "-S", lines.__file__],
        stdin=subprocess.PIPE,
        stdout=stderr,
        stderr=stderr,
        start_new_session=True,
    )
    assert program.stdin is not None
    for output in (1, 2):
        os.dup2(program.stdin.fileno(), output)
    program.stdin.close()

    def finish() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        for output in (1, 2):
            os.dup2(stderr, output)
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(_LAST_LINES_SECONDS)

    atexit.register(finish)


def _log_exception(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    _LOG.critical("unexpected error", exc_info=(kind, error, traceback))


def _log_exception_of_thread(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread is not None else "a thread"
    error = args.exc_value or args.exc_type()
    _LOG.error("unexpected error in %s", name, exc_info=(args.exc_type, error, args.exc_traceback))
