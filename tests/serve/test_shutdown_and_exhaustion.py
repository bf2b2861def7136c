"""`seedx serve` as a process: how it ends on a signal, and what it does when memory or the disk is used up."""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from PIL import Image

from tests.support.server_processes import COMMAND, Server, drawing, started

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="limits processes")]
LOG = logging.getLogger(__name__)


def serving(folder: Path, grace: int) -> Any:
    return started(folder, "-c", COMMAND, "--backbone", "transformers", "--grace", str(grace))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("served") / "tmp", 20) as server:
        yield server


def test_memory_that_is_used_up_fails_one_picture_and_no_other(server: Server) -> None:
    small = {"prompt": "a red house", "seed": 3, "num_inference_steps": 3}
    expected = server.post("/v1/tools/generate", **small).json()["image"]
    process = psutil.Process(server.process.pid)
    before = process.rlimit(psutil.RLIMIT_AS)
    process.rlimit(psutil.RLIMIT_AS, (process.memory_info().vms + (400 << 20), before[1]))
    try:
        large = server.post("/v1/tools/generate", prompt="a red house", width=2048, height=2048, num_inference_steps=1)
        assert large.status_code == 503, large.text
        error = large.json()["error"]
        assert error["type"] == "DeviceMemoryError" and "smaller picture" in error["message"]
        assert server.ready() == (200, "ready\n")
        assert server.post("/v1/tools/generate", **small).json()["image"] == expected
    finally:
        process.rlimit(psutil.RLIMIT_AS, before)


def test_an_upload_that_the_disk_has_no_room_for_is_refused(server: Server) -> None:
    noise = Image.effect_noise((1500, 1500), 100).convert("RGB")
    upload = BytesIO()
    noise.save(upload, "PNG")
    assert len(upload.getvalue()) > 1 << 20  # what is larger is kept in a temporary file

    def edit() -> httpx.Response:
        return httpx.post(
            f"{server.address}/v1/images/edits",
            data={"prompt": "Make it night.", "num_inference_steps": "2"},
            files={"image": ("noise.png", upload.getvalue())},
            timeout=60,
        )

    process = psutil.Process(server.process.pid)
    before = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (256 << 10, before[1]))
    try:
        refused = edit()
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, before)
    assert refused.status_code == 503, refused.text
    assert refused.json()["error"]["type"] == "ServiceError" and "TMPDIR" in refused.json()["error"]["message"]
    assert edit().status_code == 200
    assert not server.files()


def test_a_signal_lets_replies_finish(server: Server) -> None:
    events = drawing(server, 150)
    while next(events) != "image_progress":
        pass
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    seen: list[str] = []
    refused = False
    for event in events:
        seen.append(event)
        if not refused and time.monotonic() - began > 0.7:
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"{server.address}/v1/info")
            refused = True
    assert refused and seen[-2:] == ["image_done", "reply_done"] and seen.count("image_progress") == 149
    assert server.process.wait(10) == 0
    assert not server.files()
    LOG.info("drained and ended after %.1f s", time.monotonic() - began)


def test_what_is_left_after_the_grace_time_is_cut_off(tmp_path: Path) -> None:
    with serving(tmp_path / "tmp", 1) as server:
        events = drawing(server, 1000)
        while next(events) != "image_progress":
            pass
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        seen: list[str] = []
        with pytest.raises(httpx.TransportError):
            seen.extend(events)
        assert "reply_done" not in seen and server.process.wait(10) == 0
        assert time.monotonic() - began < 8
        LOG.info("cut off and ended after %.1f s", time.monotonic() - began)
