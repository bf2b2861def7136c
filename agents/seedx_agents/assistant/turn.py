"""What one turn of an assistant did: its tool calls, what came out, why it ended, and the events on the way."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny

from seedx_sdk.types import Result

Ending: TypeAlias = Literal["answered", "calls", "seconds", "mistakes", "failed", "policy", "cancelled"]
"""Why a turn ended: the policy answered; the budget of calls, seconds or mistakes was used up; a tool cannot do it; the
policy itself failed; the caller closed the stream."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Budget(_Frozen):
    """How much one turn may use."""

    calls: int = Field(default=12, ge=1)
    """Tool calls, including invalid ones."""
    seconds: float = Field(default=600, gt=0)
    """Wall-clock time. An image in flight stops at its next denoising step; a chat model is waited for."""
    mistakes: int = Field(default=3, ge=1)
    """Invalid calls and empty answers in a row."""


class Step(_Frozen):
    """One tool call."""

    tool: str
    args: dict[str, Any]
    """As the policy wrote them."""
    outcome: Literal["done", "mistake", "failed"]
    """`mistake`: the policy can fix the call. `failed`: no call will work."""
    text: str
    """What the policy got back."""
    image: str | None = None
    """The name of the image that came out."""
    result: SerializeAsAny[Result] | None = None
    """The tool's typed result."""


class Turn(_Frozen):
    """The answer to one request, with everything that was done for it."""

    text: str
    """The answer; if the turn ended early, why, and what there is nevertheless."""
    images: tuple[str, ...]
    """Names of the images that were made, in order."""
    steps: tuple[Step, ...]
    ending: Ending
    policy: str
    """What decided: the kind of the chat model, or "rule-based"."""
    warnings: tuple[str, ...]


class AssistantText(_Frozen):
    """The policy wrote a further piece of text."""

    text: str


class ToolStarted(_Frozen):
    """A tool was called."""

    tool: str
    args: dict[str, Any]


class ToolProgress(_Frozen):
    """A tool made progress."""

    tool: str
    done: int
    """Steps done."""
    total: int
    """Total steps."""
    what: str
    """What is being done now."""


class ToolEnded(_Frozen):
    """A tool returned."""

    step: Step


class TurnDone(_Frozen):
    """The last event."""

    turn: Turn


AgentEvent: TypeAlias = AssistantText | ToolStarted | ToolProgress | ToolEnded | TurnDone
