"""The spans of a language model's answer."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from seedx_sdk import tracing
from seedx_sdk.engine.backbones.base import QueryStates, TokenChunk

if TYPE_CHECKING:
    from opentelemetry.trace import Span

__all__ = ["traced"]


async def traced(
    answer: AsyncGenerator[TokenChunk | QueryStates, None], parent: Span | None
) -> AsyncGenerator[TokenChunk | QueryStates, None]:
    """Passes an answer on: a span for each run of words up to a picture or the end, in it one for the query pass."""
    async with aclosing(answer):
        goes_on = True
        while goes_on:
            goes_on = False
            with tracing.span("backbone", parent=parent) as words:
                asked = time.time_ns()
                async for event in answer:
                    if isinstance(event, QueryStates):
                        with tracing.span("query_pass", parent=words, start=asked):
                            goes_on = True
                        break
                    yield event
                    asked = time.time_ns()
            if goes_on:
                yield event
