"""A stand-in for the model in YOUR unit tests: no weights, no torch, no intelligence.

    seedx = SeedX(engine=ScriptedEngine([Message.assistant("a red house")]))
    assert seedx.describe(image).text == "a red house"

It returns what its script says, so it shows that your code calls SeedX correctly, never that SEED-X is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw

from seedx_sdk.engine.stop_texts import StopTexts
from seedx_sdk.types import (
    Box,
    BoxFound,
    ChatReply,
    ContentPart,
    ImageDone,
    ImageProgress,
    Message,
    ModelInfo,
    Notice,
    ReplyDone,
    Request,
    StreamEvent,
    TextDelta,
    TextPart,
    Usage,
)

__all__ = ["ScriptedEngine"]

_INFO = ModelInfo(
    name="scripted",
    revision="0",
    image_size=128,
    sizes="other sizes are drawn too",
    is_picture_book=True,
    max_size=512,
    tasks=("describe", "detect", "generate", "chat", "edit", "try_on"),
    specialists=("try_on",),
)
_STEPS = 4


@dataclass
class ScriptedEngine:
    """An engine that plays a script: each request takes the next reply; an exception in the script is raised.

    When the script is exhausted, or there is none, it answers from the request alone: a fixed sentence, the box
    (0.25, 0.25, 0.75, 0.75) for detect, and for generate, edit, try_on and each page of a story a flat image
    whose color depends on the seed.
    It counts words as tokens.
    """

    replies: Sequence[Message | Exception] = ()
    boxes: tuple[Box, ...] = ()
    """Boxes that each scripted reply carries."""
    notices: tuple[str, ...] = ()
    """Warnings that each reply carries."""
    info: ModelInfo = _INFO
    requests: list[Request] = field(default_factory=list)
    """Every request that came, in order."""

    def stream(self, request: Request, cancel: Callable[[], bool] | None = None) -> Iterator[StreamEvent]:
        """Yield the events of the next scripted reply."""
        index = len(self.requests)
        self.requests.append(request)
        scripted = self.replies[index] if index < len(self.replies) else None
        if isinstance(scripted, Exception):
            raise scripted
        message, boxes = (scripted, self.boxes) if scripted else self._default(request)
        for text in self.notices:
            yield Notice(text=text)
        for box in boxes:
            yield BoxFound(box=box)
        said, stop, parts = "", StopTexts(request.options.stop), list[ContentPart]()
        for part in message.content:
            if isinstance(part, TextPart):
                said = stop.add(part.text) + ("" if stop.found else stop.release())
                if said:
                    yield TextDelta(text=said)
                    parts.append(TextPart(text=said))
                if stop.found:
                    break
                continue
            for step in range(1, _STEPS + 1):
                if cancel is not None and cancel():
                    return
                yield ImageProgress(step=step, total=_STEPS)
            yield ImageDone(image=part.image, text=said)
            parts.append(part)
        message = Message(role="assistant", content=tuple(parts))
        if cancel is not None and cancel():
            return
        yield ReplyDone(
            reply=ChatReply(
                message=message,
                boxes=boxes,
                written=message.text,
                seed=request.options.seed,
                model=self.info.name,
                revision=self.info.revision,
                timings={},
                warnings=self.notices,
                usage=Usage(prompt_tokens=_words(*request.messages), completion_tokens=_words(message)),
            )
        )

    def _default(self, request: Request) -> tuple[Message, tuple[Box, ...]]:
        last = request.messages[-1]
        if request.task == "detect":
            return Message.assistant("here it is"), (Box.on(last.text, (0.25, 0.25, 0.75, 0.75), last.images[-1].size),)
        if request.makes_image and request.options.force_image:
            return Message.assistant("here is the image", _flat_image(request, self.info.image_size)), ()
        if request.task == "story":
            pages = range(1, (request.options.max_images or 1) + 1)
            image = _flat_image(request, self.info.image_size)
            return Message.assistant(*(part for page in pages for part in (f"scripted page {page}", image))), ()
        return Message.assistant(f"a scripted answer about {len(last.images)} picture(s)"), ()


def _words(*messages: Message) -> int:
    return sum(len(message.text.split()) for message in messages)


def _flat_image(request: Request, side: int) -> Image.Image:
    size = (request.options.width or side, request.options.height or side)
    hue = request.options.seed * 47 % 360
    image = Image.new("RGB", size, f"hsl({hue}, 70%, 85%)")
    box = (size[0] // 4, size[1] // 4, size[0] * 3 // 4, size[1] * 3 // 4)
    ImageDraw.Draw(image).rectangle(box, fill=f"hsl({hue}, 70%, 45%)")
    return image
