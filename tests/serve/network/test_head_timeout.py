"""Connections on which no whole head of a request comes."""

from __future__ import annotations

import socket
from contextlib import closing, suppress

import httpx
import pytest

from seedx_sdk.serve.network import head_timeout
from tests.support.http_server import EVENT_SECONDS, Scripted, Serve

PART = b"POST /v1/chat HTTP/1.1\r\nHost: local"
WHOLE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


def connected(address: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", httpx.URL(address).port or 0), EVENT_SECONDS)


@pytest.mark.parametrize("sent", [b"", PART])
def test_a_connection_without_a_head_is_closed(serve: Serve, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(head_timeout, "HEAD_SECONDS", 0.1)
    with closing(connected(serve())) as connection:
        connection.sendall(sent)
        assert connection.recv(1) == b""


def test_a_further_head_has_its_own_time(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(connected(serve())) as connection:
        for _ in range(2):
            connection.sendall(WHOLE)
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
        monkeypatch.setattr(head_timeout, "HEAD_SECONDS", 0.1)
        connection.sendall(PART)
        assert connection.recv(1) == b""


@pytest.mark.parametrize("line", [b"X: " + b"a" * (1 << 20), b"X: a\r\n" * 200_000], ids=["one line", "many lines"])
def test_a_head_that_is_too_long_is_refused(serve: Serve, monkeypatch: pytest.MonkeyPatch, line: bytes) -> None:
    monkeypatch.setattr(head_timeout, "HEAD_SECONDS", 3600.0)
    with closing(connected(serve())) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n")
        answer = b""
        with suppress(ConnectionError):  # the server reads no further
            connection.sendall(line)
        with suppress(ConnectionError):
            answer = connection.recv(1 << 16)
        assert answer.startswith(b"HTTP/1.1 431") or not answer


def test_a_long_body_is_no_head(serve: Serve) -> None:
    address = serve(api_keys=("key",))
    for content in (b"x" * (8 << 20), iter([b"x" * (1 << 20)] * 8)):  # also where the answer comes before the body
        assert httpx.post(f"{address}/v1/chat", content=content, timeout=EVENT_SECONDS).status_code == 401


def test_a_slow_answer_is_not_cut_off(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_timeout, "HEAD_SECONDS", 0.05)
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]}
    address = serve(Scripted(seconds=0.1))
    assert "reply_done" in httpx.post(f"{address}/v1/chat", json=body, timeout=EVENT_SECONDS).text
