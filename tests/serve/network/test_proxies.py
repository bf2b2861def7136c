"""Behind a reverse proxy: who the client is, and under which path the server is seen."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

pytest.importorskip("fastapi", reason="the server is not installed: pip install 'seedx-sdk[serve]'")

from seedx_sdk.errors import InputError
from seedx_sdk.serve.network.proxies import checked_proxy, checked_root_path
from seedx_sdk.serve.settings import ServerSettings
from tests.support.asgi import reached_from

PROXY = "10.0.0.2"


async def statuses(peer: str | None, trusted: tuple[str, ...], *forwarded: str) -> list[int]:
    """Return the statuses of a request for each X-Forwarded-For, where a client has one request a minute."""
    async with reached_from(peer, trusted_proxies=trusted, requests_per_minute=1) as client:
        return [(await client.get("/v1/info", headers={"X-Forwarded-For": name})).status_code for name in forwarded]


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [(PROXY, (PROXY,)), (PROXY, ("10.0.0.0/24",)), ("fd00::2", ("fd00::/64",)), (None, ("unix",))],
)
async def test_a_trusted_proxy_names_the_client(peer: str | None, trusted: tuple[str, ...]) -> None:
    assert await statuses(peer, trusted, "192.0.2.1", "192.0.2.2", "192.0.2.1") == [200, 200, 429]
    # what a client writes itself stands before what the proxy adds
    assert await statuses(peer, trusted, "192.0.2.7, 192.0.2.1", "192.0.2.8, 192.0.2.1") == [200, 429]
    # two proxies, one behind the other
    chain = [f"192.0.2.1, {trusted[0].split('/')[0]}", "192.0.2.1"]
    assert await statuses(peer, trusted, *chain) == [200, 429]


@pytest.mark.parametrize(
    ("peer", "trusted"), [("127.0.0.1", ()), ("10.0.0.3", (PROXY,)), (None, (PROXY,)), (PROXY, ("unix",))]
)
async def test_nobody_else_chooses_the_name_of_the_client(peer: str | None, trusted: tuple[str, ...]) -> None:
    assert await statuses(peer, trusted, "192.0.2.1", "192.0.2.2") == [200, 429]


@pytest.mark.parametrize("path", ["/v1/info", "/seedx/v1/info"], ids=["taken off by the proxy", "left by the proxy"])
async def test_a_server_under_a_path(path: str) -> None:
    async with reached_from(PROXY, root_path="/seedx/", api_keys=("key",)) as client:
        assert (await client.post("/seedx/v1/chat", content=b"no JSON")).status_code == 401  # before the body is read
        assert (await client.get(path)).status_code == 401
        answer = await client.get(path, headers={"Authorization": "Bearer key"})
        assert answer.status_code == 200 and answer.json()["name"] == "scripted"
        assert (await client.get("/seedx/health/ready")).text == "ready\n"
        assert "v1/info" in (await client.get("/seedx/")).text
        document = (await client.get("/seedx/openapi.json")).json()
        assert document["servers"] == [{"url": "/seedx"}] and "/v1/info" in document["paths"]
        assert (await client.get("/seedxv1/info")).status_code == 404
        assert (await client.get("/seedx/metrics/")).status_code == 404, "no redirect, which would lose the path"


@pytest.mark.parametrize("prefix", ["", "/seedx", "/seedx/seedx", "/seedx/seedx/seedx"])
async def test_a_root_path_that_comes_twice_is_no_way_around_the_key(prefix: str) -> None:
    async with reached_from(PROXY, root_path="/seedx", api_keys=("key",), keys_everywhere=True) as client:
        for path in ("/metrics", "/openapi.json"):
            assert (await client.get(f"{prefix}{path}")).status_code == 401
        answer = await client.post(f"{prefix}/v1/chat", content=b"no JSON")
        assert answer.status_code == 401, "before the body is read"


@pytest.mark.parametrize("proxy", ["*", "proxy.example", "10.0.0.1/8", "10.0.0", ""])
def test_a_proxy_is_an_address_or_a_network(proxy: str) -> None:
    with pytest.raises(InputError, match="use an address"):
        checked_proxy(proxy)
    with pytest.raises(ValidationError, match="use an address"):
        ServerSettings(trusted_proxies=(proxy,))


@pytest.mark.parametrize("path", ["seedx", "/v1", "/health/seedx", "//seedx", "/a//b", "/a?b", "https://example.org"])
def test_a_root_path_is_a_path(path: str) -> None:
    with pytest.raises(InputError, match="root path"):
        checked_root_path(path)


def test_root_paths() -> None:
    assert [checked_root_path(path) for path in ("", "/", "/seedx", "/ai/seedx/")] == ["", "", "/seedx", "/ai/seedx"]
