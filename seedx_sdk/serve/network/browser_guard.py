"""What keeps web pages of other sites away from a server that asks for no key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from fastapi import HTTPException, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from seedx_sdk.serve.network.host_names import host_name, is_local, origin_host

__all__ = ["BrowserGuard"]


class BrowserGuard:
    """Answers 421 to a foreign Host and 403 to a foreign Origin, as browsers send them.

    A page of any site may make a browser send requests to this machine. If its name resolves to 127.0.0.1, it may read
    the answers too, but its requests carry its own name as Host.

    Args:
        app: What is guarded.
        hosts: Further names of this server.
        origins: Origins whose pages may call it; "*" is any.
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
        self._hosts, self._origins = set(hosts), set(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or send an error response."""
        if scope["type"] == "http" and (error := self._refusal(request := Request(scope))) is not None:
            await (await self._error_response(request, error))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, request: Request) -> HTTPException | None:
        hosts, origins = request.headers.getlist("host"), request.headers.getlist("origin")
        if len(hosts) != 1 or not self._is_own(host_name(hosts[0])):
            name = " and ".join(map(repr, hosts)) or "a request without a Host"
            return HTTPException(
                421, f"this server has no keys and is not {name}; set API keys, or allow the name with --allowed-host"
            )
        for origin in origins:
            if not ("*" in self._origins or origin in self._origins or self._is_own(origin_host(origin))):
                return HTTPException(403, f"pages of {origin} may not call this server; allow them with --cors-origin")
        return None

    def _is_own(self, name: str | None) -> bool:
        return name is not None and (is_local(name) or name in self._hosts)
