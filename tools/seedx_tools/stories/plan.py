"""A story before it is illustrated, and the protocol of what can write one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema


class PagePlan(BaseModel):
    """One page before it is illustrated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(description="What the page says: two or three short sentences.")
    picture: str = Field(description="What the page's image shows, as one sentence for an image model.")


class StoryPlan(BaseModel):
    """A whole story before it is illustrated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(description="The story's title.")
    language: str = Field(default="en", pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", description="Language code.")
    pages: tuple[PagePlan, ...] = Field(min_length=1, description="The pages in order.")
    warnings: SkipJsonSchema[tuple[str, ...]] = ()
    """What the planner could not do, or decided on its own; copied into the story's warnings."""


class StoryPlanner(Protocol):
    """Writes the text of a story."""

    def plan(self, text: str, num_pages: int, first_image: str | None) -> StoryPlan:
        """Return a story for a prompt; first_image describes the image that it starts from, if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class StoryPageContent:
    """A page to save."""

    text: str
    image: Image.Image | None
    alt: str
    """What the image shows."""
