"""Asking a chat model for an answer in a structure, until it is valid and can be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, ValidationError

from seedx_tools.errors import ToolFailed, ToolRetry

T = TypeVar("T", bound=BaseModel)
R = TypeVar("R")


class StructuredChat(Generic[T]):
    """One kind of question to a chat model.

    Args:
        model: Any LangChain chat model with `with_structured_output`.
        schema: What an answer is.
        retries: How often an answer that cannot be used is sent back with what was wrong with it.

    Raises:
        ToolFailed: The chat model has no structured output.
    """

    def __init__(self, model: BaseChatModel, schema: type[T], retries: int) -> None:
        try:
            self._model: Any = model.with_structured_output(schema)
        except NotImplementedError as error:
            raise ToolFailed(
                f"{type(model).__name__} has no structured output; use a model that has, or none"
            ) from error
        self._schema = schema
        self._retries = retries

    def __call__(self, order: str, request: str | list[str | dict[Any, Any]]) -> T:
        """Return the answer.

        Raises:
            ToolFailed: The chat model failed, or no answer in all tries was valid.
        """
        return self.used(order, request, lambda answer: answer)

    def used(self, order: str, request: str | list[str | dict[Any, Any]], use: Callable[[T], R]) -> R:
        """Return what came of using the answer; where `use` raises ToolRetry, its text goes back to the chat model.

        Args:
            order: The system message.
            request: Words, or content blocks.
            use: Does what the answer says.

        Raises:
            ToolFailed: The chat model failed, no answer in all tries could be used, or `use` raised it.
        """
        messages: list[BaseMessage] = [SystemMessage(order), HumanMessage(request)]
        fault = ""
        for _ in range(self._retries + 1):
            try:
                answer = self._answer(messages)
                return use(answer if isinstance(answer, self._schema) else self._schema.model_validate(answer))
            except (ValidationError, OutputParserException, ToolRetry) as error:
                fault = str(error)
                messages = [*messages[:2], HumanMessage(f"That answer was not valid: {fault}\nAnswer again.")]
        raise ToolFailed(
            f"the chat model gave no valid {self._schema.__name__} in {self._retries + 1} tries ({fault[:300]}); "
            "use a model that supports structured output, or none"
        )

    def _answer(self, messages: list[BaseMessage]) -> Any:
        try:
            return self._model.invoke(messages)
        except (ValidationError, OutputParserException):
            raise
        except Exception as error:  # a chat model raises what its service's library raises
            raise ToolFailed(f"the chat model failed: {error or type(error).__name__}") from error
