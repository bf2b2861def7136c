"""Reverse proxies: which ones may name the client, and the path under which they serve the server."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from seedx_sdk.errors import InputError

__all__ = ["ForwardedClient", "RootPath", "checked_proxy", "checked_root_path"]

_UNIX = "unix"
"""The name of every client of a Unix socket."""
_OWN_PATHS = ("v1", "health", "metrics")
"""First parts of the paths of routes."""


def checked_proxy(proxy: str) -> str:
    """Return the address or network of a proxy, or "unix".

    Raises:
        InputError: If it is none of them; the message names the cure.
    """
    if proxy != _UNIX:
        try:
            ipaddress.ip_network(proxy)
        except ValueError as error:
            raise InputError(
                f"trusted proxy {proxy!r} is not allowed ({error}); use an address, such as 10.0.0.2, a network, such "
                "as 10.0.0.0/24, or 'unix'"
            ) from error
    return proxy


def checked_root_path(path: str) -> str:
    """Return a root path without a slash at its end.

    Raises:
        InputError: If it does not begin with a slash, or begins like a route; the message names the cure.
    """
    parts = path.rstrip("/").split("/")
    if len(parts) > 1 and (parts[0] or not all(parts[1:]) or parts[1] in _OWN_PATHS or "?" in path or "#" in path):
        raise InputError(f"root path {path!r} is not allowed; use one such as /seedx")
    if len(parts) == 1 and parts[0]:
        raise InputError(f"root path {path!r} is not allowed; it begins with a slash: /{path}")
    return path.rstrip("/")


class ForwardedClient:
    """Takes the client's address from `X-Forwarded-For`, and the scheme from `X-Forwarded-Proto`, of trusted proxies.

    Of the addresses in the header, the last one that is no trusted proxy is the client's: what stands before it may be
    of the client's own making. The other end of a Unix socket is called "unix".

    Args:
        app: Receives the request.
        proxies: Addresses and networks; "unix" is whoever may open the Unix socket.
    """

    def __init__(self, app: ASGIApp, proxies: Sequence[str]) -> None:
        self._app = ProxyHeadersMiddleware(app, list(proxies))  # type: ignore[arg-type]  # uvicorn has types of its own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and not (scope.get("client") or ("",))[0]:
            scope["client"] = _UNIX, 0
        await self._app(scope, receive, send)  # type: ignore[arg-type]


class RootPath:
    """Takes the root path off the path of a request, if the proxy has not done so.

    A root path that comes twice is taken off twice, as Starlette's router does: what authenticates requests by their
    path must see the path that is routed.
    """

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app, self._root_path = app, root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        while scope["type"] == "http" and f"{scope['path']}/".startswith(f"{self._root_path}/"):
            scope["path"] = scope["path"].removeprefix(self._root_path) or "/"
        await self._app(scope, receive, send)
