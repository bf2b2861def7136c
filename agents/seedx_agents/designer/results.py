"""What a designer thinks up and what it makes: ideas, changes, and pictures of them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from seedx_sdk.types import ImageField, Result

MAX_CHANGES = 8
"""More proposals at once are refused: each costs a picture."""


class Idea(BaseModel):
    """What to draw and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: str = Field(min_length=1, description="What the picture shows, in one English sentence.")
    idea: str = Field(min_length=1, description="The creative idea, in two or three sentences.")


class Change(BaseModel):
    """One change to a picture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instruction: str = Field(min_length=1, description="One change as an English order.")
    reason: str = Field(min_length=1, description="Why it helps, in one sentence.")


class Changes(BaseModel):
    """Several changes, each to the picture as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    changes: tuple[Change, ...] = Field(min_length=1, max_length=MAX_CHANGES, description="The best one first.")


class Design(Result):
    """A picture and its idea."""

    image: ImageField
    prompt: str
    """What was drawn."""
    idea: str
    """Why so."""
    seen: str
    """What the model sees in the picture: a check on the idea, in its own view."""


class Proposal(BaseModel):
    """A change, and the picture with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    change: Change
    image: ImageField | None
    """None when the model failed before it was drawn."""
    seen: str
    """What the model sees in the changed picture; empty without one."""


class Proposals(Result):
    """What a picture could become."""

    seen: str
    """What the model sees in the picture that was given."""
    proposals: tuple[Proposal, ...]
