"""Structured output and tools of ChatSeedX: what the model is held to, and what comes of its answer."""

from __future__ import annotations

import json
from typing import Any, Literal

import jsonschema
import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel
from typing_extensions import TypedDict

from seedx_sdk import InputError, Message, SeedX
from seedx_sdk.imaging import to_data_uri
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import Request, TextPart
from seedx_tools.adapters.langchain import ChatSeedX
from seedx_tools.adapters.langchain_guided import GuidedCall, bound_tools


class Room(BaseModel):
    """A room."""

    windows: int
    next: Room | None = None


class House(BaseModel):
    """A house."""

    color: Literal["red", "blue"]
    rooms: list[Room] = []


class Typed(TypedDict):
    """A house."""

    color: str


@tool
def paint(color: str, house: House) -> str:
    """Paint a house."""
    return f"a {color} house that was {house.color}"


RED = '{"color": "red", "rooms": [{"windows": 2}]}'


def guided(*answers: str) -> tuple[ChatSeedX, ScriptedEngine]:
    engine = ScriptedEngine([Message.assistant(answer) for answer in answers])
    engine.info = engine.info.model_copy(update={"supports_structured_output": True})
    return ChatSeedX(seedx=SeedX(engine=engine)), engine


def held_to(request: Request) -> Any:
    return request.options.json_schema


def test_a_class_or_a_schema_is_what_the_answer_is_held_to_and_becomes() -> None:
    house = House(color="red", rooms=[Room(windows=2)])
    plain: dict[str, Any] = {"title": "House", "type": "object", "properties": {"color": {"type": "string"}}}
    function = {"name": "House", "description": "A house.", "parameters": plain}
    forms: list[tuple[Any, Any]] = [
        (House, house),
        (Typed, json.loads(RED)),
        (plain, json.loads(RED)),
        (function, json.loads(RED)),
    ]
    for form, expected in forms:
        model, engine = guided(RED, RED, RED)
        structured = model.with_structured_output(form)
        assert structured.invoke("What is it?") == expected
        assert list(structured.stream("What is it?")) == [expected]
        whole = model.with_structured_output(form, include_raw=True).invoke("What is it?")
        assert isinstance(whole, dict) and isinstance(whole["raw"], AIMessage)
        assert (whole["parsed"], whole["parsing_error"]) == (expected, None)
        for request in engine.requests:
            assert held_to(request)["properties"]["color"]
    assert held_to(engine.requests[0])["type"] == "object"


async def test_methods_and_async() -> None:
    call = json.dumps({"tool": "House", "arguments": json.loads(RED)})
    model, engine = guided(RED, call)
    assert await model.with_structured_output(House, method="json_mode").ainvoke("?") == House.model_validate_json(RED)
    assert held_to(engine.requests[0]) == {"type": "object"}
    called = model.with_structured_output(House, method="function_calling")
    assert await called.ainvoke("?") == House.model_validate_json(RED)
    jsonschema.validate(json.loads(call), held_to(engine.requests[1]))


def test_an_answer_that_cannot_be_read_is_an_error_with_the_answer() -> None:
    model, _ = guided('{"color": "green"}', '{"color": "gre', '{"color": "gre')
    with pytest.raises(OutputParserException, match="is no House"):
        model.with_structured_output(House).invoke("?")
    with pytest.raises(OutputParserException, match="no whole JSON"):
        model.with_structured_output(House).invoke("?")
    whole: Any = model.with_structured_output(House, include_raw=True).invoke("?")
    assert whole["parsed"] is None and isinstance(whole["parsing_error"], OutputParserException)


def test_where_there_is_no_vllm_the_error_says_how_to_get_it() -> None:
    for here in (ChatSeedX(), ChatSeedX(seedx=SeedX())):
        cure = r"seedx serve --backbone vllm.*ChatSeedX\(base_url=...\)"
        with pytest.raises(InputError, match=cure):
            here.with_structured_output(House)
        with pytest.raises(InputError, match=cure):
            here.bind_tools([paint])
    engine = ScriptedEngine()
    with pytest.raises(InputError, match="serve it on vLLM"):
        ChatSeedX(seedx=SeedX(engine=engine)).with_structured_output(House).invoke("?")


