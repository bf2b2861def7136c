"""Spans of requests, replies and stages, read from an in-memory exporter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

pytest.importorskip("opentelemetry.sdk", reason="OpenTelemetry is not installed: pip install 'seedx-sdk[otel]'")

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from seedx_sdk.errors import MissingExtraError
from seedx_sdk.serve import telemetry
from tests.support.http_server import wait_until


@pytest.fixture(scope="module")
def exporter() -> Iterator[InMemorySpanExporter]:
    """The one tracer provider of the process."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    yield exporter
    provider.shutdown()


@pytest.fixture
def spans(exporter: InMemorySpanExporter) -> InMemorySpanExporter:
    exporter.clear()
    return exporter


def by_name(spans: InMemorySpanExporter, request: str) -> dict[str, ReadableSpan]:
    """Return the spans once that of the request has ended, which is a little after its client has read everything."""
    wait_until(lambda: any(span.name == request for span in spans.get_finished_spans()))
    return {span.name: span for span in spans.get_finished_spans()}


def test_a_request_and_its_stages(spans: InMemorySpanExporter, nano_server: str, http: httpx.Client) -> None:
    caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = http.post(
        f"{nano_server}/v1/tools/generate",
        json={"prompt": "a red house", "num_inference_steps": 2},
        headers={"X-Request-ID": "mine", "traceparent": caller},
    )
    assert answer.status_code == 200
    found = by_name(spans, "POST /v1/tools/generate")
    parents = {
        "seedx.reply": "POST /v1/tools/generate",
        "seedx.encode": "seedx.reply",
        "seedx.backbone": "seedx.reply",
        "seedx.query_pass": "seedx.backbone",
        "seedx.regress": "seedx.reply",
        "seedx.denoise": "seedx.reply",
    }
    assert set(found) == {"POST /v1/tools/generate", *parents}
    by_id = {span.context.span_id: span.name for span in spans.get_finished_spans() if span.context is not None}
    for name, parent in parents.items():
        assert found[name].parent is not None and by_id[found[name].parent.span_id] == parent
    for span in found.values():
        assert span.attributes is not None and span.attributes["seedx.request_id"] == "mine"
        assert span.context is not None and f"{span.context.trace_id:x}" == caller.split("-")[1].lstrip("0")
        assert span.status.is_unset
    assert found["seedx.denoise"].attributes["seedx.num_inference_steps"] == 2
    assert found["POST /v1/tools/generate"].attributes["http.response.status_code"] == 200


def test_a_streamed_reply_is_in_the_span_of_its_request(
    spans: InMemorySpanExporter, nano_server: str, http: httpx.Client
) -> None:
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "Draw a red house."}]}]}
    text = http.post(f"{nano_server}/v1/chat", json={**body, "options": {"num_inference_steps": 2}}).text
    assert "reply_done" in text
    found = by_name(spans, "POST /v1/chat")
    request, reply = found["POST /v1/chat"], found["seedx.reply"]
    assert request.context is not None and reply.parent is not None
    assert reply.parent.span_id == request.context.span_id
    assert "seedx.denoise" in found


def test_a_rejected_request_has_a_span_and_health_has_none(
    spans: InMemorySpanExporter, nano_server: str, http: httpx.Client
) -> None:
    http.get(f"{nano_server}/health/ready")
    http.post(f"{nano_server}/v1/tools/generate", json={"prompt": ""})
    span = by_name(spans, "POST /v1/tools/generate")["POST /v1/tools/generate"]
    assert len(spans.get_finished_spans()) == 1
    assert span.attributes is not None and span.attributes["http.response.status_code"] == 400


def test_spans_are_exported_to_the_endpoint_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    telemetry.export_spans()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(MissingExtraError, match=r"seedx-sdk\[otel\]"):
        telemetry.export_spans()


def test_without_opentelemetry_nothing_changes() -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from seedx_sdk import tracing\n"
        "with tracing.span('reply', task='chat') as span:\n    assert span is None and not tracing.IS_INSTALLED\n"
        "import seedx_sdk.serve.app\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
