"""What the assistant's chat model may be, what it gets to read, and what its calls cost."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import RunnableLambda
from PIL import Image

from seedx_agents import Assistant
from seedx_sdk import InputError, SeedX
from tests.agents.conftest import Script


class Busy(ConnectionError):
    """A provider's 429."""


class TestWrapping:
    @pytest.mark.parametrize("asynchronous", [False, True])
    async def test_a_chat_model_with_retries_is_asked_again(
        self, seedx: SeedX, script: Script, asynchronous: bool
    ) -> None:
        bare = script(Busy("429"), ("generate", {"prompt": "a house"}), "Here.")
        bare.i = 0
        steps = iter(range(3))

        class Flaky(type(bare)):  # type: ignore[misc]
            def _generate(self, *args: Any, **options: Any) -> Any:
                self.i = next(steps)
                return super()._generate(*args, **options)

        chat_model = Flaky(responses=bare.responses).with_retry(
            retry_if_exception_type=(Busy,), wait_exponential_jitter=False, stop_after_attempt=2
        )
        assistant = Assistant(seedx, chat_model)
        turn = await assistant.aask("Draw.") if asynchronous else assistant.ask("Draw.")
        assert (turn.ending, turn.text, turn.images) == ("answered", "Here.", ("image:1",))

    def test_fallbacks_and_bound_arguments_are_kept(self, seedx: SeedX, script: Script) -> None:
        options: list[dict[str, Any]] = []

        class Noting(type(script())):  # type: ignore[misc]
            def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **given: Any) -> Any:
                options.append(given)
                return super()._generate(messages, stop, run_manager)

        second = Noting(responses=[AIMessage("From the second.")])
        first = script(Busy("429"))
        chat_model = first.bind(temperature=0).with_fallbacks([second.bind(temperature=1).with_config(tags=["x"])])
        turn = Assistant(seedx, chat_model, tools=["describe"]).ask("Hello?")
        assert (turn.text, turn.policy) == ("From the second.", first._llm_type)
        assert options == [{"temperature": 1}]
        assert [tool.name for tool in first.tools] == [tool.name for tool in second.tools] == ["describe"]

    def test_what_is_no_chat_model_or_has_tools_is_rejected(self, seedx: SeedX, script: Script) -> None:
        for wrong, message in (
            (script().bind(tools=[]), "has tools already"),
            (script().bind(tools=[]).with_retry().with_fallbacks([script()]), "has tools already"),
            (RunnableLambda(lambda _: AIMessage("x")), "is no chat model"),
        ):
            with pytest.raises(InputError, match=message):
                Assistant(seedx, wrong)  # type: ignore[arg-type]


class TestHistory:
    def test_a_hundred_turns_keep_what_the_chat_model_reads_bounded(self, seedx: SeedX, script: Script) -> None:
        answers = [("describe", {"images": ["image:1"]}), "", "Yes."] * 100
        chat_model = script(*answers)
        assistant = Assistant(seedx, chat_model, history=3)
        images = [Image.new("RGB", (8, 8), (n, 0, 0)) for n in range(100)]
        for number in range(100):
            assert assistant.ask(f"Request {number}?", images[number]).text == "Yes."
        assert len(assistant.messages) == 600, "the conversation is kept whole"
        assert max(map(len, chat_model.seen)) == 1 + 3 * 6 - 1
        system, first, *_ = chat_model.seen[-1]
        assert isinstance(system, SystemMessage) and isinstance(first, HumanMessage)
        assert first.text.startswith("Request 97?")
        note = system.text.splitlines()[-1]
        assert note.startswith("The first 97 turns of the conversation are left out. Their latest images are image:78,")
        assert note.endswith("image:96, image:97.")
        for seen in chat_model.seen:
            calls = [call["id"] for message in seen if isinstance(message, AIMessage) for call in message.tool_calls]
            assert calls == [message.tool_call_id for message in seen if isinstance(message, ToolMessage)]

    def test_none_keeps_all_and_zero_is_rejected(self, seedx: SeedX, script: Script) -> None:
        chat_model = script(*["Yes."] * 30)
        assistant = Assistant(seedx, chat_model, history=None)
        for _ in range(30):
            assistant.ask("Well?")
        assert len(chat_model.seen[-1]) == 60
        with pytest.raises(InputError, match="at least 1 turn, or None"):
            Assistant(seedx, script(), history=0)


class TestUsage:
    def test_it_is_the_sum_over_the_calls_of_a_turn(self, seedx: SeedX, script: Script) -> None:
        def answer(text: str, tokens: int, calls: Any = ()) -> AIMessage:
            usage: Any = {"input_tokens": tokens, "output_tokens": 1, "total_tokens": tokens + 1}
            return AIMessage(text, tool_calls=list(calls), usage_metadata=usage)

        call = {"type": "tool_call", "id": "a", "name": "generate", "args": {"prompt": "a house"}}
        assistant = Assistant(seedx, script(answer("", 10, [call]), answer("Here.", 20), "No numbers."))
        assert assistant.ask("Draw.").usage == {"input_tokens": 30, "output_tokens": 2, "total_tokens": 32}
        assert assistant.ask("And?").usage is None


def test_instructions_are_added_to_the_system_prompt(seedx: SeedX, script: Script) -> None:
    chat_model = script("Yes.")
    Assistant(seedx, chat_model, instructions="You work for a toy shop.").ask("Well?")
    prompt = chat_model.seen[0][0].text
    assert prompt.startswith("You are an assistant that works with images.")
    assert prompt.endswith("\n\nYou work for a toy shop.")