def test_a_call_of_a_tool_and_a_text_are_told_apart() -> None:
    arguments = {"color": "red", "house": {"color": "blue", "rooms": [{"windows": 1, "next": {"windows": 2}}]}}
    call = json.dumps({"tool": "paint", "arguments": arguments})
    model, engine = guided(call, '{"answer": "It is red."}', call)
    tools = model.bind_tools([paint])
    answer = tools.invoke("Paint it.")
    (made,) = answer.tool_calls
    assert (made["name"], made["args"], answer.text) == ("paint", arguments, "") and made["id"]
    assert tools.invoke("What is it?").text == "It is red."
    whole = AIMessageChunk(content="")
    for chunk in tools.stream("Paint it."):
        assert isinstance(chunk, AIMessageChunk)
        whole += chunk
    assert whole.tool_calls[0]["args"] == arguments
    schema = held_to(engine.requests[0])
    for fits in (json.loads(call), {"answer": "red"}):
        jsonschema.validate(fits, schema)
    for wrong in ({"tool": "paint", "arguments": {"color": "red"}}, {"tool": "burn", "arguments": {}}, {"answer": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
    assert "- paint: Paint a house." in engine.requests[0].messages[0].text


@pytest.mark.parametrize(
    ("choice", "allowed"),
    [
        (None, {"answer", "a/b", "c"}),
        ("auto", {"answer", "a/b", "c"}),
        ("any", {"a/b", "c"}),
        ("required", {"a/b", "c"}),
        (True, {"a/b", "c"}),
        ("c", {"c"}),
        ({"type": "function", "function": {"name": "c"}}, {"c"}),
        ("none", None),
        (False, None),
    ],
)
def test_the_choice_of_tools(choice: Any, allowed: set[str] | None) -> None:
    parameters = {"type": "object", "properties": {"n": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"type": "integer"}}}
    functions: list[dict[str, Any]] = [{"name": n, "description": n, "parameters": parameters} for n in ("a/b", "c")]
    schema = GuidedCall.taken_from(bound_tools(functions, choice)).schema
    assert (None if schema is None else schema["$defs"].keys()) == allowed
    if schema is not None:
        jsonschema.validate({"tool": "c", "arguments": {"n": 1}}, schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"tool": "c", "arguments": {"n": "1"}}, schema)


def test_wrong_choices_and_formats_are_errors() -> None:
    for given, named in (
        (bound_tools([paint], "burn"), "burn"),
        ({"response_format": {"type": "grammar"}}, "response_format"),
    ):
        with pytest.raises(InputError, match=named):
            GuidedCall.taken_from(given)
    twice: Any = [[paint, paint], [{"name": "answer", "description": "", "parameters": {}}]]
    for tools in twice:
        with pytest.raises(InputError, match="rename the tool"):
            GuidedCall.taken_from(bound_tools(tools, None))


def test_histories_with_tools_are_read(picture: Any) -> None:
    model, engine = guided("red", "red")
    call = {"name": "paint", "args": {"color": "ü"}, "id": "1", "type": "tool_call"}
    image = {"type": "image", "base64": to_data_uri(picture).partition(",")[2], "mime_type": "image/png"}
    model.invoke(
        [
            HumanMessage("Paint it."),
            AIMessage("Now.", tool_calls=[call]),
            ToolMessage([{"type": "text", "text": "done"}, image], tool_call_id="1"),
        ]
    )
    _, made, result = engine.requests[0].messages
    assert made.content == (TextPart(text="Now."), TextPart(text='{"tool": "paint", "arguments": {"color": "ü"}}'))
    assert result.role == "user" and result.text == "Result of paint: done"
    assert result.images[0].tobytes() == picture.tobytes()


def test_an_agent_of_langchain_calls_tools_and_answers_in_a_form() -> None:
    call = json.dumps({"tool": "paint", "arguments": {"color": "red", "house": {"color": "blue"}}})
    answer = json.dumps({"answer": {"color": "red"}})
    model, engine = guided(call, answer)
    agent: Any = create_agent(model, [paint], response_format=ProviderStrategy(House))
    state = agent.invoke({"messages": [HumanMessage("Paint it red.")]})
    assert state["structured_response"] == House(color="red")
    assert "a red house that was blue" in engine.requests[1].messages[-1].text
    model, engine = guided(call, json.dumps({"tool": "House", "arguments": {"color": "red"}}))
    agent = create_agent(model, [paint], response_format=ToolStrategy(House))
    assert agent.invoke({"messages": [HumanMessage("Paint.")]})["structured_response"] == House(color="red")
