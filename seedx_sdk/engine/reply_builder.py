"""Assembles tokens and images into one reply, and gives an event for each piece."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PIL import Image

from seedx_sdk.engine.stop_texts import StopTexts
from seedx_sdk.model.text_stream import TextStream
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.tokens import BOX_END, BOX_START, box_to_normalized, clean_text, parse_boxes
from seedx_sdk.types import (
    Box,
    BoxFound,
    ChatReply,
    ImageDone,
    ImagePart,
    Message,
    ModelInfo,
    ReplyDone,
    Request,
    StreamEvent,
    TextDelta,
    TextPart,
    Usage,
)

__all__ = ["ReplyBuilder"]


class ReplyBuilder:
    """One reply in progress.

    Args:
        info: Name and revision for the result.
        tokenizer: Turns ids into text.
        request: The request; boxes are measured on its last image, or on the generated one.
        open_label: Label of the box that the prompt has opened; None if it has opened none.
    """

    def __init__(
        self,
        info: ModelInfo,
        tokenizer: Tokenizer,
        request: Request,
        *,
        open_label: str | None = None,
    ) -> None:
        self._info, self._tokenizer, self._request = info, tokenizer, request
        self._prompt_tokens, self._completion_tokens, self._images = 0, 0, 0
        self._ended = False
        self._written: list[int] = []
        self._timings: dict[str, float] = {}
        self._parts: list[TextPart | ImagePart] = []
        self._boxes: list[Box] = []
        self._run = TextStream(tokenizer.pieces)  # of the ids since the last box
        self._run_text: list[str] = []  # what came of it
        self._separator = ""  # between the text before the last box and the text after it
        self._box: list[int] | None = None if open_label is None else []  # ids inside the open box
        self._open_label = open_label
        self._text: list[str] = []  # since the last image
        self._stop = StopTexts(request.options.stop)
        images = [image for message in request.messages for image in message.images]
        size = (info.image_size, info.image_size)
        if request.options.width and request.options.height:
            size = (request.options.width, request.options.height)
        generates = request.makes_image or not images
        self._canvas = size if generates else images[-1].size

    def add_token(self, token_id: int) -> Iterator[StreamEvent]:
        """Add the next id; yield the text or the box that it completes."""
        ids = self._tokenizer
        self._completion_tokens += 1
        self._ended = token_id == ids.eos_id
        if not self._ended:
            self._written.append(token_id)
        if token_id == ids.token_to_id(BOX_START):
            self._box = []
        elif token_id == ids.token_to_id(BOX_END) and self._box is not None:
            yield from self._close_box([*self._box])
        elif self._box is not None:
            self._box.append(token_id)
        elif ids.is_text(token_id) and (text := self._run.add(token_id)):
            begins = not self._run_text
            self._run_text.append(text)
            yield from self.add_text(f"{self._separator}{text.lstrip()}" if begins and self._joins else text)

    @property
    def _joins(self) -> bool:
        """Whether text of the same part came before the last box."""
        return bool(self._separator and self._text)

    def _close_box(self, inside: list[int]) -> Iterator[StreamEvent]:
        bins_text = "".join(self._tokenizer.decode([i]) for i in inside)
        label = clean_text("".join(self._run_text)).split(":")[-1].strip(" ,.")
        if not self._boxes and self._open_label is not None:
            label = self._open_label
        self._box, self._separator = None, " "
        self._begin_run()
        for bins in parse_boxes(f"{BOX_START}{bins_text}{BOX_END}"):
            box = Box.on(label, box_to_normalized(bins), self._canvas)
            self._boxes.append(box)
            self._separator = ", "
            yield BoxFound(box=box)

    def _begin_run(self) -> None:
        self._run, self._run_text = TextStream(self._tokenizer.pieces), []

    def add_prompt(self, count: int) -> None:
        """Add the tokens of a prompt, of which a story has one for each page."""
        self._prompt_tokens += count

    def add_text(self, text: str) -> Iterator[StreamEvent]:
        """Add text; yield what of it is certain to be before the first stop text."""
        yield from self._told(self._stop.add(text))

    def release(self) -> Iterator[StreamEvent]:
        """Yield the text that was held back; an image or the end follows."""
        yield from self._told(self._stop.release())

    def _told(self, text: str) -> Iterator[StreamEvent]:
        if text:
            self._text.append(text)
            yield TextDelta(text=text)

    @property
    def stopped(self) -> bool:
        """Whether a stop text was reached."""
        return self._stop.found

    def add_written(self, ids: Sequence[int]) -> None:
        """Add ids whose text is added apart."""
        self._completion_tokens += len(ids)
        self._ended = self._tokenizer.eos_id in ids
        self._written += [token for token in ids if token != self._tokenizer.eos_id]

    def add_image_tokens(self, count: int) -> None:
        """Add the image tokens of one image, which come all at once."""
        self._completion_tokens += count
        self._images += 1

    def add_image(self, image: Image.Image) -> StreamEvent:
        """Add a finished image."""
        text = self._flush_text()
        self._parts.append(ImagePart(image=image))
        self._begin_run()
        return ImageDone(image=image, text=text)

    def _flush_text(self) -> str:
        text, self._text = "".join(self._text).strip(), []
        if text:
            self._parts.append(TextPart(text=text))
        return text

    @property
    def written(self) -> str:
        """All that was written so far, without the end token."""
        return self._tokenizer.decode(self._written)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time of the block to a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._timings[stage] = self._timings.get(stage, 0.0) + time.perf_counter() - started

    def done(self, total: float, *, max_images: int | None) -> ReplyDone:
        """Return the last event with the whole reply.

        Args:
            total: Seconds of the whole reply; "language" is the time that no other stage took.
            max_images: After this many, the reply is complete.
        """
        self._flush_text()
        language = total - sum(self._timings.values())
        return ReplyDone(
            reply=ChatReply(
                message=Message(role="assistant", content=tuple(self._parts)),
                boxes=tuple(self._boxes),
                written=self.written,
                seed=self._request.options.seed,
                model=self._info.name,
                revision=self._info.revision,
                timings={**self._timings, "language": language},
                warnings=(),
                usage=Usage(prompt_tokens=self._prompt_tokens, completion_tokens=self._completion_tokens),
                finish_reason="stop" if self._ended or self.stopped or self._images == max_images else "length",
            )
        )
