"""A request as the text that the model was trained to read, with image tokens in the place of its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seedx_sdk import prompts
from seedx_sdk.errors import PromptError
from seedx_sdk.model.config import PromptStyle
from seedx_sdk.types import ImagePart, Message, Request

__all__ = ["segments"]

_DESCRIBE = "Describe the picture."


def segments(request: Request, blocks: Sequence[str], style: PromptStyle = "instruct") -> list[str]:
    """Returns the segments of the conversation, to be encoded one by one.

    Args:
        request: What was said.
        blocks: The image tokens that stand for each picture, in order.
        style: Whose prompts.

    Raises:
        PromptError: A foundation model is asked for more than one answer to one question.
    """
    if style == "base":
        return [_base(request, "".join(blocks))]
    waiting = iter(blocks)
    turns: list[tuple[str, str]] = []
    user = ""
    for message in request.messages[:-1]:
        text = _inline(message, waiting)
        if message.role == "user":
            user = f"{user} {text}".strip()
        else:
            turns.append((user, text))
            user = ""
    question = f"{user} {_last(request, waiting)}".strip()
    return prompts.chat_segments(turns, question)


def _base(request: Request, images: str) -> str:
    """Returns the prompt of a foundation model; pictures go before the words."""
    if len(request.messages) > 1:
        raise PromptError("a foundation model answers one question at a time; leave out what was said before")
    text = request.messages[0].text
    if request.task == "generate":
        if images:
            raise PromptError("a foundation model draws from words alone; leave out the pictures")
        return prompts.base_generate(text)
    if request.task == "detect":
        return prompts.base_detect(text, images)
    return prompts.base_question(text or _DESCRIBE, images)


def _last(request: Request, waiting: Iterator[str]) -> str:
    message = request.messages[-1]
    text = message.text
    if request.task == "describe":
        text = text or _DESCRIBE
    elif request.task == "detect":
        text = prompts.detect_question(text)
    elif request.task == "generate" and not message.images:
        text = prompts.generate_request(text)
    if request.task == "chat":
        return _inline(message, waiting)
    return "".join(next(waiting) for _ in message.images) + text


def _inline(message: Message, waiting: Iterator[str]) -> str:
    """Returns the parts of a message in the order in which they were said."""
    return "".join(next(waiting) if isinstance(part, ImagePart) else part.text for part in message.content)
