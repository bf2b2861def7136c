"""What decides the next step of an assistant: a LangChain chat model, or rules where there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, SystemMessage, message_chunk_to_message
from langchain_core.tools import BaseTool

from seedx_agents.assistant.image_memory import ImageMemory
from seedx_sdk.errors import InputError

Say: TypeAlias = Callable[[str], None]
"""Called with each piece of text as it is said."""


class Policy(Protocol):
    """Decides what comes next."""

    name: str
    warnings: tuple[str, ...]
    """What the user should know of its answers."""

    def decide(self, messages: Sequence[BaseMessage], say: Say) -> AIMessage:
        """Return tool calls, or the answer to the last request."""
        ...


class ChatModelPolicy:
    """A LangChain chat model with the tools bound to it.

    Args:
        model: Any chat model that calls tools.
        tools: The tools; it never runs them itself.
        system_prompt: Its text.
        album: Where the pictures are that messages name.
        show_pictures: Whether it gets pixels; False for a chat model that cannot see.

    Raises:
        InputError: The chat model calls no tools.
    """

    warnings: tuple[str, ...] = ()

    def __init__(
        self,
        model: BaseChatModel,
        tools: Sequence[BaseTool],
        *,
        system_prompt: str,
        album: ImageMemory,
        show_pictures: bool,
    ) -> None:
        self.name = model._llm_type
        try:
            self._model = model.bind_tools(tools)
        except NotImplementedError as error:
            raise InputError(
                f"{type(model).__name__} calls no tools; use a chat model with bind_tools, or none: then rules decide"
            ) from error
        self._system_message = SystemMessage(system_prompt)
        self._album, self._show_pictures = album, show_pictures

    def decide(self, messages: Sequence[BaseMessage], say: Say) -> AIMessage:
        """Return the chat model's next message."""
        shown = self._album.show(messages, pixels=self._show_pictures)
        whole: AIMessageChunk | AIMessage | None = None
        for piece in self._model.stream([self._system_message, *shown]):
            if piece.text:
                say(piece.text)
            both_chunks = isinstance(whole, AIMessageChunk) and isinstance(piece, AIMessageChunk)
            whole = whole + piece if both_chunks else piece  # type: ignore[assignment, operator]
        message = AIMessage("") if whole is None else message_chunk_to_message(whole)
        if not isinstance(message, AIMessage):
            raise InputError(f"{self.name} answered with a {message.type} message; a chat model must answer as ai")
        return message
