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
    """Pass an answer on, with a span for each stretch of text up to an image or the end; it holds the query pass's."""
    async with aclosing(answer):
        has_more = True
        while has_more:
            has_more = False
            with tracing.span("backbone", parent=parent) as text_span:
                requested = time.time_ns()
                async for event in answer:
                    if isinstance(event, QueryStates):
                        with tracing.span("query_pass", parent=text_span, start=requested):
                            has_more = True
                        break
                    yield event
                    requested = time.time_ns()
            if has_more:
                yield event
