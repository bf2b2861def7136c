"""A story before it is illustrated, and the protocol of what can write one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from PIL import Image
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

MAX_PAGES = 40
"""More pages are rejected: each costs an image."""


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; write what the page says")
    return text


def _listed(characters: Any) -> Any:
    """Return characters as a list of texts, where there is one, or each is given with name and looks."""
    if isinstance(characters, str | Mapping):
        characters = (characters,)
    if not isinstance(characters, Sequence):
        return characters
    return [f"{who['name']}, {who['looks']}" if _has_looks(who) else who for who in characters]


def _has_looks(who: Any) -> bool:
    return isinstance(who, Mapping) and {"name", "looks"} <= who.keys()


class Character(BaseModel):
    """Somebody in the story."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, description="The name in the text of the story.")
    looks: str = Field(min_length=1, description="A noun phrase for an image model: kind and color, 'a red cat'.")


class PagePlan(BaseModel):
    """One page before it is illustrated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[str, AfterValidator(_said)] = Field(description="What the page says: two or three short sentences.")
    picture: str = Field(
        default="",
        description="What the page's image shows, as one sentence for an image model. Left out, the text decides.",
    )
    characters: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        default=(),
        description="Who the image shows, by name ('Mina') or by looks ('a red cat'); drawn alike on every page.",
    )


class StoryPlan(BaseModel):
    """A whole story before it is illustrated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(description="The story's title.")
    language: str = Field(default="en", pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", description="Language code.")
    characters: tuple[Character, ...] = Field(default=(), description="Everybody who appears in an image.")
    pages: tuple[PagePlan, ...] = Field(min_length=1, description="The pages in order.")
    warnings: SkipJsonSchema[tuple[str, ...]] = ()
    """What the planner could not do, or decided on its own; copied into the story's warnings."""


class StoryPlanner(Protocol):
    """Writes the text of a story."""

    def plan(self, text: str, num_pages: int, first_image: str | None) -> StoryPlan:
        """Return a story for a prompt.

        Args:
            text: What the story is about.
            num_pages: How many pages.
            first_image: What the images show that the story starts from, one line each; None if there are none.
        """
        ...


@dataclass(frozen=True, slots=True)
class StoryPageContent:
    """A page to save."""

    text: str
    image: Image.Image | None
    alt: str
    """What the image shows."""


def and_join(words: Sequence[str]) -> str:
    """Return words as they are listed in a sentence: "1, 2 and 3"."""
    return " and ".join((", ".join(words[:-1]), words[-1]) if len(words) > 1 else words)
