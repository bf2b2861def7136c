"""Middleware of LangChain agents: images have names in the state, and the chat model sees the latest of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from anyio import to_thread
from langchain.agents.middleware import AgentMiddleware, AgentState
from langchain.agents.middleware.types import ModelRequest, ModelResponse, ToolCallRequest
from langchain_core.messages import AnyMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.config import get_config
from langgraph.runtime import Runtime
from langgraph.types import Command

from seedx_sdk.imaging import ImageSource, open_image
from seedx_tools.adapters.langchain_named import clean_label, content_blocks, named, names_of, user_message, view
from seedx_tools.adapters.langchain_threads import Scope, messages_of, toolbox_of_run
from seedx_tools.toolbox import Toolbox

__all__ = ["SeedXImages"]


class SeedXImages(AgentMiddleware[AgentState[Any], Any, Any]):
    """Keeps images out of the state, so messages, artifacts and checkpoints hold their names; put it first.

    An image of a user, of any tool or of the chat model goes to the store of the run's thread, and its name into the
    text. The names are those that the tools give and take without this middleware too. LangGraph saves the input of a
    run before any middleware sees it, unless durability="exit"; `attach` makes a message whose images never enter the
    graph.

    Args:
        toolbox: The toolbox of the agent's tools; `SeedXToolkit.get_middleware` passes it.
        show: How many images at most the chat model is shown in one request, the latest.
        in_user_message: Whether images of tools follow in a user message; None: if the chat model's profile says that
            its tool messages hold none.
        scope: Names the scope of a run's images from its config; None: its thread.
    """

    def __init__(
        self, toolbox: Toolbox, *, show: int = 4, in_user_message: bool | None = None, scope: Scope | None = None
    ) -> None:
        super().__init__()
        self.tools = []
        self._toolbox, self._show, self._in_user_message, self._scope = toolbox, show, in_user_message, scope

    def attach(
        self, text: str, images: Sequence[ImageSource | tuple[str, ImageSource]], *, thread: str | None
    ) -> HumanMessage:
        """Store images in a thread and return the user's message that names them.

        Args:
            text: What the user says.
            images: The images, each alone or after what the user calls it, such as the name of its file.
            thread: The thread, or the scope if there is one; None: for a run without a thread.

        Raises:
            ImageError: If an image cannot be read; then none is stored.
        """
        labeled = [image if isinstance(image, tuple) else ("", image) for image in images]
        opened = [(clean_label(label) or None, open_image(image)) for label, image in labeled]
        store = self._toolbox.in_thread(thread).images
        return user_message(text, {store.add(image, label=label): label for label, image in opened})

    def before_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:  # noqa: ARG002
        """Replace images in the state's messages by names."""
        return self._name_all(state["messages"], get_config())

    async def abefore_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:  # noqa: ARG002
        """Replace images in the state's messages by names."""
        return await to_thread.run_sync(self._name_all, state["messages"], get_config())

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Show the chat model the latest images, and replace those that it makes by names."""
        config = get_config()
        return self._named_response(handler(self._with_images(request, config)), request, config)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        """Show the chat model the latest images, and replace those that it makes by names."""
        config = get_config()
        response = await handler(await to_thread.run_sync(self._with_images, request, config))
        return await to_thread.run_sync(self._named_response, response, request, config)

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]]
    ) -> ToolMessage | Command[Any]:
        """Replace the images of a tool's answer by names, before they enter the state."""
        return self._named_answer(handler(request), request)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]]
    ) -> ToolMessage | Command[Any]:
        """Replace the images of a tool's answer by names, before they enter the state."""
        return await to_thread.run_sync(self._named_answer, await handler(request), request)

    def _name_all(self, messages: Sequence[BaseMessage], config: RunnableConfig) -> dict[str, Any] | None:
        toolbox = toolbox_of_run(self._toolbox, config, messages, self._scope)
        kept = [named(message, toolbox) for message in messages]
        changed = [new for new, old in zip(kept, messages, strict=True) if new is not old]
        return {"messages": changed} if changed else None

    def _named_response(
        self, response: ModelResponse[Any], request: ModelRequest[Any], config: RunnableConfig
    ) -> ModelResponse[Any]:
        toolbox = toolbox_of_run(self._toolbox, config, request.messages, self._scope)
        return replace(response, result=[named(message, toolbox) for message in response.result])

    def _named_answer(self, answer: ToolMessage | Command[Any], request: ToolCallRequest) -> ToolMessage | Command[Any]:
        toolbox = toolbox_of_run(self._toolbox, request.runtime.config, messages_of(request.state), self._scope)
        if isinstance(answer, ToolMessage):
            return cast("ToolMessage", named(answer, toolbox))
        if isinstance(answer.update, dict) and isinstance(messages := answer.update.get("messages"), list):
            kept = [named(message, toolbox) if isinstance(message, BaseMessage) else message for message in messages]
            return replace(answer, update={**answer.update, "messages": kept})
        return answer

    def _with_images(self, request: ModelRequest[Any], config: RunnableConfig) -> ModelRequest[Any]:
        """Return the request with the latest images in the messages that brought them, or right after them."""
        store = toolbox_of_run(self._toolbox, config, request.messages, self._scope).images
        brought = [(at, name) for at, message in enumerate(request.messages) for name in names_of(message)]
        latest = brought[-self._show :] if self._show > 0 else []
        messages: list[AnyMessage] = []
        later: list[str | dict[Any, Any]] = []  # the results of one step stand together; their images come after them
        for at, message in enumerate(request.messages):
            if later and not isinstance(message, ToolMessage):
                messages.append(HumanMessage(later))
                later = []
            views = [block for index, name in latest if index == at for block in view(name, store)]
            if isinstance(message, HumanMessage) or (isinstance(message, ToolMessage) and not self._follows(request)):
                content = [*content_blocks(message), *views] if views else message.content
                messages.append(message.model_copy(update={"content": content}))
            else:
                messages.append(message)
                later = [*later, *views]
        return request.override(messages=[*messages, HumanMessage(later)] if later else messages)

    def _follows(self, request: ModelRequest[Any]) -> bool:
        """Return whether images of tools follow in a user message."""
        if self._in_user_message is not None:
            return self._in_user_message
        return (getattr(request.model, "profile", None) or {}).get("image_tool_message") is False
