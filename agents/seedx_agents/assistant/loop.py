"""The tool loop of an assistant: a policy decides, tools run, and their answers go back to the policy.

LangChain's create_agent (1.5) loops over a chat model and tools too, but not for these needs: it requires a chat model,
langchain and langgraph, where this runs on langchain-core and also on rules; its limits count calls, and a step_timeout
of LangGraph cannot stop a running tool, where `Budget.seconds` and closing the stream stop an image at its next
denoising step; it runs a repeated call again and ends without an answer on a call that is not JSON; and a tool error
that ends its run is raised, where a Turn keeps what was done before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage

from seedx_agents.assistant.image_memory import ImageMemory, named_block
from seedx_agents.assistant.policy import Policy
from seedx_agents.assistant.turn import (
    AgentEvent,
    AssistantText,
    Budget,
    Ending,
    Step,
    ToolEnded,
    ToolProgress,
    ToolStarted,
    Turn,
    TurnDone,
)
from seedx_sdk.errors import OverloadedError
from seedx_tools.errors import ToolFailed, ToolRetry
from seedx_tools.toolbox import Toolbox

OnEvent: TypeAlias = Callable[[AgentEvent], None]

_MIN_RETRY_SECONDS = 0.2
"""Least time between two calls of a tool whose engine is at capacity, whatever its Retry-After."""
_EMPTY_ANSWER = "Your answer was empty. Call a tool or answer with text."


class _Call(NamedTuple):
    id: str
    tool: str
    args: dict[str, Any]
    fault: str
    """What is wrong with a call that is not valid JSON; else empty."""


class ToolLoop:
    """Runs one turn.

    Args:
        policy: Decides.
        toolbox: The tools and their model.
        memory: The images; the toolbox's workspace.
        budget: How much the turn may use.
        defaults: Arguments for tools that have them, unless the policy sets them.
        messages: The conversation so far; the turn is appended to it.
        on_event: Called with each event.
        stop: The turn ends soon after it returns True.
    """

    def __init__(
        self,
        policy: Policy,
        toolbox: Toolbox,
        memory: ImageMemory,
        *,
        budget: Budget,
        defaults: Mapping[str, Any],
        messages: list[BaseMessage],
        on_event: OnEvent,
        stop: Callable[[], bool],
    ) -> None:
        self._policy, self._memory, self._budget, self._defaults = policy, memory, budget, defaults
        self._messages, self._on_event, self._stop = messages, on_event, stop
        self._deadline = time.monotonic() + budget.seconds
        self._toolbox = Toolbox(
            toolbox.seedx.with_cancel(lambda: self._interruption() is not None), tools=toolbox.tools, workspace=memory
        )
        self._steps: list[Step] = []
        self._images: list[str] = []
        self._mistakes = 0
        self._unanswered: list[_Call] = []

    def run(self, request: HumanMessage) -> Turn:
        """Return the turn; whatever happens, each call in the messages has its answer, and the last one is an answer.

        Args:
            request: The user's message.
        """
        self._messages.append(request)
        try:
            turn = self._work()
        finally:
            self._close("the turn was aborted")
        self._on_event(TurnDone(turn=turn))
        return turn

    def _work(self) -> Turn:
        while True:
            if (interruption := self._interruption()) is not None:
                return self._end(interruption)
            try:
                decided = self._policy.decide(self._messages, lambda text: self._on_event(AssistantText(text=text)))
                message, images = self._memory.absorb(decided)
            except Exception as error:  # a chat model raises whatever its client library raises
                reason = f"{self._policy.name} failed: {error or type(error).__name__}"
                return self._end(self._interruption() or "policy", reason)
            self._images += images
            calls = _calls(message, len(self._messages))
            self._messages.append(_with_calls(message, calls))
            if not calls:
                if message.text.strip() or images:
                    return self._end("answered", message.text)
                self._mistakes += 1
                self._messages.append(HumanMessage(_EMPTY_ANSWER))
            if (ending := self._run_all(calls)) is not None:
                return self._end(ending)

    def _run_all(self, calls: list[_Call]) -> Ending | None:
        self._unanswered = [*calls]
        for call in calls:
            if (interruption := self._interruption()) is not None:
                return interruption
            if len(self._steps) >= self._budget.calls:
                return "calls"
            self._on_event(ToolStarted(tool=call.tool, args=call.args))
            step = self._run(call)
            self._steps.append(step)
            self._mistakes = self._mistakes + 1 if step.outcome == "mistake" else 0
            self._unanswered.pop(0)
            content: list[str | dict[Any, Any]] = [{"type": "text", "text": step.text}]
            if step.image is not None:
                self._images.append(step.image)
                content.append(named_block(step.image))
            status: Literal["success", "error"] = "success" if step.outcome == "done" else "error"
            self._messages.append(ToolMessage(content, tool_call_id=call.id, name=step.tool, status=status))
            self._on_event(ToolEnded(step=step))
            if step.outcome == "failed":
                return self._interruption() or "failed"
        return "mistakes" if self._mistakes >= self._budget.mistakes else None

    def _run(self, call: _Call) -> Step:
        tool, args = call.tool, call.args
        if call.fault:
            return Step(tool=tool, args=args, outcome="mistake", text=f"{tool}: {call.fault}; call it again.")
        same = next((s for s in self._steps if (s.tool, s.args, s.outcome) == (tool, args, "done")), None)
        if same is not None:
            text = f"This call was made before in this turn, with the result: {same.text}"
            return Step(tool=tool, args=args, outcome="mistake", text=text)
        known = self._toolbox.tools[tool].args.model_fields if tool in self._toolbox.tools else {}
        defaults = {name: value for name, value in self._defaults.items() if name in known}

        def report(done: int, total: int, what: str) -> None:
            self._on_event(ToolProgress(tool=tool, done=done, total=total, what=what))

        while True:
            try:
                outcome = self._toolbox.run(tool, defaults | args, on_progress=report)
            except (ToolRetry, ToolFailed) as error:
                cause = error.__cause__
                if isinstance(cause, OverloadedError) and self._wait(max(cause.retry_after, _MIN_RETRY_SECONDS)):
                    continue
                kind: Literal["mistake", "failed"] = "mistake" if isinstance(error, ToolRetry) else "failed"
                return Step(tool=tool, args=args, outcome=kind, text=str(error))
            return Step(
                tool=tool,
                args=args,
                outcome="done",
                text=outcome.text,
                image=outcome.image_name,
                result=outcome.result,
            )

    def _wait(self, seconds: float) -> bool:
        """Wait, and return whether the turn goes on; it does not if it would end meanwhile."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if until > self._deadline or self._interruption() is not None:
                return False
            time.sleep(min(0.05, seconds))
        return True

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
        warnings += [warning for step in self._steps if step.result is not None for warning in step.result.warnings]
        return Turn(
            text=text,
            images=tuple(dict.fromkeys(self._images)),
            steps=tuple(self._steps),
            ending=ending,
            policy=self._policy.name,
            warnings=tuple(dict.fromkeys(warnings)),
        )

    def _close(self, reason: str) -> None:
        """Answer the calls that have no answer yet, and let the conversation end with an answer."""
        for call in self._unanswered:
            text = f"Not run: {reason}."
            self._messages.append(ToolMessage(text, tool_call_id=call.id, name=call.tool, status="error"))
        self._unanswered = []
        if not isinstance(self._messages[-1], AIMessage):
            self._messages.append(AIMessage(f"({reason})"))


def _with_calls(message: AIMessage, calls: list[_Call]) -> AIMessage:
    """Return the message with all its calls as valid ones, so that each has an answer whatever service reads it."""
    valid = [ToolCall(type="tool_call", id=call.id, name=call.tool, args=call.args) for call in calls]
    return message.model_copy(update={"tool_calls": valid, "invalid_tool_calls": []})


def _calls(message: AIMessage, position: int) -> list[_Call]:
    """Return the calls of a message, including those that are not JSON, each with an id."""
    calls = [(call["id"], call["name"], call["args"], "") for call in message.tool_calls]
    for call in message.invalid_tool_calls:
        fault = f"the arguments are not a JSON object ({call['error'] or str(call['args'])[:80]})"
        calls.append((call["id"], call["name"] or "unknown", {}, fault))
    return [_Call(call[0] or f"call-{position}-{index}", *call[1:]) for index, call in enumerate(calls)]
