"""`seedx serve` as a process: its shutdown on a signal, and its behavior when memory or the disk is exhausted."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from PIL import Image

from tests.support.server_processes import COMMAND, EVENT_SECONDS, Server, generation_events, started

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="limits processes")]
GRACE = int(EVENT_SECONDS)
"""Longer than any reply takes."""


def serving(temp_dir: Path, grace: int) -> Any:
    return started(temp_dir, "-c", COMMAND, "--backbone", "transformers", "--grace", str(grace))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("served") / "tmp", GRACE) as server:
        yield server


def test_exhausted_memory_fails_one_image_and_no_other(server: Server) -> None:
    small = {"prompt": "a red house", "seed": 3, "num_inference_steps": 3}
    expected = server.post("/v1/tools/generate", **small).json()["image"]
    process = psutil.Process(server.process.pid)
    before = process.rlimit(psutil.RLIMIT_AS)
    process.rlimit(psutil.RLIMIT_AS, (process.memory_info().vms + (150 << 20), before[1]))
    try:
        large = server.post("/v1/tools/generate", prompt="a red house", width=1024, height=1024, num_inference_steps=1)
        assert large.status_code == 503, large.text
        error = large.json()["error"]
        assert error["type"] == "DeviceMemoryError" and "use a smaller" in error["message"]
        assert server.ready() == (200, "ready\n")
        assert server.post("/v1/tools/generate", **small).json()["image"] == expected
    finally:
        process.rlimit(psutil.RLIMIT_AS, before)


def test_an_upload_that_does_not_fit_the_disk_is_rejected(server: Server) -> None:
    noise = Image.effect_noise((1500, 1500), 100).convert("RGB")
    upload = BytesIO()
    noise.save(upload, "PNG")
    assert len(upload.getvalue()) > 1 << 20  # larger uploads go to a temporary file

    def edit() -> httpx.Response:
        return httpx.post(
            f"{server.address}/v1/images/edits",
            data={"prompt": "Make it night.", "num_inference_steps": "2", "force": "true"},
            files={"image": ("noise.png", upload.getvalue())},
            timeout=EVENT_SECONDS,
        )

    process = psutil.Process(server.process.pid)
    before = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (256 << 10, before[1]))
    try:
        rejected = edit()
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, before)
    assert rejected.status_code == 503, rejected.text
    assert rejected.json()["error"]["type"] == "ServiceError" and "TMPDIR" in rejected.json()["error"]["message"]
    assert edit().status_code == 200
    assert not server.files()


def test_a_signal_lets_replies_finish(server: Server) -> None:
    events = generation_events(server, 60)
    while next(events) != "image_progress":
        pass
    server.process.send_signal(signal.SIGTERM)
    server.wait_until(lambda: not accepts_connections(server))
    seen = list(events)
    assert seen[-2:] == ["image_done", "reply_done"] and seen.count("image_progress") == 59
    assert server.process.wait(EVENT_SECONDS) == 0
    assert not server.files()


def accepts_connections(server: Server) -> bool:
    try:
        httpx.get(f"{server.address}/v1/info", timeout=EVENT_SECONDS)
    except httpx.ConnectError:
        return False
    return True


def test_replies_are_cut_off_after_the_grace_period(tmp_path: Path) -> None:
    with serving(tmp_path / "tmp", 1) as server:
        events = generation_events(server, 1000)
        while next(events) != "image_progress":
            pass
        server.process.send_signal(signal.SIGTERM)
        seen: list[str] = []
        with pytest.raises(httpx.TransportError):
            seen.extend(events)
        assert "reply_done" not in seen and server.process.wait(EVENT_SECONDS) == 0
