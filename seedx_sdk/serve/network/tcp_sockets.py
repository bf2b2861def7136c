"""The TCP sockets that a server listens on."""

from __future__ import annotations

import contextlib
import socket
import sys
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
                if sys.platform == "linux" and port:
                    stack.enter_context(_claimed(str(address[0]), port))
                bound.bind(address)
                sockets.append(bound)
        except OSError as error:
            raise InputError(
                f"cannot listen on {host} port {port} ({error.strerror}); choose another --port or --host"
            ) from error
        yield sockets


def _claimed(address: str, port: int) -> socket.socket:
    """Return a socket that only one process can have, for as long as it lives.

    With SO_REUSEADDR, without which a port is blocked for a minute after its last server, Linux lets several processes
    bind a port as long as none listens on it. Names that begin with a zero belong to the network, as ports do, and are
    no files.

    Raises:
        OSError: If another process has it.
    """
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0seedx {address} {port}")
    except OSError:
        claim.close()
        raise
    return claim
