"""What a designer thinks up and makes: ideas, changes, and images of them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from seedx_sdk.types import ImageField, Result

MAX_CHANGES = 8
"""More proposals at once are rejected: each costs an image."""


class Idea(BaseModel):
    """What to draw and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: str = Field(min_length=1, description="What the image shows, in one English sentence.")
    idea: str = Field(min_length=1, description="The creative idea, in two or three sentences.")
    shows: tuple[str, ...] = Field(
        default=(), description="What must be seen in the image, as English noun phrases: 'a red house'."
    )


class Change(BaseModel):
    """One change to an image."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instruction: str = Field(min_length=1, description="One change as an English instruction.")
    reason: str = Field(min_length=1, description="Why it helps, in one sentence.")
    shows: tuple[str, ...] = Field(
        default=(), description="What must be seen after the change, as English noun phrases: 'a blue house'."
    )
    gone: tuple[str, ...] = Field(
        default=(), description="What must not be seen after the change, as English noun phrases: 'a tree'."
    )


class Changes(BaseModel):
    """Several changes, each to the original image."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    changes: tuple[Change, ...] = Field(min_length=1, max_length=MAX_CHANGES, description="The best one first.")


class Design(Result):
    """An image and its idea."""

    image: ImageField
    prompt: str
    """What the image was generated from."""
    idea: str
    """Why the image is as it is."""
    seen: str
    """What the model sees in the image: its own check of the idea, which can be wrong."""
    faults: tuple[str, ...] = ()
    """What the model sees that contradicts the idea, in the best of all tries: "no green tree"."""


class Proposal(BaseModel):
    """A change and its result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    change: Change
    image: ImageField | None
    """None if the model failed before it was made."""
    seen: str
    """What the model sees in the changed image; empty without one."""
    faults: tuple[str, ...] = ()
    """What it sees that contradicts the change, in the best of all tries."""


class Proposals(Result):
    """What an image could become."""

    seen: str
    """What the model sees in the original image."""
    proposals: tuple[Proposal, ...]
