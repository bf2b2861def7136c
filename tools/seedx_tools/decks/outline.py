"""The words of a deck before it has pictures or a look.

A planner writes an Outline from a text: prompt_outline.OutlinePlanner (no model) or chat_planner.ChatModelPlanner (a
chat model). make_slides takes either, or an Outline that the caller wrote.
"""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.json_schema import SkipJsonSchema

from seedx_tools.decks.content import ChartData, Column, PictureSide, Quote, TableData

DEFAULT_NUM_SLIDES = 6
"""Slides in a deck when neither the caller nor the prompt names a number; the title slide counts."""

MAX_NUM_SLIDES = 60
"""More than this is refused: each slide costs a picture."""

SlideKind: TypeAlias = Literal["content", "section", "closing"]


class SlidePlan(BaseModel):
    """One slide in words. Its layout follows from what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(description="The slide's title: at most eight words.")
    kind: SlideKind = Field(
        default="content",
        description="section: opens a part of the deck, title only. closing: the last slide, title and a line. "
        "content: everything else.",
    )
    bullets: tuple[str, ...] = Field(
        default=(),
        description="Three to five short points. Start a point with a tab to indent it under the one before, and with "
        "'1. ', '2. ' to number them.",
    )
    columns: tuple[Column, ...] = Field(
        default=(), description="Two columns in place of bullets; with headings, they are a comparison."
    )
    table: TableData | None = Field(default=None, description="A table, or nothing.")
    chart: ChartData | None = Field(default=None, description="A chart, or nothing. Only numbers that were given.")
    quote: Quote | None = Field(default=None, description="A quotation, or nothing. Only words that were given.")
    picture: str | None = Field(
        default=None,
        description="What the slide's picture shows, as one sentence for an image model. An empty text: no picture.",
    )
    picture_file: str = Field(
        default="", description="Name of a picture file to show in place of a drawn one; `picture` describes it."
    )
    picture_side: PictureSide = Field(default="auto", description="Where the picture stands.")
    notes: str = Field(default="", description="Speaker notes: what the speaker says, in full sentences.")

    @field_validator("columns")
    @classmethod
    def _are_two(cls, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        if len(columns) not in (0, 2):
            raise ValueError(f"a slide has two columns or none, not {len(columns)}")
        return columns

    @property
    def wants_picture(self) -> bool:
        """Whether there is room for a picture beside what the slide holds."""
        full = self.table or self.chart or self.quote or self.columns or self.kind != "content"
        return bool(self.picture_file) or (self.picture != "" and not full)


class Outline(BaseModel):
    """A whole deck in words: the title slide, then the others in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(description="The deck's title, shown on the title slide.")
    subtitle: str = Field(default="", description="One line under the title, or empty.")
    picture: str | None = Field(
        default=None, description="What the title slide's picture shows, as one sentence for an image model."
    )
    notes: str = Field(default="", description="Speaker notes of the title slide.")
    agenda: str = Field(
        default="", description="Title of an agenda slide, which lists the sections after the title slide; or empty."
    )
    slides: tuple[SlidePlan, ...] = Field(description="The slides after the title slide, without agenda and sources.")
    sources: tuple[str, ...] = Field(
        default=(), description="Where facts and figures come from, one a line; they become a slide at the end."
    )
    sources_title: str = Field(default="Sources", description="Title of the slide with the sources.")
    warnings: SkipJsonSchema[tuple[str, ...]] = ()
    """What the planner could not do, or did on its own; copied into the deck's warnings."""

    def all_slides(self) -> tuple[SlidePlan, ...]:
        """The slides after the title slide with the agenda and the sources in their places."""
        before: tuple[SlidePlan, ...] = ()
        after: tuple[SlidePlan, ...] = ()
        if self.agenda:
            sections = [slide.title for slide in self.slides if slide.kind == "section"]
            listed = sections or [slide.title for slide in self.slides if slide.kind == "content"]
            before = (SlidePlan(title=self.agenda, bullets=tuple(listed), picture=""),)
        if self.sources:
            after = (SlidePlan(title=self.sources_title, bullets=self.sources, picture=""),)
        end = -1 if self.slides and self.slides[-1].kind == "closing" else len(self.slides)
        return (*before, *self.slides[:end], *after, *self.slides[end:])


class Planner(Protocol):
    """Writes the outline of a deck from a prompt or an outline."""

    def plan(self, text: str, num_slides: int | None) -> Outline:
        """Return the outline for a text; num_slides counts the title slide, None leaves the number to the planner."""
        ...
