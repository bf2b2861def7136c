"""Chat models in LangChain's wrappings work where a chat model is wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import ConfigurableField, Runnable, RunnableLambda
from pydantic import BaseModel

from seedx_sdk.errors import InputError
from seedx_tools.chat_models import ChatModel, adapted, astream, chat_models, stream
from seedx_tools.errors import ToolFailed
from seedx_tools.structured_output import StructuredChat

HELLO = [HumanMessage("hello")]
TOOL = {"name": "a tool"}


class Answer(BaseModel):
    text: str


class RateLimited(Exception):
    """What the client library of some provider raises."""


class Head(GenericFakeChatModel):
    """A chat model whose first requests are refused."""

    name_: str = "first"
    refused: int = 0
    asked: list[dict[str, Any]] = []

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self.bind(tools=tools, **kwargs)

    def with_structured_output(self, schema: Any, **_: Any) -> Runnable[Any, Any]:
        return self.bind(schema=schema.__name__) | RunnableLambda(lambda message: schema(text=message.content))

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        self.asked.append(kwargs)
        if len(self.asked) <= self.refused:
            raise RateLimited("429")
        return super()._generate(messages, *args)


def head(*, refused: int = 0, name: str = "first") -> Head:
    answers = iter([AIMessage(f"{name} answer"), AIMessage(f"{name} again")])
    return Head(messages=answers, refused=refused, name_=name, asked=[])


def retrying(model: Any) -> ChatModel:
    wrapped: ChatModel = model.with_retry(
        retry_if_exception_type=(RateLimited,), wait_exponential_jitter=False, stop_after_attempt=3
    )
    return wrapped


WRAPPINGS: list[Callable[[Head], ChatModel]] = [
    lambda model: model,
    retrying,
    lambda model: model.with_config(tags=["mine"]),
    lambda model: retrying(model.bind(temperature=0)),
    lambda model: retrying(model).with_config(tags=["mine"]),
    lambda model: model.with_fallbacks([head(name="second")]),
    lambda model: retrying(model).with_fallbacks([retrying(head(name="second"))]),
    lambda model: model.configurable_fields(name_=ConfigurableField(id="name")),
]


@pytest.mark.parametrize("wrap", WRAPPINGS)
def test_a_wrapped_chat_model_is_one(wrap: Callable[[Head], ChatModel]) -> None:
    model = head()
    wrapped = wrap(model)
    assert chat_models(wrapped)[0]._llm_type == model._llm_type
    bound = adapted(wrapped, lambda bare: bare.bind_tools([TOOL]))
    assert "".join(piece.text for piece in stream(bound, HELLO)) == "first answer"
    assert StructuredChat(wrapped, Answer, 0)("system", "prompt") == Answer(text="first again")
    assert model.asked[0]["tools"] == [TOOL] and model.asked[1]["schema"] == "Answer"
    if "temperature" in model.asked[0]:
        assert [options["temperature"] for options in model.asked] == [0, 0]


async def test_retries_and_fallbacks_go_on_working() -> None:
    patient = head(refused=2)
    bound = adapted(retrying(patient), lambda bare: bare.bind_tools([TOOL]))
    assert [piece.text for piece in stream(bound, HELLO)] == ["first answer"] and len(patient.asked) == 3
    patient = head(refused=2)
    assert [piece.text async for piece in astream(retrying(patient).with_config(tags=["mine"]), HELLO)] == [
        "first answer"
    ]
    patient = head(refused=2)
    assert StructuredChat(retrying(patient), Answer, 0)("system", "prompt").text == "first answer"
    never, second = head(refused=9), head(name="second")
    both = adapted(never.with_fallbacks([second]), lambda bare: bare.bind_tools([TOOL]))
    assert "".join([piece.text async for piece in astream(both, HELLO)]) == "second answer"
    assert second.asked[0]["tools"] == [TOOL]
    assert [bare for bare in chat_models(never.with_fallbacks([second]))] == [never, second]
    with pytest.raises(ToolFailed, match="the chat model failed: 429"):
        StructuredChat(retrying(head(refused=9)), Answer, 0)("system", "prompt")


def test_a_stream_stays_one_where_nothing_is_retried() -> None:
    model = head().with_config(tags=["mine"])
    assert len(list(stream(model, HELLO))) > 1


def test_what_is_no_chat_model_is_named() -> None:
    chain: Any = ChatPromptTemplate.from_messages([("human", "{text}")]) | head()
    for wrong in (chain, chain.with_retry()):
        with pytest.raises(InputError, match="RunnableSequence is no chat model; pass a LangChain chat model, as it"):
            StructuredChat(wrong, Answer, 0)
    with pytest.raises(ToolFailed, match="FakeListChatModel has no structured output"):
        StructuredChat(retrying(FakeListChatModel(responses=["hi"])), Answer, 0)


class Prose(GenericFakeChatModel):
    """A chat model that was given a tool and answers as it likes; the library looks for the call in its message."""

    asked: list[list[BaseMessage]] = []

    def bind_tools(self, *_args: Any, **_kwargs: Any) -> Runnable[Any, AIMessage]:
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        self.asked.append(messages)
        return super()._generate(messages, *args, **kwargs)


@pytest.mark.parametrize(
    "message",
    [
        AIMessage('Here you are:\n```json\n{"text": "yes"}\n```\nAnything else?'),
        AIMessage('{"text": "yes"}'),
        AIMessage("", tool_calls=[{"name": "Answer", "args": {"Text": ["yes"], "mood": "good"}, "id": "1"}]),
        AIMessage("", tool_calls=[{"name": "answer_tool", "args": {"text": "yes"}, "id": "1"}]),
    ],
)
def test_an_answer_is_read_in_a_tool_call_and_in_prose(message: AIMessage) -> None:
    slips: list[str] = []
    chat = StructuredChat(Prose(messages=iter([message])), Answer, 0)
    assert chat.apply("system", "prompt", lambda answer: answer, slips.append) == Answer(text="yes")
    assert len(slips) == ("mood" in str(message.tool_calls))


def test_a_chat_model_sees_its_own_invalid_answer_and_what_was_wrong() -> None:
    answers = [AIMessage("I'd rather not."), AIMessage('{"words": "yes"}'), AIMessage('{"text": "yes"}')]
    model = Prose(messages=iter(answers), asked=[])
    assert StructuredChat(model, Answer, 2)("system", "prompt").text == "yes"
    assert [message.text for message in model.asked[1]][:3] == ["system", "prompt", "I'd rather not."]
    *_, own, fault = model.asked[2]
    assert own.text == '{"words": "yes"}' and "text: Field required" in fault.text
