"""Web pages of other sites and a server on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from seedx_sdk.errors import InputError
from seedx_sdk.serve.network.host_names import checked_host, checked_origin
from seedx_sdk.serve.settings import ServerSettings
from tests.support.asgi import reached_from
from tests.support.http_server import Scripted, Serve, opened, running

PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
    "Access-Control-Request-Private-Network": "true",
}


@pytest.fixture(scope="module")
def keyless() -> Iterator[str]:
    settings = ServerSettings(cors_origins=("https://App.example:443/",), allowed_hosts=("My.Laptop",))
    with running(opened(Scripted()), settings) as address:
        yield address


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8000"}, 200),
        ({"Host": "[::1]:8000"}, 200),
        ({"Host": "my.laptop"}, 200),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Origin": "https://app.example"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "localhost.evil.example"}, 421),
        ({"Host": "[::1"}, 421),
        ({"Host": "LocalHost.:8000"}, 200),
        ({"Host": "My.Laptop."}, 200),
        ({"Host": "127.0.0.2:8000"}, 200),
        ({"Host": "[0:0:0:0:0:0:0:1]"}, 200),
        ({"Host": "[::ffff:192.0.2.1]"}, 421),
        ({"Host": "0.0.0.0:8000"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": "[::1].evil.example"}, 421),
        ({"Host": "evil.example@localhost"}, 421),
        ({"Host": "localhost, evil.example"}, 421),
        ({"Host": "localhost:http"}, 421),
        ({"Origin": "HTTP://[::1]:3000"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "file://"}, 403),
        ({"Origin": "http://evil.example@localhost"}, 403),
        ({"Origin": "http://localhost, http://evil.example"}, 403),
        ({"Origin": "http://192.0.2.1"}, 403),
    ],
)
def test_a_server_without_keys_answers_pages_of_this_machine(
    keyless: str, http: httpx.Client, headers: dict[str, str], status: int
) -> None:
    answer = http.get(f"{keyless}/v1/models", headers=headers)
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["error"]["code"] == {421: "wrong_host", 403: "forbidden"}[status]


async def test_a_second_host_is_no_way_around_the_first() -> None:
    allowed = [("Host", "localhost"), ("Origin", "http://localhost")]
    async with reached_from("127.0.0.1") as client:
        for further, status in ((("Host", "evil.example"), 421), (("Origin", "http://evil.example"), 403)):
            assert (await client.get("/v1/models", headers=[*allowed, further])).status_code == status


@pytest.mark.parametrize("host", ["http://my.laptop", "my.laptop/", "*", "", "my laptop", "*.example"])
def test_an_allowed_host_is_a_name(host: str) -> None:
    with pytest.raises(InputError, match="use one such as my.laptop"):
        checked_host(host)


@pytest.mark.parametrize("origin", ["app.example", "https://app.example/path", "null", "", "https://", "https://*.app"])
def test_an_origin_has_a_scheme_and_a_name(origin: str) -> None:
    with pytest.raises(InputError, match="use one such as https://app.example"):
        checked_origin(origin)


def test_origins_are_compared_as_browsers_write_them() -> None:
    given = ("*", "https://App.example:443/", "http://[::1]:80", "http://a.b:8080", "tauri://localhost")
    assert [checked_origin(origin) for origin in given] == [
        "*",
        "https://app.example",
        "http://[::1]",
        "http://a.b:8080",
        "tauri://localhost",
    ]


def test_a_key_makes_the_host_unimportant(serve: Serve, http: httpx.Client) -> None:
    address, key = serve(api_keys=("k",)), {"Authorization": "Bearer k"}
    assert http.get(f"{address}/v1/models", headers={**key, "Host": "seedx.example"}).status_code == 200


def test_pages_of_allowed_origins_may_ask_first(serve: Serve, http: httpx.Client) -> None:
    address, origin = serve(api_keys=("k",), cors_origins=("https://app.example",)), {"Origin": "https://app.example"}
    asked = http.options(f"{address}/v1/chat/completions", headers={**origin, **PREFLIGHT})
    assert asked.status_code == 200 and asked.headers["Access-Control-Allow-Origin"] == "https://app.example"
    refused = http.post(f"{address}/v1/chat/completions", json={}, headers=origin)
    assert refused.status_code == 401 and refused.headers["Access-Control-Allow-Origin"] == "https://app.example"
    foreign = http.options(f"{address}/v1/models", headers={"Origin": "https://evil.example", **PREFLIGHT})
    assert "Access-Control-Allow-Origin" not in foreign.headers


def test_no_page_loads_foreign_scripts(serve: Serve, http: httpx.Client) -> None:
    address = serve()
    assert [http.get(f"{address}{page}").status_code for page in ("/docs", "/redoc")] == [404, 404]
    page = http.get(address)
    assert page.status_code == 200 and "Content-Security-Policy" in page.headers
