"""The tool loop of an assistant: a policy decides, tools run, and their answers go back to the policy.

LangChain's create_agent (1.5) loops over a chat model and tools too, with approval and limits of calls as middleware.
It is not used here: it needs a chat model, langchain and langgraph, where this runs on langchain-core and on rules; its
step_timeout waits for a silent step and then raises, where this ends a turn in time and keeps what was done; and it
runs a repeated call again and ends without an answer on a call that is not JSON.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage
from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool

from seedx_agents.assistant.approval import Approve, Approver, Decision, Edit, ProposedCall, Reject, images_in
from seedx_agents.assistant.calls import Call, calls_of, with_calls
from seedx_agents.assistant.image_memory import EMPTY_ANSWER, Content, ImageMemory, blocks_of, image_names
from seedx_agents.assistant.own_tools import OwnCall
from seedx_agents.assistant.policy import ChatModelPolicy, Policy
from seedx_agents.assistant.tool_calls import Done, SeedXCall
from seedx_agents.assistant.turn import AssistantText, Budget, Ending, Step, ToolEnded, ToolStarted, Turn, TurnDone
from seedx_agents.assistant.work import Interrupted, Listener, Turning, Work, in_daemon_thread
from seedx_sdk.errors import InputError
from seedx_sdk.types import Result
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.toolbox import Toolbox

_GRACE_SECONDS = 1.0
"""How long a tool that was told to stop is waited for."""


class ToolLoop:
    """Runs one turn.

    Args:
        policy: Decides.
        toolbox: The tools of SeedX and their model.
        own_tools: The developer's tools by name.
        memory: The images; the toolbox's workspace.
        approve: Decides whether a call runs; None: all do.
        budget: How much the turn may use.
        defaults: Arguments for tools that have them, unless the policy sets them.
        config: Callbacks, tags and metadata of tool calls.
        messages: The conversation so far; the turn is appended to it.
        stop: The turn ends soon after it returns True.
    """

    def __init__(
        self,
        policy: Policy,
        toolbox: Toolbox,
        own_tools: Mapping[str, BaseTool],
        memory: ImageMemory,
        *,
        approve: Approver | None,
        budget: Budget,
        defaults: Mapping[str, Any],
        config: RunnableConfig,
        messages: list[BaseMessage],
        stop: Callable[[], bool],
    ) -> None:
        self._policy, self._toolbox, self._own_tools, self._memory = policy, toolbox, own_tools, memory
        self._approve, self._budget, self._defaults, self._config = approve, budget, defaults, config
        self._messages, self._stop = messages, stop
        self._deadline = time.monotonic() + budget.seconds
        self._steps: list[Step] = []
        self._images: list[str] = []
        self._usage: UsageMetadata | None = None
        self._mistakes = 0
        self._unanswered: list[Call] = []
        self._started: Call | None = None

    def run(self, request: HumanMessage) -> Turning:
        """Yield the events of the turn, and the work that it waits for.

        Whatever happens, each call in the messages has its answer, and the last message is an answer.

        Args:
            request: The user's message.
        """
        self._messages.append(request)
        try:
            turn = yield from self._work()
        finally:
            self._close("the turn was aborted")
        yield TurnDone(turn=turn)

    def _work(self) -> Generator[Any, Any, Turn]:
        while True:
            if (interruption := self._interruption()) is not None:
                return self._end(interruption)
            try:
                message: AIMessage = yield self._deciding()
            except Exception as error:  # a chat model raises whatever its client library raises
                reason = f"{self._policy.name} failed: {error or type(error).__name__}"
                return self._end(self._interruption() or "policy", reason)
            if message.usage_metadata is not None:
                self._usage = add_usage(self._usage, message.usage_metadata)
            images = image_names(message)
            self._images += images
            calls = calls_of(message, self._messages)
            self._messages.append(with_calls(message, calls))
            if not calls:
                if message.text.strip() or images:
                    return self._end("answered", str(message.text))
                self._mistakes += 1
                self._messages.append(HumanMessage(EMPTY_ANSWER))
            if (ending := (yield from self._run_all(calls))) is not None:
                return self._end(ending)

    def _deciding(self) -> Work:
        policy, messages = self._policy, tuple(self._messages)

        def decide(listener: Listener) -> AIMessage:
            return policy.decide(messages, lambda text: listener.emit(AssistantText(text=text)))

        if not isinstance(policy, ChatModelPolicy) or not policy.is_async:
            return Work(call=decide, interrupted=self._is_interrupted)
        adecide = policy.adecide

        def decide_on_loop(listener: Listener) -> Awaitable[AIMessage]:
            return adecide(messages, lambda text: listener.emit(AssistantText(text=text)))

        return Work(call=decide, acall=decide_on_loop, interrupted=self._is_interrupted)

    def _run_all(self, calls: list[Call]) -> Generator[Any, Any, Ending | None]:
        self._unanswered = [*calls]
        for call in calls:
            if (interruption := self._interruption()) is not None:
                return interruption
            if len(self._steps) >= self._budget.calls:
                return "calls"
            self._started = call
            yield ToolStarted(tool=call.tool, args=call.args)
            try:
                step, content = yield from self._run(call)
            except Interrupted:
                return self._interruption() or "cancelled"
            self._steps.append(step)
            self._mistakes = self._mistakes + 1 if step.outcome == "mistake" else 0
            self._unanswered.pop(0)
            status: Literal["success", "error"] = "success" if step.outcome == "done" else "error"
            answer = ToolMessage(content, tool_call_id=call.id, name=step.tool, status=status)
            self._images += image_names(answer)
            self._messages.append(answer)
            yield ToolEnded(step=step)
            if step.outcome == "failed":
                return self._interruption() or "failed"
        return "mistakes" if self._mistakes >= self._budget.mistakes else None

    def _run(self, call: Call) -> Generator[Any, Any, tuple[Step, Content]]:
        """Return the step, and what the policy reads of it."""
        tool, args, proposed, note = call.tool, call.args, None, ""
        try:
            self._check(call)
            if self._approve is not None:
                decision: Decision = yield from self._decision(self._approve, call)
                if isinstance(decision, Reject):
                    text = f"The user rejected this call{': ' + decision.reason if decision.reason else '.'}"
                    return Step(tool=tool, args=args, outcome="rejected", text=text), text
                if isinstance(decision, Edit):
                    proposed, args = args, dict(decision.args)
                    note = f"The user changed the arguments to {json.dumps(args, ensure_ascii=False, default=str)}.\n"
            done: Done = yield self._calling(call, args)
        except (ToolRetry, ToolFailed) as error:
            kind: Literal["mistake", "failed"] = "mistake" if isinstance(error, ToolRetry) else "failed"
            text = note + str(error)
            return Step(tool=tool, args=args, proposed=proposed, outcome=kind, text=text), text
        step = Step(
            tool=tool,
            args=args,
            proposed=proposed,
            outcome=done.outcome,
            text=note + done.text,
            image=done.image,
            result=done.result,
        )
        return step, [{"type": "text", "text": note}, *blocks_of(done.content)] if note else done.content

    def _check(self, call: Call) -> None:
        tool, args = call.tool, call.args
        if call.fault:
            raise ToolRetry(f"{tool}: {call.fault}; call it again.")
        for step in self._steps:
            before = step.args if step.proposed is None else step.proposed
            if (step.tool, before, step.outcome) == (tool, args, "done"):
                raise ToolRetry(f"This call was made before in this turn, with the result: {step.text}")
        if tool in self._own_tools:
            return
        known = self._toolbox.tools
        if tool not in known:
            raise ToolRetry(f"there is no tool {tool[:80]!r}; use one of {', '.join([*known, *self._own_tools])}")
        if self._approve is not None:
            known[tool].check(args, self._memory)  # nobody is asked about a call that cannot run

    def _decision(self, approve: Approver, call: Call) -> Generator[Any, Any, Decision]:
        """Return what the approver decides; the time that it takes is not the turn's."""
        began = time.monotonic()

        def propose() -> Any:
            return approve(ProposedCall(call.tool, call.args, images_in(call.args, self._memory)))

        def ask(_listener: Listener) -> Any:
            decision = propose()
            return asyncio.run(_result(decision)) if inspect.isawaitable(decision) else decision

        async def ask_on_loop(_listener: Listener) -> Any:
            decision = await in_daemon_thread(propose)
            return await decision if inspect.isawaitable(decision) else decision

        decision = yield Work(call=ask, acall=ask_on_loop, interrupted=self._stop)
        if not isinstance(decision, Approve | Edit | Reject):
            raise InputError(f"approve returned {decision!r:.80}; return Approve(), Edit(args) or Reject(reason)")
        self._deadline += time.monotonic() - began
        return decision

    def _calling(self, call: Call, args: Mapping[str, Any]) -> Work:
        running: SeedXCall | OwnCall
        if call.tool in self._own_tools:
            own_call = ToolCall(type="tool_call", id=call.id, name=call.tool, args=dict(args))
            running = OwnCall(self._own_tools[call.tool], own_call, config=self._config, memory=self._memory)
        else:
            fields = self._toolbox.tools[call.tool].args.model_fields
            defaults = {name: value for name, value in self._defaults.items() if name in fields}
            running = SeedXCall(
                self._toolbox, call.tool, defaults | dict(args), config=self._config, goes_on=self._goes_on
            )
        return Work(call=running.run, acall=running.arun, interrupted=self._is_interrupted, grace=_GRACE_SECONDS)

    def _goes_on(self, seconds: float) -> bool:
        return not self._stop() and time.monotonic() + seconds <= self._deadline

    def _is_interrupted(self) -> bool:
        return self._interruption() is not None

    def _interruption(self) -> Literal["cancelled", "seconds"] | None:
        if self._stop():
            return "cancelled"
        return "seconds" if time.monotonic() > self._deadline else None

    def _reason(self, ending: Ending) -> str:
        last = self._steps[-1].text if self._steps else ""
        return {
            "calls": f"stopped after {self._budget.calls} tool calls",
            "seconds": f"stopped after {self._budget.seconds:g} seconds",
            "mistakes": f"stopped after {self._budget.mistakes} mistakes in a row{': ' + last if last else ''}",
            "failed": f"stopped: {last}",
            "cancelled": "cancelled",
        }[ending]

    def _end(self, ending: Ending, text: str = "") -> Turn:
        if ending != "answered":
            reason = text if ending == "policy" else self._reason(ending)
            made = f" Images made before: {', '.join(self._images)}." if self._images else ""
            text = f"{reason[:1].upper()}{reason[1:].removesuffix('.')}.{made}"
            self._close(text)
        warnings = [*self._policy.warnings]
        for step in self._steps:
            if isinstance(step.result, Result):
                warnings += step.result.warnings
        return Turn(
            text=text,
            images=tuple(dict.fromkeys(self._images)),
            steps=tuple(self._steps),
            ending=ending,
            policy=self._policy.name,
            warnings=tuple(dict.fromkeys(warnings)),
            usage=self._usage,
        )

    def _close(self, reason: str) -> None:
        """Answer the calls that have no answer yet, and let the conversation end with an answer."""
        for call in self._unanswered:
            state = "Not finished" if call is self._started else "Not run"
            self._messages.append(
                ToolMessage(f"{state}: {reason}", tool_call_id=call.id, name=call.tool, status="error")
            )
        self._unanswered = []
        if not isinstance(self._messages[-1], AIMessage):
            self._messages.append(AIMessage(f"({reason})"))


async def _result(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
