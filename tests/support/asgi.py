"""Applications of servers in this process, without sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from seedx_sdk.serve.app import create_app
from seedx_sdk.serve.settings import ServerSettings
from seedx_tools.adapters import http as deck_route
from tests.support.http_server import Scripted, opened

__all__ = ["reached_from"]


@asynccontextmanager
async def reached_from(
    address: str | None, engine: Scripted | None = None, **settings: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client of a server over a scripted engine, connected from an address; None is a Unix socket."""
    app = create_app(opened(engine or Scripted()), ServerSettings(**settings), routers=[deck_route.router])
    peer = None if address is None else (address, 1)
    transport = httpx.ASGITransport(app, client=peer)  # type: ignore[arg-type]  # ASGI allows None
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        yield client
