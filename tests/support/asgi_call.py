"""One request to an application in this process, by a client that may read slowly and may leave."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message

__all__ = ["AsgiCall"]


@dataclass
class AsgiCall:
    """A POST of JSON, and what has come back; httpx's own transport for applications cannot leave a stream."""

    path: str
    body: object
    headers: dict[str, str]
    pause: float = 0.0
    """Seconds between two reads of the answer."""
    leaves_after: int | None = None
    """Parts of the answer after which the client leaves."""
    status: int | None = None
    """None: no answer has begun."""
    answered: dict[str, str] = field(default_factory=dict)
    """Headers of the answer."""
    content: bytes = b""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client leaves."""
    is_complete: bool = False

    def json(self) -> Any:
        return json.loads(self.content)

    def events(self) -> list[dict[str, Any]]:
        """Return the server-sent events that have come, each of which must be whole, without pings."""
        blocks = self.content.decode().split("\r\n\r\n")[:-1]
        lines = [[line for line in block.split("\r\n") if not line.startswith(":")] for block in blocks]
        return [json.loads(line[6:]) for block in lines for line in block if line.startswith("data: ")]

    async def send(self, app: ASGIApp) -> None:
        """Send the request and receive the answer, as uvicorn does: what comes for a client that has left is lost."""
        content, parts, sent = json.dumps(self.body).encode(), 0, False

        async def receive() -> Message:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": content}
            await self.gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            nonlocal parts
            if self.gone.is_set():
                return
            if message["type"] == "http.response.start":
                assert self.status is None, "two answers"
                self.status = message["status"]
                self.answered = {name.decode(): value.decode() for name, value in message["headers"]}
                return
            assert not self.is_complete, "more after the end"
            self.content += message["body"]
            self.is_complete = not message.get("more_body", False)
            parts += 1
            if parts == self.leaves_after and not self.is_complete:
                self.gone.set()
            if self.pause and not self.is_complete:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.pause):
                        await self.gone.wait()

        headers = {"host": "localhost", "content-type": "application/json", "content-length": str(len(content))}
        await app(
            {
                "type": "http",
                "asgi": {"version": "3.0"},
                "http_version": "1.1",
                "method": "POST",
                "scheme": "http",
                "path": self.path,
                "raw_path": self.path.encode(),
                "query_string": b"",
                "root_path": "",
                "headers": [(n.lower().encode(), v.encode()) for n, v in {**headers, **self.headers}.items()],
                "client": ("192.0.2.1", 1),
                "server": ("localhost", 80),
            },
            receive,
            send,
        )
