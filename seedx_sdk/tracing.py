"""Spans for OpenTelemetry, where it is installed: of requests, replies and their stages.

Nothing is recorded unless a program sets up a tracer provider, as `opentelemetry-instrument` and `seedx serve` do.
A span is not made the current one: the events of a reply are read by whoever wants the next, and one that is left half
way would leave its span behind. The parent is therefore named.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.trace import Span

try:
    from opentelemetry import trace
except ModuleNotFoundError:
    IS_INSTALLED = False
else:
    IS_INSTALLED = True

__all__ = ["IS_INSTALLED", "REQUEST_ID", "TRACER", "span"]

TRACER = "seedx_sdk"
"""Name of our tracer."""
REQUEST_ID: ContextVar[str | None] = ContextVar("seedx_request_id", default=None)
"""Id of the request that is being answered; every span bears it as `seedx.request_id`."""


@contextmanager
def span(
    name: str, *, parent: Span | None = None, start: int | None = None, **attributes: str | int
) -> Iterator[Span | None]:
    """Record the time spent inside, and an error that comes out of it.

    Args:
        name: What is done.
        parent: The span that this one is a part of; None is the current one.
        start: When it began, in nanoseconds since 1970; None is now.
        **attributes: Facts, under "seedx." and their name.
    """
    if not IS_INSTALLED:
        yield None
        return
    request_id = REQUEST_ID.get()
    facts = attributes if request_id is None else {"request_id": request_id, **attributes}
    with trace.get_tracer(TRACER).start_span(
        f"seedx.{name}",
        context=None if parent is None else trace.set_span_in_context(parent),
        start_time=start,
        attributes={f"seedx.{key}": value for key, value in facts.items()},
    ) as opened:
        yield opened
