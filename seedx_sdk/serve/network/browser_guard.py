"""What keeps web pages of other sites away from a server that asks for no key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from fastapi import HTTPException, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["BrowserGuard"]

_LOCAL = ("localhost", "127.0.0.1", "::1")


class BrowserGuard:
    """Answers 421 to a foreign Host and 403 to a foreign Origin, as browsers send them.

    A page of any site may make a browser send requests to this machine. If its name resolves to 127.0.0.1, it may read
    the answers too, but its requests carry its own name as Host.

    Args:
        app: What is guarded.
        hosts: Further names of this server.
        origins: Origins whose pages may call it.
        error_response: Makes the response for an error.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Sequence[str],
        origins: Sequence[str],
        error_response: Callable[[Request, HTTPException], Awaitable[Response]],
    ) -> None:
        self._app, self._error_response = app, error_response
        self._hosts, self._origins = {*_LOCAL, *hosts}, set(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or send an error response."""
        if scope["type"] == "http" and (error := self._refusal(request := Request(scope))) is not None:
            await (await self._error_response(request, error))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, request: Request) -> HTTPException | None:
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
        if _name(f"//{host}") not in self._hosts:
            return HTTPException(
                421, f"this server has no keys and is not {host!r}; set API keys, or allow the name with --allowed-host"
            )
        if origin is not None and origin not in self._origins and _name(origin) not in self._hosts:
            return HTTPException(403, f"pages of {origin} may not call this server; allow them with --cors-origin")
        return None


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # a broken IPv6 address
        return None
