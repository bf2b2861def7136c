"""Exports the spans of a server to OpenTelemetry."""

from __future__ import annotations

import os

from seedx_sdk.errors import needs_extra

__all__ = ["export_spans"]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def export_spans() -> None:
    """Export spans to the endpoint in OpenTelemetry's environment variable; do nothing if it is not set.

    Raises:
        MissingExtraError: If OpenTelemetry is not installed.
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
