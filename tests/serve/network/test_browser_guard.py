"""Web pages of other sites and a server on this machine."""

from __future__ import annotations

import httpx
import pytest

from tests.support.http_server import Serve

PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


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
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_server_without_keys_answers_pages_of_this_machine(
    serve: Serve, http: httpx.Client, headers: dict[str, str], status: int
) -> None:
    address = serve(cors_origins=("https://app.example",), allowed_hosts=("my.laptop",))
    answer = http.get(f"{address}/v1/models", headers=headers)
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["error"]["code"] == {421: "wrong_host", 403: "forbidden"}[status]


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
