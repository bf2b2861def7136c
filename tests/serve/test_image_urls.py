from __future__ import annotations

import httpx

from tests.support.http_server import Serve


def test_a_server_fetches_only_from_allowed_hosts(serve: Serve, http: httpx.Client) -> None:
    body = {
        "messages": [
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "http://images.example.org/a.png"}}],
            }
        ]
    }
    for settings in ({}, {"image_hosts": ("localhost",)}):
        answer = http.post(f"{serve(**settings)}/v1/chat/completions", json=body)
        assert answer.status_code == 400 and "fetches no images" in answer.json()["error"]["message"]
    body["messages"][0]["content"][0]["image_url"]["url"] = "http://localhost/a.png"  # type: ignore[index]
    answer = http.post(f"{serve(image_hosts=('localhost',))}/v1/chat/completions", json=body)
    assert answer.status_code == 400 and "private network" in answer.json()["error"]["message"]
