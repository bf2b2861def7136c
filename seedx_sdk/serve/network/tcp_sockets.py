"""The TCP sockets that a server listens on."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from seedx_sdk.errors import InputError

__all__ = ["tcp_sockets"]


@contextlib.contextmanager
def tcp_sockets(host: str, port: int) -> Iterator[list[socket.socket]]:
    """Bind a socket for each address of a host, and close them at the end.

    They do not listen yet, so that nobody connects to a server that is loading its model.

    Raises:
        InputError: If a port is in use, or the host is none of this machine's.
    """
    with contextlib.ExitStack() as stack:
        sockets: list[socket.socket] = []
        try:
            addresses = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, kind, protocol, _, address in dict.fromkeys(addresses):
                bound = stack.enter_context(socket.socket(family, kind, protocol))
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                bound.bind(address)
                sockets.append(bound)
        except OSError as error:
            raise InputError(
                f"cannot listen on {host} port {port} ({error.strerror}); choose another --port or --host"
            ) from error
        yield sockets
