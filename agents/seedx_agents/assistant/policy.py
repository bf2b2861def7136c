"""What decides the next step of an assistant: a LangChain chat model, or rules if there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, SystemMessage, message_chunk_to_message
from langchain_core.tools import BaseTool

from seedx_agents.assistant.image_memory import ImageMemory
from seedx_sdk.errors import InputError

OnText: TypeAlias = Callable[[str], None]
"""Called with each piece of text as it is written."""


class Policy(Protocol):
    """Decides the next step."""

    name: str
    warnings: tuple[str, ...]
    """What the user should know about its answers."""

    def decide(self, messages: Sequence[BaseMessage], on_text: OnText) -> AIMessage:
        """Return tool calls, or the answer to the last request."""
        ...


class ChatModelPolicy:
    """A LangChain chat model with the tools bound to it.

    Args:
        model: Any chat model that calls tools.
        tools: The tools; the policy never runs them itself.
        system_prompt: The system message.
        memory: The images that messages name.
        show_images: Whether it gets the images themselves; False for a chat model that cannot see.

    Raises:
        InputError: If the chat model calls no tools.
    """

    warnings: tuple[str, ...] = ()

    def __init__(
        self,
        model: BaseChatModel,
        tools: Sequence[BaseTool],
        *,
        system_prompt: str,
        memory: ImageMemory,
        show_images: bool,
    ) -> None:
        self.name = model._llm_type
        try:
            self._model = model.bind_tools(tools)
        except NotImplementedError as error:
            raise InputError(
                f"{type(model).__name__} cannot call tools; use a chat model with bind_tools, or none for a "
                "rule-based policy"
            ) from error
        self._system_message = SystemMessage(system_prompt)
        self._memory, self._show_images = memory, show_images

    def decide(self, messages: Sequence[BaseMessage], on_text: OnText) -> AIMessage:
        """Return the chat model's next message."""
        shown = self._memory.show(messages, pixels=self._show_images)
        whole: AIMessageChunk | AIMessage | None = None
        for piece in self._model.stream([self._system_message, *shown]):
            if piece.text:
                on_text(piece.text)
            both_chunks = isinstance(whole, AIMessageChunk) and isinstance(piece, AIMessageChunk)
            whole = whole + piece if both_chunks else piece  # type: ignore[assignment, operator]
        message = AIMessage("") if whole is None else message_chunk_to_message(whole)
        if not isinstance(message, AIMessage):
            raise InputError(f"{self.name} answered with a {message.type} message; a chat model must answer as ai")
        return message
