"""What a deck says, before it is laid out; and the protocol of everything that can write it.

Two planners ship: OutlinePlanner (no language model: the user's own words) and ChatModelPlanner (any LangChain
chat model). make_slides takes either, or an Outline that the caller wrote.
"""

from __future__ import annotations

from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

DEFAULT_NUM_SLIDES = 6
"""Slides in a deck when neither the caller nor the prompt names a number; the title slide counts."""

MAX_NUM_SLIDES = 60
"""More than this is refused: each slide costs a picture."""


class SlidePlan(BaseModel):
    """One slide in words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(description="The slide's title: at most eight words.")
    bullets: tuple[str, ...] = Field(
        default=(),
        description="Three to five short points. Start a point with a tab to indent it under the one before.",
    )
    picture: str | None = Field(
        default=None,
        description="What the slide's picture shows, as one sentence for an image model. An empty text: no picture.",
    )
    notes: str = Field(default="", description="Speaker notes: what the speaker says, in full sentences.")


class Outline(BaseModel):
    """A whole deck in words: the title slide, then the others in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(description="The deck's title, shown on the title slide.")
    subtitle: str = Field(default="", description="One line under the title, or empty.")
    picture: str | None = Field(
        default=None, description="What the title slide's picture shows, as one sentence for an image model."
    )
    notes: str = Field(default="", description="Speaker notes of the title slide.")
    slides: tuple[SlidePlan, ...] = Field(description="The slides after the title slide.")
    warnings: SkipJsonSchema[tuple[str, ...]] = ()
    """What the planner could not do, or did on its own; copied into the deck's warnings."""


class Planner(Protocol):
    """Writes the outline of a deck from a prompt or an outline."""

    def plan(self, text: str, num_slides: int | None) -> Outline:
        """Return the outline for a text; num_slides counts the title slide, None leaves the number to the planner."""
        ...
