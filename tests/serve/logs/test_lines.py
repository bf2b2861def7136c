"""Every line is an object of JSON, whoever writes it."""

from __future__ import annotations

import json
import subprocess
import sys
from io import BytesIO
from typing import Any

import pytest

pytest.importorskip("pythonjsonlogger", reason="the server is not installed: pip install 'seedx-sdk[serve]'")

from seedx_sdk.serve.logs.lines import copy

PROGRAM = """
import faulthandler, logging, os, sys, threading, warnings
from seedx_sdk.serve.logs.setup import log_as_json

log_as_json()
logging.getLogger("seedx").info("ready after %d s", 3, extra={"request_id": "a"})
warnings.warn("careful\\nnow")
os.system("echo plain; echo 'half' >&2; printf '{no json}\\n 10%%\\r 99%%\\n\\n'")
failing = threading.Thread(target=lambda: 1 / 0, name="worker")
failing.start()
failing.join()
if sys.argv[1] == "crash":
    faulthandler._sigsegv()
raise RuntimeError("at the end")
"""


def written(end: str) -> list[dict[str, Any]]:
    """Return the lines of the program, each of which must be an object of JSON, on stderr."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM, end], capture_output=True, text=True, check=False)
    assert ended.returncode and not ended.stdout
    return [json.loads(line) for line in ended.stderr.splitlines()]


def test_records_warnings_errors_and_the_output_of_children() -> None:
    lines = written("raise")
    assert all(line.keys() >= {"asctime", "levelname", "name", "message"} for line in lines)
    by_name: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        by_name.setdefault(line["name"], []).append(line)
    ready, in_thread, at_end = by_name["seedx"]
    assert (ready["levelname"], ready["message"], ready["request_id"]) == ("INFO", "ready after 3 s", "a")
    assert in_thread["message"] == "unexpected error in worker" and "ZeroDivisionError" in in_thread["exc_info"]
    assert at_end["levelname"] == "CRITICAL" and at_end["exc_info"].endswith("RuntimeError: at the end")
    (warning,) = by_name["py.warnings"]
    assert warning["levelname"] == "WARNING" and "careful\nnow" in warning["message"]
    assert sorted(line["message"] for line in by_name["output"]) == [" 99%", "half", "plain", "{no json}"]


def test_the_last_words_of_a_process_that_crashes() -> None:
    assert any("Segmentation fault" in line["message"] for line in written("crash"))


def test_a_line_that_is_json_already_is_left_as_it_is() -> None:
    output = BytesIO()
    deep = b'{"a":' * 100_000
    copy([b'{"message": "a",  "b": 1}\n', b"\xff\n", b"[1]\n", deep, b"no end"], output)
    first, *others = output.getvalue().splitlines()
    assert first == b'{"message": "a",  "b": 1}'
    assert [json.loads(line)["message"] for line in others] == ["\ufffd", "[1]", deep.decode(), "no end"]
