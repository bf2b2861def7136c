"""Structured answers from a chat model, with retries until an answer is valid and can be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, ValidationError

from seedx_tools.chat_models import ChatModel, adapted, chat_models
from seedx_tools.errors import ToolFailed, ToolRetry

T = TypeVar("T", bound=BaseModel)
R = TypeVar("R")


class StructuredChat(Generic[T]):
    """A chat model that answers with one schema.

    Args:
        model: Any LangChain chat model with `with_structured_output`, bare or in `with_retry()` and the like.
        schema: What an answer looks like.
        retries: How often an unusable answer is sent back with what was wrong with it.

    Raises:
        InputError: If it is no chat model.
        ToolFailed: If the chat model has no structured output.
    """

    def __init__(self, model: ChatModel, schema: type[T], retries: int) -> None:
        try:
            self._model: Any = adapted(model, lambda bare: bare.with_structured_output(schema))
        except NotImplementedError as error:
            names = ", ".join(type(bare).__name__ for bare in chat_models(model))
            raise ToolFailed(f"{names} has no structured output; use a chat model that has, or none") from error
        self._schema = schema
        self._retries = retries

    def __call__(self, system_prompt: str, prompt: str | list[str | dict[Any, Any]]) -> T:
        """Return the answer.

        Raises:
            ToolFailed: If the chat model failed, or no try gave a valid answer.
        """
        return self.apply(system_prompt, prompt, lambda answer: answer)

    def apply(self, system_prompt: str, prompt: str | list[str | dict[Any, Any]], use: Callable[[T], R]) -> R:
        """Return `use(answer)`; the text of a ToolRetry that it raises goes back to the chat model.

        Args:
            system_prompt: The system message.
            prompt: Text, or content blocks.
            use: Does what the answer says.

        Raises:
            ToolFailed: If the chat model failed, no try gave a usable answer, or `use` raised it.
        """
        messages: list[BaseMessage] = [SystemMessage(system_prompt), HumanMessage(prompt)]
        fault = ""
        for _ in range(self._retries + 1):
            try:
                answer = self._answer(messages)
                return use(answer if isinstance(answer, self._schema) else self._schema.model_validate(answer))
            except (ValidationError, OutputParserException, ToolRetry) as error:
                fault = str(error)
                messages = [*messages[:2], HumanMessage(f"That answer is not valid: {fault}\nAnswer again.")]
        raise ToolFailed(
            f"the chat model gave no valid {self._schema.__name__} in {self._retries + 1} tries ({fault[:300]}); "
            "use a model that supports structured output, or none"
        )

    def _answer(self, messages: list[BaseMessage]) -> Any:
        try:
            return self._model.invoke(messages)
        except (ValidationError, OutputParserException):
            raise
        except Exception as error:  # a chat model raises whatever its client library raises
            raise ToolFailed(f"the chat model failed: {error or type(error).__name__}") from error
