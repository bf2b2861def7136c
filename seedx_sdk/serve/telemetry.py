"""OpenTelemetry of a server: a span for each request, and where spans go."""

from __future__ import annotations

import os

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seedx_sdk.errors import needs_extra
from seedx_sdk.tracing import IS_INSTALLED, TRACER

__all__ = ["RequestSpans", "export_spans"]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class RequestSpans:
    """ASGI middleware inside of `RequestIds`: a span for each request to /v1, in the caller's trace if it has one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on inside of its span."""
        if not IS_INSTALLED or scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        from opentelemetry import propagate, trace

        with trace.get_tracer(TRACER).start_as_current_span(
            scope["method"],
            context=propagate.extract(Headers(scope=scope)),
            kind=trace.SpanKind.SERVER,
            attributes={
                "seedx.request_id": scope["state"]["id"],
                "http.request.method": scope["method"],
                "url.path": scope["path"],
            },
        ) as span:

            async def note(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if (route := scope.get("route")) is not None:  # known by now
                        span.update_name(f"{scope['method']} {route.path}")
                        span.set_attribute("http.route", route.path)
                    if message["status"] >= 500:
                        span.set_status(trace.StatusCode.ERROR)
                await send(message)

            await self._app(scope, receive, note)


def export_spans() -> None:
    """Sends spans where OpenTelemetry's own variable of the environment says; does nothing without it.

    Raises:
        MissingExtraError: OpenTelemetry is not installed.
    """
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return
    with needs_extra("otel"):
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME", "seedx")})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
