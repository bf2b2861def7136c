"""Structured answers from a chat model, with retries until an answer is valid and can be used."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, ValidationError

from seedx_tools.chat_models import ChatModel, adapted, chat_models
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.loose_json import find_json
from seedx_tools.model_answers import InvalidAnswer, Mend, lenient, slips_of, unwrapped

T = TypeVar("T", bound=BaseModel)
R = TypeVar("R")
_SHOWN = 20_000
"""How many characters of an unusable answer are shown to the chat model again."""
_CUT = "the answer of the chat model was cut off before its end; what came before that is used"
_HEADING = re.compile(r"^#{1,3} \S", re.MULTILINE)
"""Begins what a chat model wrote as Markdown instead of JSON, which a schema's `mend` may understand."""


class StructuredChat(Generic[T]):
    """A chat model that answers with one schema, in a tool call, as structured output or as JSON in a text.

    Args:
        model: Any LangChain chat model with `with_structured_output`, bare or in `with_retry()` and the like.
        schema: What an answer looks like; slips that leave no doubt are mended (model_answers.lenient).
        retries: How often an unusable answer is sent back with what was wrong with it.
        mend: Changes an answer before it is validated.

    Raises:
        InputError: If it is no chat model.
        ToolFailed: If the chat model has no structured output.
    """

    def __init__(
        self,
        model: ChatModel,
        schema: type[T],
        retries: int,
        *,
        mend: Mend | None = None,
    ) -> None:
        self._lenient = lenient(schema, mend)
        try:
            self._model: Any = adapted(model, lambda bare: bare.with_structured_output(self._lenient, include_raw=True))
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

    def apply(
        self,
        system_prompt: str,
        prompt: str | list[str | dict[Any, Any]],
        use: Callable[[T], R],
        on_slip: Callable[[str], None] | None = None,
    ) -> R:
        """Return `use(answer)`; the text of a ToolRetry that it raises goes back to the chat model.

        Args:
            system_prompt: The system message.
            prompt: Text, or content blocks.
            use: Does what the answer says.
            on_slip: Called with a sentence for everything that was changed or left out in the answer.

        Raises:
            ToolFailed: If the chat model failed, no try gave a usable answer, or `use` raised it.
        """
        messages: list[BaseMessage] = [SystemMessage(system_prompt), HumanMessage(prompt)]
        fault = ""
        for number in range(self._retries + 1):
            given: Any = None
            try:
                given = self._ask(messages)
                answer, is_cut = self._read(given)
                if is_cut and number < self._retries:
                    raise ToolRetry("it was cut off before its end; answer in fewer words")
                used = use(self._schema.model_validate(dict(answer)))
            except (InvalidAnswer, ValidationError, OutputParserException, ToolRetry) as error:
                fault = str(error)
                messages = [*messages[:2], *_own(error, given), HumanMessage(_again(fault))]
            else:
                if on_slip is not None:
                    for slip in (*([_CUT] if is_cut else []), *slips_of(answer)):
                        on_slip(slip)
                return used
        raise ToolFailed(
            f"the chat model gave no valid {self._schema.__name__} in {self._retries + 1} tries ({fault[:300]}); "
            "use a model that supports structured output, or none"
        )

    def _ask(self, messages: list[BaseMessage]) -> Any:
        try:
            return self._model.invoke(messages)
        except OutputParserException as error:
            if not error.llm_output:
                raise
            return {"raw": AIMessage(error.llm_output), "parsed": None, "parsing_error": error}
        except (InvalidAnswer, ValidationError):
            raise
        except Exception as error:  # a chat model raises whatever its client library raises
            raise ToolFailed(f"the chat model failed: {error or type(error).__name__}") from error

    def _read(self, given: Any) -> tuple[T, bool]:
        """Return the answer in what the chat model gave, and whether it was cut off.

        Raises:
            InvalidAnswer: If it fits the schema in no reading.
            OutputParserException: If it cannot be read.
        """
        if not (isinstance(given, dict) and given.keys() >= {"raw", "parsed"}):
            return given if isinstance(given, self._schema) else self._lenient.model_validate(given), False
        if isinstance(given["parsed"], self._schema):
            return given["parsed"], False
        raw = given["raw"]
        if raw.tool_calls:
            return self._lenient.model_validate(unwrapped(raw.tool_calls[0]["args"], self._schema)), False
        unread = getattr(raw, "invalid_tool_calls", ())  # their arguments are no strict JSON
        text = str(unread[0].get("args") or "") if unread else raw.text
        found = find_json(text)
        if found is not None:
            return self._lenient.model_validate(unwrapped(found.value, self._schema)), found.is_cut
        if _HEADING.search(text):
            return self._lenient.model_validate(text), False
        raise given.get("parsing_error") or OutputParserException("there is no answer in the form that was asked for")


def _again(fault: str) -> str:
    return f"That answer is not valid: {fault}\nAnswer again, with this mended and everything else kept."


def _own(error: Exception, given: Any) -> list[BaseMessage]:
    """Return the message that holds the chat model's own answer; none if it is not known."""
    answer = given
    if isinstance(given, dict) and isinstance(given.get("raw"), AIMessage):
        answer = given["raw"].tool_calls[0]["args"] if given["raw"].tool_calls else given["raw"].text
    if isinstance(error, InvalidAnswer):
        answer = error.answer
    if isinstance(error, OutputParserException) and answer is None:
        answer = error.llm_output
    if isinstance(answer, BaseModel):
        answer = answer.model_dump(mode="json", exclude_defaults=True)
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False, default=str)
    return [] if answer in (None, "") else [AIMessage(text[:_SHOWN])]
