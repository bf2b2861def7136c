"""The outline of a saved deck: the number, title and kind of each slide, for people and chat models to refer to."""

from __future__ import annotations

import os

from pptx.presentation import Presentation as PresentationObject
from pptx.slide import Slide
from pydantic import BaseModel, ConfigDict

from seedx_tools.decks.ooxml.package import open_deck
from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.reader import is_cover, read_slide, unsupported_shapes
from seedx_tools.decks.text.inline import plain_text


class OutlinedSlide(BaseModel):
    """A slide in the outline of a deck."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    """From 1."""
    title: str
    kind: str
    """What it shows: "title slide", "section", "closing", "points", "table", "chart", "picture", "timeline" ..."""
    hidden: bool = False
    """Whether the slide show skips it."""
    points: tuple[str, ...] = ()
    """Its text without the title, in reading order, as plain text."""


class DeckOutline(BaseModel):
    """The outline of a saved deck."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    slides: tuple[OutlinedSlide, ...]

    @property
    def titles(self) -> tuple[str, ...]:
        """The titles of its slides."""
        return tuple(slide.title for slide in self.slides)

    def __str__(self) -> str:
        """Return a line for each slide: its number, title and kind."""
        lines = (f"{one.number}. {one.title} ({one.kind}{', hidden' if one.hidden else ''})" for one in self.slides)
        return "\n".join(lines)


def read_deck(path: str | os.PathLike[str]) -> DeckOutline:
    """Return the outline of a saved deck.

    Args:
        path: Any .pptx.

    Raises:
        TemplateError: If the file cannot be opened.
    """
    return outline_of(open_deck(path))


def outline_of(deck: PresentationObject) -> DeckOutline:
    """Return the outline of an open deck."""
    slides = tuple(_outlined(number, slide) for number, slide in enumerate(deck.slides, start=1))
    title = deck.core_properties.title or (slides[0].title if slides else "")
    return DeckOutline(title=title or "Untitled", slides=slides)


def _outlined(number: int, slide: Slide) -> OutlinedSlide:
    plan = read_slide(slide)
    columns = [text for column in plan.columns for text in (column.heading, *column.bullets) if text]
    return OutlinedSlide(
        number=number,
        title=plain_text(plan.title),
        kind=_kind(slide, plan),
        hidden=slide.element.get("show") in ("0", "false"),
        points=tuple(plain_text(text).strip() for text in (*plan.bullets, *columns)),
    )


def _kind(slide: Slide, plan: SlidePlan) -> str:
    if is_cover(slide):
        return "title slide"
    if plan.kind != "content":
        return plan.kind
    shown = [name for name in ("columns", "table", "chart", "quote", "code") if getattr(plan, name)]
    shown += [plan.visual.kind.replace("_", " ")] if plan.visual is not None else []
    shown += ["points"] if plan.bullets else []
    shown += ["picture"] if plan.picture != "" else []
    shown += unsupported_shapes(slide)
    return " and ".join(shown) or "title only"
