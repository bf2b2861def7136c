"""The TCP sockets of a server that loads its model: they are its own before it listens."""

from __future__ import annotations

import socket

import pytest

from seedx_sdk.errors import InputError
from seedx_sdk.serve.network.tcp_sockets import tcp_sockets


def taken(host: str, port: int) -> bool:
    try:
        with tcp_sockets(host, port):
            return False
    except InputError as error:
        return "choose another --port" in str(error)


def test_a_port_belongs_to_the_first_server_although_it_does_not_listen_yet() -> None:
    with tcp_sockets("127.0.0.1", 0) as (free,):
        port = free.getsockname()[1]
    with tcp_sockets("127.0.0.1", port) as (first,):
        assert taken("127.0.0.1", port)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        first.listen()
        assert taken("127.0.0.1", port)
    assert not taken("127.0.0.1", port)


def test_a_port_is_free_at_once_after_a_server_that_closed_a_connection() -> None:
    with tcp_sockets("127.0.0.1", 0) as (listener,):
        listener.listen()
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = listener.accept()
            accepted.close()  # first, so that it is left in TIME_WAIT
            assert client.recv(1) == b""
    assert not taken("127.0.0.1", port)


def test_a_host_that_is_not_of_this_machine() -> None:
    assert taken("192.0.2.1", 8000)
