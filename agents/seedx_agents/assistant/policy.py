"""What decides the next step of an assistant: a LangChain chat model, or rules if there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from langchain_core.callbacks import AsyncCallbackManager, CallbackManager
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, SystemMessage, message_chunk_to_message
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, LLMResult
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config
from langchain_core.tools import BaseTool

from seedx_agents.assistant import untraced
from seedx_agents.assistant.image_memory import ImageMemory, recent, without_images
from seedx_sdk.errors import InputError
from seedx_tools.chat_models import ChatModel, chat_models

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

    Callbacks get names in place of images.

    Args:
        model: Any chat model that calls tools.
        tools: The tools; the policy never runs them itself.
        system_prompt: The system message.
        memory: The images that messages name.
        show_images: Whether it gets the images themselves; False for a chat model that cannot see.
        history: How many turns it gets, the latest; None: all.
        config: Callbacks, tags and metadata of its calls.

    Raises:
        InputError: If the chat model calls no tools.
    """

    warnings: tuple[str, ...] = ()

    def __init__(
        self,
        model: ChatModel,
        tools: Sequence[BaseTool],
        *,
        system_prompt: str,
        memory: ImageMemory,
        show_images: bool,
        history: int | None,
        config: RunnableConfig,
    ) -> None:
        self._bare = chat_models(model)[0]
        self.name = self._bare._llm_type
        self.is_async = untraced.is_async(model)
        """Whether `adecide` waits without blocking the event loop."""
        self._model = untraced.with_tools(model, tools)
        self._system_prompt, self._memory = system_prompt, memory
        self._show_images, self._history, self._config = show_images, history, config

    def decide(self, messages: Sequence[BaseMessage], on_text: OnText) -> AIMessage:
        """Return the chat model's next message, with names in place of the images that it made."""
        named, shown = self._messages(messages)
        manager = CallbackManager.configure(**self._callbacks())
        (run,) = manager.on_chat_model_start(**self._start(named))
        try:
            answer = _Answer(self.name, on_text)
            for piece in untraced.stream(self._model, shown):
                run.on_llm_new_token(**answer.add(piece))
            message = self._memory.absorb(answer.message())
        except BaseException as error:
            run.on_llm_error(error)
            raise
        run.on_llm_end(LLMResult(generations=[[ChatGeneration(message=message)]]))
        return message

    async def adecide(self, messages: Sequence[BaseMessage], on_text: OnText) -> AIMessage:
        """Return the chat model's next message, as `decide` does."""
        named, shown = self._messages(messages)
        manager = AsyncCallbackManager.configure(**self._callbacks())
        (run,) = await manager.on_chat_model_start(**self._start(named))
        try:
            answer = _Answer(self.name, on_text)
            async for piece in untraced.astream(self._model, shown):
                await run.on_llm_new_token(**answer.add(piece))
            message = self._memory.absorb(answer.message())
        except BaseException as error:
            await run.on_llm_error(error)
            raise
        await run.on_llm_end(LLMResult(generations=[[ChatGeneration(message=message)]]))
        return message

    def _messages(self, messages: Sequence[BaseMessage]) -> tuple[list[BaseMessage], list[BaseMessage]]:
        """Return what the chat model gets, with names and with images."""
        latest, note = recent(messages, self._history)
        named: list[BaseMessage] = [SystemMessage(self._system_prompt + note), *latest]
        return named, self._memory.show(named, pixels=self._show_images)

    def _callbacks(self) -> dict[str, Any]:
        config = ensure_config(self._config)  # with the callbacks of a graph or chain that runs the assistant
        return {
            "inheritable_callbacks": config.get("callbacks"),
            "inheritable_tags": config.get("tags"),
            "inheritable_metadata": {**self._bare._get_ls_params(), **config.get("metadata", {})},
        }

    def _start(self, named: list[BaseMessage]) -> dict[str, Any]:
        return {
            "serialized": self._bare._serialized,
            "messages": [named],
            "invocation_params": {"_type": self.name},
            "name": self._config.get("run_name"),
        }


class _Answer:
    """Puts the pieces of an answer together."""

    def __init__(self, name: str, on_text: OnText) -> None:
        self._name, self._on_text = name, on_text
        self._whole: BaseMessage | None = None

    def add(self, piece: BaseMessage) -> Mapping[str, Any]:
        """Add a piece, and return what callbacks get of it."""
        if piece.text:
            self._on_text(piece.text)
        if not isinstance(piece, AIMessageChunk):
            self._whole = piece
            return {"token": piece.text}
        both_chunks = isinstance(self._whole, AIMessageChunk)
        self._whole = self._whole + piece if both_chunks else piece  # type: ignore[assignment, operator]
        named = piece.model_copy(update={"content": without_images(piece.content)})
        return {"token": piece.text, "chunk": ChatGenerationChunk(message=named)}

    def message(self) -> AIMessage:
        """Return the whole answer."""
        message = AIMessage("") if self._whole is None else message_chunk_to_message(self._whole)
        if not isinstance(message, AIMessage):
            raise InputError(f"{self._name} answered with a {message.type} message; a chat model must answer as ai")
        return message
