"""A server that answers every request alike, on a real port, and notes who asks: one thread and no event loop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydantic import TypeAdapter

from seedx_sdk import Message, StreamEvent
from seedx_sdk.options import GenerationOptions
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import Request

_EVENT: TypeAdapter[StreamEvent] = TypeAdapter(StreamEvent)
_HELLO = Request(task="chat", messages=(Message.user("hello"),), options=GenerationOptions())


@dataclass
class StubServer:
    """What a test knows of it."""

    address: str = ""
    ports: list[int] = field(default_factory=list)
    """Of the connection that each request came on, in order."""
    keys: list[str | None] = field(default_factory=list)
    """What each request has as authorization."""


@contextmanager
def stub_server(words: str) -> Iterator[StubServer]:
    """Serve replies of these words."""
    stub = StubServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # connections stay open

        def do_GET(self) -> None:
            self._send(ScriptedEngine().info.model_dump_json(), "application/json")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            events = ScriptedEngine([Message.assistant(words)]).stream(_HELLO)
            lines = [f"event: {event.type}\ndata: {_EVENT.dump_json(event).decode()}\n\n" for event in events]
            self._send("".join(lines), "text/event-stream")

        def _send(self, text: str, kind: str) -> None:
            stub.ports.append(self.client_address[1])
            stub.keys.append(self.headers["authorization"])
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stub.address = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield stub
        finally:
            server.shutdown()
