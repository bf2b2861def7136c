"""The loop of an assistant: the head decides, tools work, and what they say goes back to the head."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage

from seedx_agents.assistant.image_memory import ImageMemory, by_name
from seedx_agents.assistant.policy import Policy
from seedx_agents.assistant.turn import (
    AgentEvent,
    Budget,
    Ending,
    Step,
    TextSaid,
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
Stop: TypeAlias = Callable[[], bool]

_LEAST_WAIT_SECONDS = 0.2
"""Between two calls of a tool whose engine is full, whatever it says of itself."""
_EMPTY = "Your answer was empty. Call a tool, or answer in words."


class ToolLoop:
    """Runs one turn after another.

    Args:
        policy: Decides.
        toolbox: Works.
        album: Keeps the pictures; the toolbox's workspace.
        budget: How much one turn may take.
        defaults: Arguments for tools that have them, where the head left them out.
    """

    def __init__(
        self, policy: Policy, toolbox: Toolbox, album: ImageMemory, *, budget: Budget, defaults: Mapping[str, Any]
    ) -> None:
        self._policy, self._toolbox, self._album = policy, toolbox, album
        self._budget, self._defaults = budget, defaults

    def run(self, messages: list[BaseMessage], request: HumanMessage, on_event: OnEvent, *, stop: Stop) -> Turn:
        """Return the turn; the messages grow by it, and are a whole conversation whatever happens.

        Args:
            messages: The conversation so far.
            request: What the user says now.
            on_event: Called with each event.
            stop: Ends the turn soon after it answers True.
        """
        messages.append(request)
        turn = _TurnInFlight(self._policy, self._toolbox, self._album, self._budget, self._defaults, messages, on_event)
        try:
            done = turn.work(stop)
        finally:
            turn.settle("the turn was broken off")
        on_event(TurnDone(turn=done))
        return done


class _TurnInFlight:
    def __init__(
        self,
        policy: Policy,
        toolbox: Toolbox,
        album: ImageMemory,
        budget: Budget,
        defaults: Mapping[str, Any],
        messages: list[BaseMessage],
        on_event: OnEvent,
    ) -> None:
        self._policy, self._album, self._budget, self._defaults = policy, album, budget, defaults
        self._messages, self._on_event = messages, on_event
        self._deadline = time.monotonic() + budget.seconds
        self._stop: Stop = lambda: False
        self._toolbox = Toolbox(
            toolbox.seedx.with_cancel(lambda: self._over() is not None), tools=toolbox.tools, workspace=album
        )
        self._steps: list[Step] = []
        self._pictures: list[str] = []
        self._mistakes = 0
        self._waiting: list[tuple[str, str]] = []  # id and tool of calls that have no answer yet

    def work(self, stop: Stop) -> Turn:
        """Let the head decide and the tools work, until one of them or the budget ends it."""
        self._stop = stop
        while True:
            if (over := self._over()) is not None:
                return self._end(over, self._why(over))
            try:
                decided = self._policy.decide(self._messages, lambda text: self._on_event(TextSaid(text=text)))
                message, pictures = self._album.take_in(decided)
            except Exception as error:  # a chat model raises what its service's library raises
                if (over := self._over()) is not None:
                    return self._end(over, self._why(over))
                return self._end("policy", f"{self._policy.name} failed: {error or type(error).__name__}")
            self._pictures += pictures
            calls = _calls(message, len(self._messages))
            self._messages.append(_with_calls(message, calls))
            if not calls:
                if message.text.strip() or pictures:
                    return self._end("answered", message.text)
                self._mistakes += 1
                self._messages.append(HumanMessage(_EMPTY))
            ending = self._run_all(calls)
            if ending is None and self._mistakes >= self._budget.mistakes:
                ending = "mistakes"
            if ending is not None:
                return self._end(ending, self._why(ending))

    def settle(self, why: str) -> None:
        """Answer the calls that have no answer, and close the conversation, if it stands open."""
        for number, tool in self._waiting:
            self._messages.append(ToolMessage(f"Not run: {why}.", tool_call_id=number, name=tool, status="error"))
        self._waiting = []
        if not isinstance(self._messages[-1], AIMessage):
            self._messages.append(AIMessage(f"({why})"))

    def _run_all(self, calls: list[dict[str, Any]]) -> Ending | None:
        self._waiting = [(call["id"], call["name"]) for call in calls]
        for call in calls:
            if (over := self._over()) is not None:
                return over
            if len(self._steps) >= self._budget.calls:
                return "calls"
            self._on_event(ToolStarted(tool=call["name"], args=call["args"]))
            step = self._run(call)
            self._steps.append(step)
            self._mistakes = self._mistakes + 1 if step.outcome == "mistake" else 0
            self._waiting.pop(0)
            content: list[str | dict[Any, Any]] = [{"type": "text", "text": step.text}]
            if step.picture is not None:
                self._pictures.append(step.picture)
                content.append(by_name(step.picture))
            status: Literal["success", "error"] = "success" if step.outcome == "done" else "error"
            self._messages.append(ToolMessage(content, tool_call_id=call["id"], name=step.tool, status=status))
            self._on_event(ToolEnded(step=step))
            if step.outcome == "failed":
                return self._over() or "failed"
        return None

    def _run(self, call: dict[str, Any]) -> Step:
        tool, args = call["name"], call["args"]
        if call["fault"]:
            return Step(tool=tool, args=args, outcome="mistake", text=f"{tool}: {call['fault']}; call it again.")
        same = next((s for s in self._steps if (s.tool, s.args, s.outcome) == (tool, args, "done")), None)
        if same is not None:
            text = f"This very call was done already, and said: {same.text}"
            return Step(tool=tool, args=args, outcome="mistake", text=text)
        known = self._toolbox.tools[tool].args.model_fields if tool in self._toolbox.tools else {}
        usual = {name: value for name, value in self._defaults.items() if name in known}

        def report(done: int, total: int, what: str) -> None:
            self._on_event(ToolProgress(tool=tool, done=done, total=total, what=what))

        while True:
            try:
                outcome = self._toolbox.run(tool, usual | args, on_progress=report)
            except (ToolRetry, ToolFailed) as error:
                cause = error.__cause__
                if isinstance(cause, OverloadedError) and self._wait(max(cause.retry_after, _LEAST_WAIT_SECONDS)):
                    continue
                kind: Literal["mistake", "failed"] = "mistake" if isinstance(error, ToolRetry) else "failed"
                return Step(tool=tool, args=args, outcome=kind, text=str(error))
            return Step(
                tool=tool, args=args, outcome="done", text=outcome.text, picture=outcome.name, result=outcome.result
            )

    def _wait(self, seconds: float) -> bool:
        """Whether the turn is still on after this time; it ends early when the turn does."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if until > self._deadline or self._over() is not None:
                return False
            time.sleep(min(0.05, seconds))
        return True

    def _over(self) -> Literal["cancelled", "seconds"] | None:
        if self._stop():
            return "cancelled"
        return "seconds" if time.monotonic() > self._deadline else None

    def _why(self, ending: Ending) -> str:
        last = self._steps[-1].text if self._steps else ""
        return {
            "calls": f"stopped after {self._budget.calls} tool calls",
            "seconds": f"stopped after {self._budget.seconds:g} seconds",
            "mistakes": f"stopped after {self._budget.mistakes} mistakes in a row{': ' + last if last else ''}",
            "failed": f"stopped: {last}",
            "cancelled": "cancelled",
        }[ending]

    def _end(self, ending: Ending, text: str) -> Turn:
        if ending != "answered":
            there = f" What was made before: {', '.join(self._pictures)}." if self._pictures else ""
            text = f"{text[:1].upper()}{text[1:].removesuffix('.')}.{there}"
            self.settle(text)
        warnings = [*self._policy.warnings]
        warnings += [warning for step in self._steps if step.result is not None for warning in step.result.warnings]
        return Turn(
            text=text,
            pictures=tuple(dict.fromkeys(self._pictures)),
            steps=tuple(self._steps),
            ending=ending,
            policy=self._policy.name,
            warnings=tuple(dict.fromkeys(warnings)),
        )


def _with_calls(message: AIMessage, calls: list[dict[str, Any]]) -> AIMessage:
    """The message with all its calls as proper ones, so that each has an answer whatever service reads it again."""
    proper = [ToolCall(type="tool_call", id=c["id"], name=c["name"], args=c["args"]) for c in calls]
    return message.model_copy(update={"tool_calls": proper, "invalid_tool_calls": []})


def _calls(message: AIMessage, position: int) -> list[dict[str, Any]]:
    """The calls of a message, those that are no JSON among them, each with an id and what is wrong with it."""
    calls = [{"id": c["id"], "name": c["name"], "args": c["args"], "fault": ""} for c in message.tool_calls]
    for call in message.invalid_tool_calls:
        fault = f"the arguments are no JSON object ({call['error'] or str(call['args'])[:80]})"
        calls.append({"id": call["id"], "name": call["name"] or "unknown", "args": {}, "fault": fault})
    return [call | {"id": call["id"] or f"call-{position}-{index}"} for index, call in enumerate(calls)]
