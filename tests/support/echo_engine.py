"""An engine that answers each request with its own words and an image of its seed: no two answers are alike."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from PIL import Image

from seedx_sdk import Message
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import ChatReply, ImageDone, ImageProgress, ReplyDone, Request, StreamEvent, TextDelta
from tests.support.http_server import Scripted

PIECES = 5
ENDLESS = "endless"
"""A request with these words is answered without end."""


@dataclass
class Echo(Scripted):
    """Answers in pieces between which others have their turn."""

    runs: Counter[str] = field(default_factory=Counter)
    """Requests that it got, by their words."""

    async def stream(
        self,
        request: Request,
        *,
        deadline: float | None = None,  # noqa: ARG002
    ) -> AsyncGenerator[StreamEvent, None]:
        text, seed = request.messages[-1].text, request.options.seed
        self.runs[text] += 1
        message = Message.assistant(*pieces(text), *([image_of(seed)] if request.makes_image else []))
        try:
            while text == ENDLESS:
                await asyncio.sleep(0.001)
                yield TextDelta(text="x" * 65536)
            for piece in pieces(text):
                await asyncio.sleep(0)
                yield TextDelta(text=piece)
            if request.makes_image:
                yield ImageProgress(step=1, total=1)
                yield ImageDone(image=image_of(seed), text=text)
            yield ReplyDone(reply=_reply(message, seed))
        except (GeneratorExit, asyncio.CancelledError):
            self.stopped += 1
            raise


def pieces(text: str) -> list[str]:
    return [f"{text} {n}" for n in range(PIECES)]


def image_of(seed: int) -> Image.Image:
    return Image.new("RGB", (8, 8), (seed % 256, seed // 256 % 256, seed // 65536))


def _reply(message: Message, seed: int) -> ChatReply:
    info = ScriptedEngine().info
    return ChatReply(
        message=message, boxes=(), seed=seed, model=info.name, revision=info.revision, timings={}, warnings=()
    )
