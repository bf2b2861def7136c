"""What one turn of an assistant was: what it called, what came out, why it ended; and the events on the way."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny

from seedx_sdk.types import Result

Ending: TypeAlias = Literal["answered", "calls", "seconds", "mistakes", "failed", "policy", "cancelled"]
"""Why a turn ended: the head answered; the budget's calls, seconds or mistakes were spent; a tool cannot do it; the
head itself failed; the caller closed the stream."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Budget(_Frozen):
    """How much one turn may take."""

    calls: int = Field(default=12, ge=1)
    """Tool calls, wrong ones among them."""
    seconds: float = Field(default=600, gt=0)
    """Wall-clock time. A picture under way stops at its next step; a chat model is waited for."""
    mistakes: int = Field(default=3, ge=1)
    """Wrong calls and empty answers in a row."""


class Step(_Frozen):
    """One tool call."""

    tool: str
    args: dict[str, Any]
    """As the head wrote them."""
    outcome: Literal["done", "mistake", "failed"]
    """`mistake`: the head could mend it. `failed`: no call can."""
    text: str
    """What the head was told."""
    picture: str | None = None
    """The name of the picture that came out."""
    result: SerializeAsAny[Result] | None = None
    """The tool's own typed result."""


class Turn(_Frozen):
    """The answer to one request, with everything that was done for it."""

    text: str
    """The answer; when the turn ended early, why, and what there is all the same."""
    pictures: tuple[str, ...]
    """Names of the pictures that were made, in order."""
    steps: tuple[Step, ...]
    ending: Ending
    policy: str
    """What decided: the chat model's kind, or "rules"."""
    warnings: tuple[str, ...]


class TextSaid(_Frozen):
    """The head said a further piece of text."""

    text: str


class ToolStarted(_Frozen):
    """A tool was called."""

    tool: str
    args: dict[str, Any]


class ToolProgress(_Frozen):
    """A tool works on."""

    tool: str
    done: int
    total: int
    what: str


class ToolEnded(_Frozen):
    """A tool answered."""

    step: Step


class TurnDone(_Frozen):
    """The last event."""

    turn: Turn


AgentEvent: TypeAlias = TextSaid | ToolStarted | ToolProgress | ToolEnded | TurnDone
