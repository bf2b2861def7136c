"""The configurations of docs/proxy.md, in front of a server; skipped where nginx or Caddy is not installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from httpx_sse import connect_sse

from tests.support.http_server import Scripted, Serve
from tests.support.reverse_proxies import PROXIES, Proxy

pytestmark = pytest.mark.nightly
KEY = {"Authorization": "Bearer alice-key"}
FAST = {
    "nginx": {
        "client_body_timeout   15s": "client_body_timeout 1s",
        "client_header_timeout 15s": "client_header_timeout 1s",
    },
    "caddy": {"read_body 60s": "read_body 1s", "read_header 15s": "read_header 1s"},
}
"""Time limits that a test can wait for."""
UNDER_A_PATH = {
    "nginx": {"location / {": "location /seedx/ {", "= /metrics": "= /seedx/metrics"},
    "caddy": {"reverse_proxy": "reverse_proxy /seedx/*", "respond /metrics": "respond /seedx/metrics"},
}
StartProxy = Callable[..., Proxy]


@pytest.fixture(params=PROXIES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def proxied(kind: str, tmp_path: Path) -> Iterator[StartProxy]:
    with ExitStack() as stack:

        def start(server: str, changes: dict[str, dict[str, str]] | None = None) -> Proxy:
            return stack.enter_context(PROXIES[kind](server, tmp_path, (changes or {}).get(kind, {})))

        yield start


def test_the_configuration_of_the_page(proxied: StartProxy, serve: Serve) -> None:
    engine = Scripted(pause_at=1)
    proxy = proxied(serve(engine, api_keys=("alice-key",), trusted_proxies=("127.0.0.1",)))
    with proxy.client() as client:
        assert client.get("/v1/info").status_code == 401
        client.headers.update(KEY)
        assert client.get("/v1/info").json()["name"] == "scripted"
        assert client.get("/metrics").status_code == 403
        for size, status in ((48 << 20, 422), ((48 << 20) + 1, 413)):
            assert client.post("/v1/chat", content=b"x" * size).status_code == status
        body = {"messages": [{"role": "user", "content": "Draw a house."}], "stream": True}
        with connect_sse(client, "POST", "/v1/chat/completions", json=body) as stream:
            events = stream.iter_sse()
            assert "chunk" in next(events).data, "before the engine goes on"
            engine.resume.set()
            assert [event.data for event in events][-1] == "[DONE]"


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /v1/chat HTTP/1.1\r\nHost: local",
        b"POST /v1/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nab",
    ],
    ids=["head", "body"],
)
def test_a_slow_request_is_cut_off(proxied: StartProxy, serve: Serve, sent: bytes) -> None:
    with proxied(serve(), FAST).connection() as connection:
        connection.sendall(sent)
        while connection.recv(1 << 16):  # an answer, or none
            pass


def test_a_client_does_not_choose_its_name(proxied: StartProxy, serve: Serve) -> None:
    settings = {"trusted_proxies": ("127.0.0.1",), "allowed_hosts": ("localhost",), "requests_per_minute": 1}
    proxy = proxied(serve(**settings))
    statuses = []
    for address, forged in (("127.0.0.2", "192.0.2.1"), ("127.0.0.2", "192.0.2.2"), ("127.0.0.3", "192.0.2.3")):
        with proxy.client(local_address=address) as client:
            answer = client.get("/v1/info", headers={"X-Forwarded-For": forged, "Forwarded": f"for={forged}"})
            statuses.append(answer.status_code)
    assert statuses == [200, 429, 200]


def test_under_a_path(proxied: StartProxy, serve: Serve) -> None:
    proxy = proxied(serve(api_keys=("alice-key",), root_path="/seedx"), UNDER_A_PATH)
    with proxy.client() as client:
        assert client.get("/seedx/v1/info", headers=KEY).json()["name"] == "scripted"
        assert client.get("/seedx/metrics").status_code == 403
        assert client.get("/seedx/openapi.json").json()["servers"] == [{"url": "/seedx"}]
        assert client.get("/v1/info", headers=KEY).status_code != 401
