"""Every request has an id: the caller's or a new one. Its answer carries it, and its line in the log names it."""

from __future__ import annotations

import logging
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seedx_sdk.tracing import REQUEST_ID

__all__ = ["RequestIds"]

_LOG = logging.getLogger("seedx.access")
_NAME = "X-Request-ID"


class RequestIds:
    """ASGI middleware; routes find the id in `request.state.id`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on under its id, and logs it when its answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(_NAME, "")
        request_id = given if given.isascii() and given.isprintable() and 0 < len(given) <= 128 else uuid.uuid4().hex
        scope.setdefault("state", {})["id"] = request_id
        REQUEST_ID.set(request_id)
        started = time.perf_counter()

        async def name(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[_NAME] = request_id
                facts = {
                    "request_id": request_id,
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": message["status"],
                    "seconds": round(time.perf_counter() - started, 4),
                }
                _LOG.info("%(method)s %(path)s %(status)d", facts, extra=facts)
            await send(message)

        await self._app(scope, receive, name)
