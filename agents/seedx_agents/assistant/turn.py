"""What one turn of an assistant did: its tool calls, what came out, why it ended, and the events on the way.

All of it goes through JSON and back: `Turn.model_validate_json(turn.model_dump_json()) == turn`, and an event of any
kind is read with `TypeAdapter(AgentEvent).validate_json(event.model_dump_json())`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from langchain_core.messages.ai import UsageMetadata
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializeAsAny,
    TypeAdapter,
    ValidationInfo,
    field_validator,
)

from seedx_sdk.types import Result
from seedx_tools.catalog.registry import TOOLS

Ending: TypeAlias = Literal["answered", "calls", "seconds", "mistakes", "failed", "policy", "cancelled"]
"""Why a turn ended: the policy answered; the budget of calls, seconds or mistakes was used up; a tool cannot do it; the
policy itself failed; the caller closed the stream."""

_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Budget(_Frozen):
    """How much one turn may use."""

    calls: int = Field(default=12, ge=1)
    """Tool calls, including invalid ones."""
    seconds: float = Field(default=600, gt=0)
    """Wall-clock time, without the time that an approver takes. What is in flight then is abandoned: an image stops at
    its next denoising step, and the late answer of a chat model or of a tool is dropped."""
    mistakes: int = Field(default=3, ge=1)
    """Invalid calls and empty answers in a row."""


class Step(_Frozen):
    """One tool call."""

    tool: str
    args: dict[str, Any]
    """As the tool got them."""
    proposed: dict[str, Any] | None = None
    """As the policy wrote them, if the approver changed them."""
    outcome: Literal["done", "mistake", "failed", "rejected"]
    """`mistake`: the policy can fix the call. `failed`: no call will work. `rejected`: not approved."""
    text: str
    """What the policy got back."""
    image: str | None = None
    """The name of the image that came out."""
    result: SerializeAsAny[Result] | JsonValue = None
    """The result: of the type `TOOLS[tool].result`; for a tool of yours, its artifact as JSON."""

    @field_validator("result", mode="plain", json_schema_input_type=dict[str, Any] | None)
    @classmethod
    def _typed(cls, value: Any, info: ValidationInfo) -> Result | JsonValue:
        if value is None or isinstance(value, Result):
            return value
        tool = TOOLS.get(info.data.get("tool", ""))
        if tool is None:
            return _JSON.validate_python(value)
        result: Result = tool.result.model_validate(value)
        return result


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
    usage: UsageMetadata | None = None
    """Tokens of the chat model, summed over its calls, in LangChain's form: `usage["input_tokens"]`, `"output_tokens"`,
    `"total_tokens"`. None if it counts none."""


class AssistantText(_Frozen):
    """The policy wrote a further piece of text."""

    type: Literal["assistant_text"] = "assistant_text"
    text: str


class ToolStarted(_Frozen):
    """A tool was called."""

    type: Literal["tool_started"] = "tool_started"
    tool: str
    args: dict[str, Any]


class ToolProgress(_Frozen):
    """A tool made progress."""

    type: Literal["tool_progress"] = "tool_progress"
    tool: str
    done: int
    """Steps done."""
    total: int
    """Total steps."""
    what: str
    """What is being done now."""


class ToolEnded(_Frozen):
    """A tool returned."""

    type: Literal["tool_ended"] = "tool_ended"
    step: Step


class TurnDone(_Frozen):
    """The last event."""

    type: Literal["turn_done"] = "turn_done"
    turn: Turn


AgentEvent: TypeAlias = Annotated[
    AssistantText | ToolStarted | ToolProgress | ToolEnded | TurnDone, Field(discriminator="type")
]
