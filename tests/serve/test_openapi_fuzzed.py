"""Generated requests: no server errors, and every answer is one that the OpenAPI document has."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

pytest.importorskip("fastapi", reason="the server is not installed: pip install 'seedx-sdk[serve]'")

from seedx_sdk.serve.app import create_app
from seedx_sdk.serve.settings import ServerSettings
from seedx_tools.adapters import http as deck_route
from tests.support.http_server import EVENT_SECONDS, Scripted, opened

EXAMPLES = 40
"""Requests for each operation and mode."""
KEY = "key"


@pytest.mark.nightly
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_answers_to_generated_requests_are_documented(mode: str) -> None:
    """Requests as the document allows them, and others, which must be refused."""
    schemathesis = pytest.importorskip("schemathesis")
    app = create_app(opened(Scripted()), ServerSettings(api_keys=(KEY,)), routers=[deck_route.router])
    failures: list[str] = []
    for found in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations():
        operation = found.ok()
        if mode == "negative" and not operation.body:
            continue  # there is nothing to do wrong
        try:
            check_answers(operation, operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode)))
        except Exception as error:  # also a group of several
            failures.append(f"{operation.label}: {error!r}")
    assert not failures, "\n\n".join(failures)


def check_answers(operation: Any, cases: Any) -> None:
    from schemathesis.specs.openapi import checks

    not_checked = [checks.positive_data_acceptance]  # a schema does not say what an image is
    if operation.path == "/v1/images/edits":
        not_checked += [checks.negative_data_rejection]  # in a form, an empty list is as good as nothing

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def answer(case: Any) -> None:
        headers = {"Authorization": f"Bearer {KEY}"}
        case.call_and_validate(headers=headers, excluded_checks=not_checked, timeout=EVENT_SECONDS)

    answer()


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat", {"messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]}),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hello"}], "stream": True}),
        ("/v1/images/generations", {"prompt": "a house", "stream": True}),
    ],
)
def test_streams_are_as_documented(path: str, body: dict[str, Any]) -> None:
    """Generated requests seldom get one."""
    schemathesis = pytest.importorskip("schemathesis")
    from schemathesis.specs.openapi import checks

    app = create_app(opened(Scripted()), ServerSettings(api_keys=(KEY,)), routers=[])
    case = schemathesis.openapi.from_asgi("/openapi.json", app)[path]["POST"].Case(
        body=body, media_type="application/json"
    )
    answer = case.call_and_validate(
        headers={"Authorization": f"Bearer {KEY}"}, excluded_checks=[checks.positive_data_acceptance]
    )
    assert answer.status_code == 200 and answer.headers["content-type"][0].startswith("text/event-stream")
