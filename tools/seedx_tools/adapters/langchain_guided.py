"""Structured output and tool calls of ChatSeedX: its answers are held to a JSON schema, which a server on vLLM does."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, SystemMessage
from langchain_core.messages.tool import ToolCallChunk, tool_call_chunk
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.pydantic import TypeBaseModel, is_basemodel_subclass
from pydantic import BaseModel

from seedx_sdk.errors import InputError

__all__ = ["JSON_OBJECT", "GuidedCall", "answer_parser", "bound_tools", "schema_of"]

JSON_OBJECT = {"type": "object"}
_TEXT = {"type": "string"}
_ANSWER = "answer"
"""Stands where a tool is named, in an answer that calls none."""


@dataclass(frozen=True, kw_only=True)
class GuidedCall:
    """What one call holds its answer to, read from the arguments that were bound to a chat model.

    With tools the answer is `{"tool": NAME, "arguments": {...}}`, or `{"answer": ...}` where none has to be called.
    """

    tools: tuple[Mapping[str, Any], ...] = ()
    """Functions with name, description and parameters, any of which may be called."""
    must_call: bool = False
    """Whether one of the tools has to be called."""
    answer: Mapping[str, Any] | None = None
    """The schema of an answer that calls no tool; None: text."""

    @classmethod
    def taken_from(cls, given: dict[str, Any]) -> GuidedCall:
        """Take the arguments that say it out of those of a call.

        Raises:
            InputError: If two tools have one name, there is no tool of the name that must be called, or a response
                format is of another kind.
        """
        tools = tuple(tool["function"] for tool in given.pop("tools", None) or ())
        names = [_ANSWER, *(tool["name"] for tool in tools)]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InputError(f"the name {twice!r} has more than one meaning; rename the tool, or leave one out")
        choice = given.pop("tool_choice", None)
        answer = _response_schema(given.pop("response_format", None), given.pop("json_schema", None))
        for ignored in ("strict", "parallel_tool_calls"):
            given.pop(ignored, None)
        if isinstance(choice, Mapping):
            choice = choice.get("function", {}).get("name")
        if choice in ("none", False):
            return cls(answer=answer)
        must_call = bool(tools) and choice not in (None, "auto")
        if must_call and choice not in ("any", "required", True):
            named = tuple(tool for tool in tools if tool["name"] == choice)
            if not named:
                raise InputError(f"tool_choice {choice!r} is no tool; there are {[tool['name'] for tool in tools]}")
            tools = named
        return cls(tools=tools, must_call=must_call, answer=answer)

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON schema of the answer; None leaves it to the model."""
        if not self.tools:
            return None if self.answer is None else dict(self.answer)
        parts = {tool["name"]: tool.get("parameters") or JSON_OBJECT for tool in self.tools}
        forms = [_object(tool={"const": name}, arguments={"$ref": f"#/$defs/{_escaped(name)}"}) for name in parts]
        if not self.must_call:
            parts |= {_ANSWER: self.answer or _TEXT}
            forms.insert(0, _object(answer={"$ref": "#/$defs/answer"}))
        return {
            "$defs": {name: _moved(part, f"#/$defs/{_escaped(name)}") for name, part in parts.items()},
            "anyOf": forms,
        }

    @property
    def instructions(self) -> SystemMessage | None:
        """What the model is told of the tools; None without any."""
        if not self.tools:
            return None
        lines = [
            f"- {tool['name']}: {tool.get('description', '')} Arguments: {json.dumps(tool.get('parameters') or {})}"
            for tool in self.tools
        ]
        instead = "" if self.must_call else ', or {"answer": ...} to answer'
        return SystemMessage(
            'Call a tool with the JSON {"tool": NAME, "arguments": {...}}'
            + f"{instead}. The tools:\n"
            + "\n".join(lines)
        )

    def read(self, text: str) -> tuple[str, list[ToolCallChunk]]:
        """Return the text and the tool call of a whole answer to a call with tools.

        Raises:
            OutputParserException: If it is no whole JSON.
        """
        given = _parsed(text)
        if "answer" in given:
            said = given["answer"]
            return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False), []
        arguments = json.dumps(given["arguments"], ensure_ascii=False)
        return "", [tool_call_chunk(name=given["tool"], args=arguments, id=f"call_{uuid.uuid4().hex}", index=0)]


def bound_tools(
    tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool], tool_choice: Any
) -> dict[str, Any]:
    """Return the arguments to bind to a chat model."""
    return {"tools": [convert_to_openai_tool(tool) for tool in tools], "tool_choice": tool_choice}


def schema_of(form: Any) -> dict[str, Any]:
    """Return the JSON schema of a pydantic class, a TypedDict, a JSON schema or a function schema."""
    if isinstance(form, type) and issubclass(form, BaseModel):
        return form.model_json_schema()
    if isinstance(form, dict) and "parameters" not in form and "function" not in form and "input_schema" not in form:
        return form
    return convert_to_json_schema(form)


def answer_parser(form: Any) -> Callable[[AIMessage], Any]:
    """Return a function from a message to an instance of a pydantic class, or else to what its JSON says."""

    def parsed(message: AIMessage) -> Any:
        if message.response_metadata.get("finish_reason") == "length":
            raise OutputParserException(
                f"the answer was cut off before its end; raise max_tokens: {message.text[:200]!r}",
                llm_output=message.text,
            )
        value = _parsed(message.text)
        if isinstance(form, type) and is_basemodel_subclass(form):
            return _instance(form, value)
        return value

    return parsed


def _instance(form: TypeBaseModel, value: Any) -> Any:
    try:
        return form.model_validate(value) if hasattr(form, "model_validate") else form.parse_obj(value)
    except ValueError as error:
        raise OutputParserException(
            f"the answer is no {form.__name__}: {error}", llm_output=json.dumps(value)
        ) from error


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise OutputParserException(f"the answer is no whole JSON: {text[:200]!r}", llm_output=text) from error


def _response_schema(response_format: Any, json_schema: Any) -> dict[str, Any] | None:
    """Return the schema of `json_schema`, or of OpenAI's `response_format`, which LangChain's agents pass."""
    if json_schema is not None or response_format is None:
        return None if json_schema is None else schema_of(json_schema)
    if not isinstance(response_format, Mapping):
        return schema_of(response_format)
    match response_format:
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return schema
        case {"type": "json_object"}:
            return JSON_OBJECT
        case {"type": "text"}:
            return None
    raise InputError("response_format has another form than text, json_object or json_schema with its schema")


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def _escaped(name: str) -> str:
    """Return a name as a part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _moved(node: Any, place: str) -> Any:
    """Return a schema whose references within itself hold at a place of another one."""
    if isinstance(node, list):
        return [_moved(item, place) for item in node]
    if not isinstance(node, Mapping):
        return node
    return {
        name: place + value[1:]
        if name == "$ref" and isinstance(value, str) and value.startswith("#")
        else _moved(value, place)
        for name, value in node.items()
    }
