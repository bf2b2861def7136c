"""A request as the text that the model was trained to read, with image tokens in place of its images."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from seedx_sdk import prompts
from seedx_sdk.errors import PromptError
from seedx_sdk.model.config import PromptStyle
from seedx_sdk.types import ImagePart, Message, Request, Task, TextPart

if TYPE_CHECKING:
    from seedx_sdk.model.tokenizer import Tokenizer

__all__ = ["normalized", "prompt_ids", "segments"]

_DESCRIBE = "Describe the picture."
_TYPOGRAPHY = str.maketrans({"\u2018": "'", "\u2019": "'", "\u2013": "-", "\u2014": "-"})
_DECORATION = re.compile(r"[\"\u201c\u201d\u201e\u00ab\u00bb()\[\]{}*]|(?<!\w)'|'(?!\w)")
_CONTRACTION = re.compile(r"\b(what|where|which|who|how|that|there|it|here)'s\b")
_NUMBER = re.compile(r"(?<![\w.,:-])([1-4])(?![\w:-]|[.,]\d)")
_NUMBER_WORDS = ("one", "two", "three", "four")


def prompt_ids(request: Request, blocks: Sequence[str], style: PromptStyle, tokenizer: Tokenizer) -> list[int]:
    """Return the tokens that the model reads; arguments and errors as for `segments`."""
    ids = [tokenizer.bos_id]
    for segment in segments(request, blocks, style):
        ids += tokenizer.encode(segment)
    return ids


def segments(request: Request, blocks: Sequence[str], style: PromptStyle = "instruct") -> list[str]:
    """Return the segments of the conversation, to be encoded one by one.

    Args:
        request: The conversation.
        blocks: The image tokens of each image, in order.
        style: The prompt templates to use.

    Raises:
        PromptError: If a foundation model is given more than one question.
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


def normalized(request: Request) -> Request:
    """Return the request with the user's texts as a model of a small language was trained to read them.

    Case, white space, typography and closing punctuation say nothing there, and numbers are words. What is shown to
    the user stays as it was given.
    """
    messages = (
        message.model_copy(
            update={
                "content": tuple(
                    TextPart(text=_plain(part.text, request.task)) if isinstance(part, TextPart) else part
                    for part in message.content
                )
            }
        )
        if message.role == "user"
        else message
        for message in request.messages
    )
    return replace(request, messages=tuple(messages))


def _plain(text: str, task: Task) -> str:
    """Return a caption, phrase or instruction in lower case without a full stop; questions as sentences."""
    plain = unicodedata.normalize("NFKC", text).translate(_TYPOGRAPHY)
    is_sentence = task in ("describe", "story") or (task == "chat" and plain.lstrip()[:1].isupper())
    plain = _DECORATION.sub(" ", plain.lower()).replace("&", " and ").replace(";", ",").replace("!", ".")
    plain = _CONTRACTION.sub(r"\1 is", plain)
    plain = _NUMBER.sub(lambda match: _NUMBER_WORDS[int(match[1]) - 1], plain)
    plain = re.sub(r"(?<=[^\W\d_])-(?=[^\W\d_])", " ", plain)
    plain = re.sub(r"\s*([.,?:])[.,?:\s]*", r"\1 ", plain)
    plain = " ".join(plain.split())
    if task in ("generate", "edit", "detect"):
        plain = plain.strip(" .,?:").replace(". ", ", ").replace(", and ", " and ")
        plain = plain.replace("an image of", "a picture of")
    elif is_sentence:
        plain = re.sub(r"(?:^|(?<=[.?] ))\w", lambda match: match[0].upper(), plain)
    return plain or text


def _base(request: Request, images: str) -> str:
    """Return the prompt of a foundation model; images go before the text."""
    if len(request.messages) > 1:
        raise PromptError("a foundation model answers one question at a time; leave out the earlier messages")
    text = request.messages[0].text
    if request.task == "generate":
        if images:
            raise PromptError("a foundation model generates from text alone; leave out the images")
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
    elif request.task == "try_on":
        text = prompts.try_on_request()
    if request.task == "chat":
        return _inline(message, waiting)
    return "".join(next(waiting) for _ in message.images) + text


def _inline(message: Message, waiting: Iterator[str]) -> str:
    """Return the parts of a message in order."""
    return "".join(next(waiting) if isinstance(part, ImagePart) else part.text for part in message.content)
