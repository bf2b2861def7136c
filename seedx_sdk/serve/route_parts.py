"""What all routes share: who asks, with what, and a reply that ends when its reader goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, HTTPException, Request

from seedx_sdk.serve.replies import Replies

__all__ = ["Caller", "IdempotencyKey", "RepliesOf", "unless_gone"]

T = TypeVar("T")


async def _caller(request: Request) -> str:
    name: str = await request.app.state.gate(request)
    return name


async def _replies(request: Request) -> Replies:
    replies: Replies | None = getattr(request.app.state, "replies", None)
    if replies is None:
        raise HTTPException(503, "the model is still loading; try again soon", {"Retry-After": "5"})
    return replies


Caller = Annotated[str, Depends(_caller)]
"""The name of who asks, after the gate let it in."""
RepliesOf = Annotated[Replies, Depends(_replies)]
"""What answers."""
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]
"""Repeat a request with the same key and it is not computed twice."""


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Returns what the work gives; cancels it when the client goes away first.

    Raises:
        HTTPException: 499, which nobody reads.
    """

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    working, waiting = asyncio.ensure_future(work), asyncio.ensure_future(gone())
    try:
        await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise HTTPException(499, "the client went away")
    finally:
        waiting.cancel()
        working.cancel()
