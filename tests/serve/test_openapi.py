"""The OpenAPI document says what happens."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.support.http_server import Serve

ERRORS = {"400", "401", "408", "409", "413", "422", "429", "500", "503", "504"}


def document(serve: Serve, http: httpx.Client) -> dict[str, Any]:
    described: dict[str, Any] = http.get(f"{serve()}/openapi.json").json()
    return described


def test_errors_have_their_statuses_and_form(serve: Serve, http: httpx.Client) -> None:
    described = document(serve, http)
    assert "HTTPValidationError" not in json.dumps(described)
    operations = [
        operation for path, item in described["paths"].items() if "/v1/" in path for operation in item.values()
    ]
    assert len(operations) >= 12
    for operation in operations:
        assert operation["responses"].keys() >= ERRORS, operation["operationId"]
        assert operation["security"] == [{"HTTPBearer": []}]
        assert "Retry-After" in operation["responses"]["503"]["headers"]
    form = described["components"]["schemas"]["_ErrorAnswer"]
    refused = http.post(f"{serve()}/v1/images/generations", json={}).json()
    assert refused.keys() == form["properties"].keys()
    problem = described["components"]["schemas"]["_Problem"]
    assert refused["error"].keys() == problem["properties"].keys() - {"retry_after"}


def test_bodies_and_media_types(serve: Serve, http: httpx.Client) -> None:
    paths = document(serve, http)["paths"]
    form = paths["/v1/images/edits"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["image"]["format"] == "binary" and set(form["required"]) == {"prompt", "image"}
    for path in ("/v1/chat/completions", "/v1/images/generations", "/v1/images/edits"):
        assert paths[path]["post"]["responses"]["200"]["content"].keys() == {"application/json", "text/event-stream"}
    assert list(paths["/v1/chat"]["post"]["responses"]["200"]["content"]) == ["text/event-stream"]
    assert "text/plain" in paths["/health/ready"]["get"]["responses"]["503"]["content"]
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert list(paths[path]["get"]["responses"]["200"]["content"]) == ["text/plain"]


def test_each_image_counts_for_the_rate_limit(serve: Serve, http: httpx.Client) -> None:
    address = serve(requests_per_minute=5)
    images = [http.post(f"{address}/v1/images/generations", json={"prompt": "a house", "n": n}) for n in (3, 3, 2, 1)]
    assert [answer.status_code for answer in images] == [200, 429, 429, 429]
    assert images[1].headers["Retry-After"] and images[1].json()["error"]["code"] == "rate_limit_exceeded"
