"""A filter program that writes each line as a JSON object: unchanged if it is one, otherwise as its message.

The lines may come from C++ libraries, a progress bar, or the traceback of a failing interpreter. The program runs
beside the server, not inside it, so that it also gets the last output of a server that crashes. It needs only the
standard library, and ends when all writers have closed the pipe.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import BinaryIO

__all__ = ["as_json", "copy"]


def as_json(line: bytes) -> bytes:
    """Return a line as an object of JSON in one line; nothing for an empty one."""
    line = line.rstrip()
    if line[:1] == b"{" and _is_json(line):
        return line + b"\n"
    text = line.decode("utf-8", "replace").rsplit("\r", 1)[-1]  # what a progress bar has not overwritten
    if not text.strip():
        return b""
    record = {"asctime": f"{datetime.now():%Y-%m-%d %H:%M:%S,%f}"[:-3], "levelname": "INFO", "name": "output"}
    return json.dumps({**record, "message": text}).encode() + b"\n"


def copy(lines: Iterable[bytes], output: BinaryIO) -> None:
    """Write all lines."""
    for line in lines:
        output.write(as_json(line))
        output.flush()


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they are for the server, whose last output is still to come
    copy(sys.stdin.buffer, sys.stdout.buffer)
