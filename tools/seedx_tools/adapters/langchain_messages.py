"""LangChain messages as SDK messages, and SDK events as LangChain chunks."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import ToolCallChunk
from langchain_core.outputs import ChatGenerationChunk
from PIL import Image

from seedx_sdk.engine.token_count import ImageSize
from seedx_sdk.errors import ImageError, PromptError
from seedx_sdk.imaging import image_size, open_image, to_png
from seedx_sdk.types import (
    ChatReply,
    ContentPart,
    ImageDone,
    ImagePart,
    Message,
    ReplyDone,
    StreamEvent,
    TextDelta,
    TextPart,
)
from seedx_tools.adapters.langchain_guided import GuidedCall
from seedx_tools.arguments import reference
from seedx_tools.workspace import Workspace


def conversation(messages: Sequence[BaseMessage], workspace: Workspace) -> list[Message]:
    """Return the messages as the SDK's; a system message is prepended to the next user message.

    Calls of tools become the text that calls them, and their results user messages.

    Args:
        messages: System, human, AI and tool messages with text and image blocks.
        workspace: Resolves images that are not embedded.

    Raises:
        PromptError: If a message or a block is of another kind.
        ImageError: If an image cannot be read.
    """
    converted: list[Message] = []
    system: tuple[ContentPart, ...] = ()
    called: dict[str | None, str] = {}
    for message in messages:
        parts = tuple(_parts(message, workspace))
        if isinstance(message, SystemMessage):
            system += parts
        elif isinstance(message, HumanMessage):
            converted.append(Message(role="user", content=(*system, *parts)))
            system = ()
        elif isinstance(message, AIMessage):
            called |= {call["id"]: call["name"] for call in message.tool_calls}
            converted.append(Message(role="assistant", content=parts))
        elif isinstance(message, ToolMessage):
            name = message.name or called.get(message.tool_call_id, "a tool")
            converted.append(Message(role="user", content=(TextPart(text=f"Result of {name}:"), *parts)))
        else:
            raise PromptError(f"ChatSeedX takes no {message.type} message; use system, human, AI and tool messages")
    return converted


def _parts(message: BaseMessage, workspace: Workspace) -> Iterator[ContentPart]:
    for block in message.content_blocks:
        if block["type"] == "text":
            if block["text"].strip():
                yield TextPart(text=block["text"])
        elif block["type"] == "image":
            yield ImagePart(image=open_image(workspace.resolve_image(reference(block))))
        elif block["type"] == "tool_call":
            yield TextPart(text=json.dumps({"tool": block["name"], "arguments": block["args"]}, ensure_ascii=False))
        else:
            raise PromptError(f"ChatSeedX reads text and images, not a block of type {block['type'][:40]!r}")


_BLANK = ImagePart(image=Image.new("RGB", (1, 1)))


def countable(messages: Sequence[BaseMessage]) -> tuple[list[Message], list[ImageSize]]:
    """Return any messages as the SDK's, to count their tokens: blank images, and the sizes of the real ones.

    Nothing is fetched or decoded; the size of an image that is not embedded is None. Blocks that ChatSeedX does not
    read, such as tool calls, count as the text of their JSON.
    """
    converted: list[Message] = []
    sizes: list[ImageSize] = []
    system: tuple[ContentPart, ...] = ()
    for message in messages:
        parts: list[ContentPart] = []
        for block in message.content_blocks:
            if block["type"] == "image":
                sizes.append(_size(block))
                parts.append(_BLANK)
                continue
            data = {name: value for name, value in block.items() if name not in ("base64", "data")}
            text = block["text"] if block["type"] == "text" else json.dumps(data, default=str)
            if text.strip():
                parts.append(TextPart(text=text))
        if isinstance(message, SystemMessage):
            system += tuple(parts)
            continue
        converted.append(
            Message(role="assistant" if isinstance(message, AIMessage) else "user", content=(*system, *parts))
        )
        system = ()
    return [*converted, *([Message(role="user", content=system)] if system else [])], sizes


def _size(block: Mapping[str, Any]) -> ImageSize:
    try:
        given = reference(block)
        return image_size(given) if given.startswith("data:") else None
    except (ValueError, ImageError):  # the call says what is wrong with it
        return None


def image_block(image: Image.Image) -> dict[str, Any]:
    """Return LangChain's content block of an image, as PNG."""
    return {"type": "image", "base64": base64.b64encode(to_png(image)).decode("ascii"), "mime_type": "image/png"}


class ChunkWriter:
    """Turns the events of one reply into chunks.

    Args:
        guided: The form of the reply; the text of one that may call a tool is read whole.
    """

    def __init__(self, guided: GuidedCall) -> None:
        self._guided = guided
        self.done = False

    def chunks(self, event: StreamEvent) -> Iterator[ChatGenerationChunk]:
        """Yield the chunks of an event; `done` is True after the last one."""
        if isinstance(event, TextDelta):
            if not self._guided.tools:
                yield _chunk(event.text)
        elif isinstance(event, ImageDone):
            yield _chunk([image_block(event.image)])
        elif isinstance(event, ReplyDone):
            yield self._last(event.reply)

    def _last(self, reply: ChatReply) -> ChatGenerationChunk:
        self.done = True
        metadata = {
            "model_name": reply.model,
            "model_provider": "seedx",
            "revision": reply.revision,
            "finish_reason": reply.finish_reason,
            "seed": reply.seed,
            "warnings": list(reply.warnings),
            "boxes": [box.model_dump(mode="json") for box in reply.boxes],
        }
        usage = None
        if reply.usage is not None:
            usage = UsageMetadata(
                input_tokens=reply.usage.prompt_tokens,
                output_tokens=reply.usage.completion_tokens,
                total_tokens=reply.usage.total_tokens,
            )
        text, calls = self._guided.read(reply.message.text) if self._guided.tools else ("", [])
        return _chunk(text, calls, position="last", metadata=metadata, usage=usage)


def _chunk(
    content: str | list[str | dict[str, Any]],
    calls: Sequence[ToolCallChunk] = (),
    *,
    position: Literal["last"] | None = None,
    metadata: dict[str, Any] | None = None,
    usage: UsageMetadata | None = None,
) -> ChatGenerationChunk:
    return ChatGenerationChunk(
        message=AIMessageChunk(
            content=content,
            tool_call_chunks=[*calls],
            chunk_position=position,
            response_metadata=metadata or {},
            usage_metadata=usage,
        )
    )
