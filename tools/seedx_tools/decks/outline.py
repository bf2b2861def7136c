"""The content of a deck before it has images or a design, as plain data that a chat model can write.

A planner writes an Outline from a text: planners.heuristic.OutlinePlanner without a model, or
planners.chat_model.ChatModelPlanner with one. make_slides takes a planner, or an Outline that the caller wrote.
"""

from __future__ import annotations

import re
from typing import Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from seedx_tools.decks.data.kinds import KIND_NAMES, ChartKind, chart_kind
from seedx_tools.decks.visuals import Visual

DEFAULT_NUM_SLIDES = 6
"""Number of slides, including the title slide, when neither the caller nor the prompt gives one."""

MAX_NUM_SLIDES = 300
"""Slides of a deck: more than a day of lectures."""

MAX_GENERATED_IMAGES = 60
"""Images that the model generates for one call; the slides after them get none, with a warning."""

SlideKind: TypeAlias = Literal["content", "section", "closing"]
ColumnAlignment: TypeAlias = Literal["", "left", "center", "right"]
"""Empty: numbers to the right, anything else to the left."""
PictureSide: TypeAlias = Literal["auto", "left", "right", "full"]

_FOOTNOTE_MARK = re.compile(r"\[\^\d{1,3}\]")

MAX_COLUMNS = 60
MAX_COLUMNS_OF_TEXT = 4
MAX_ROWS = 5000
MAX_SERIES = 12
"""A theme has six accent colors, each in two shades; more series could not be told apart."""
MAX_CATEGORIES = 5000


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TableData(_Model):
    """A table, given as cells or as the name of a CSV file."""

    header: tuple[str, ...] = Field(default=(), max_length=MAX_COLUMNS, description="The column headings.")
    rows: tuple[tuple[str, ...], ...] = Field(
        default=(), max_length=MAX_ROWS, description="The rows below the headings, one cell per column."
    )
    csv: str = Field(default="", description="Name of a CSV file to read instead, or empty.")
    align: tuple[ColumnAlignment, ...] = Field(
        default=(), max_length=MAX_COLUMNS, description="The alignment of each column, or nothing: numbers right."
    )

    @model_validator(mode="after")
    def _is_square(self) -> TableData:
        if bool(self.csv) == bool(self.header):
            raise ValueError("a table needs either a header with rows or the name of a csv file, not both")
        wrong = next((number for number, row in enumerate(self.rows, 1) if len(row) != len(self.header)), None)
        if wrong is not None:
            raise ValueError(f"row {wrong} has {len(self.rows[wrong - 1])} cells and the header {len(self.header)}")
        if self.align and self.header and len(self.align) != len(self.header):
            raise ValueError(f"align has {len(self.align)} entries for {len(self.header)} columns")
        return self


class ChartSeries(_Model):
    """One line, one color of bars, or the slices of a pie."""

    name: str = Field(description="What the numbers are, for the legend.")
    values: tuple[float | None, ...] = Field(description="One number for each category; null for a missing one.")
    unit: str = Field(default="", description="What the numbers are measured in: '%', '$', 'EUR m', 'kg'; or empty.")
    second_axis: bool = Field(
        default=False, description="Whether a bar, line or combo chart measures it on an axis of its own, at the right."
    )


class ChartData(_Model):
    """A chart that stays editable in PowerPoint, given as numbers or as the name of a CSV file."""

    kind: ChartKind = Field(
        description="bar compares values (upright bars), horizontal_bar those with long names, stacked_bar shows parts "
        "and their sum, percent_stacked_bar their shares, line and area change over time, pie and doughnut parts of a "
        "whole, scatter how two numbers depend on each other (categories: the numbers along the axis), combo bars and "
        "a line.",
    )
    title: str = Field(default="", description="What the chart shows, or empty.")
    categories: tuple[str, ...] = Field(
        default=(), max_length=MAX_CATEGORIES, description="The labels of the axis or of the slices."
    )
    series: tuple[ChartSeries, ...] = Field(
        default=(), max_length=MAX_SERIES, description="A pie or doughnut takes one."
    )
    axis_title: str = Field(default="", description="What the numbers along a scatter chart's axis are, or empty.")
    csv: str = Field(
        default="",
        description="Name of a CSV file to read instead: labels first, then numbers; or empty.",
    )

    @field_validator("kind", mode="before")
    @classmethod
    def _in_other_words(cls, kind: object) -> object:
        if not isinstance(kind, str):
            return kind
        named = chart_kind(kind)
        if named is None:
            raise ValueError(f"there is no '{kind}' chart; the kinds are {KIND_NAMES}")
        return named

    @model_validator(mode="after")
    def _is_complete(self) -> ChartData:
        if bool(self.csv) == bool(self.series):
            raise ValueError("a chart needs either series with categories or the name of a csv file, not both")
        if self.series and not self.categories:
            raise ValueError("a chart needs at least one category, and each series one value per category")
        for series in self.series:
            if len(series.values) != len(self.categories):
                raise ValueError(
                    f"series '{series.name}' has {len(series.values)} values for {len(self.categories)} categories"
                )
        return self


class Column(_Model):
    """One of the columns of a slide."""

    heading: str = Field(default="", description="Heading of the column in a comparison, or empty.")
    bullets: tuple[str, ...] = Field(description="Two to five short points.")


class Quote(_Model):
    """A quotation."""

    text: str = Field(description="The quoted text, without quotation marks.")
    by: str = Field(default="", description="Who said or wrote it.")


class CodeBlock(_Model):
    """Program text, shown in a monospaced box with its indentation."""

    text: str = Field(description="The lines, with line breaks and indentation.")
    language: str = Field(default="", description="The programming language, or empty.")


class PictureFile(_Model):
    """An image file on a slide."""

    file: str = Field(description="Name of the file.")
    alt: str = Field(default="", description="What it shows, in one sentence.")


class SlidePlan(_Model):
    """The content of one slide, which determines its layout.

    Title, points, columns, cells, quote, footnotes and the texts of a visual are inline Markdown (text/inline.py);
    notes and image prompts are plain text.
    """

    title: str = Field(description="The slide's title: at most eight words.")
    kind: SlideKind = Field(
        default="content",
        description="section: opens a part of the deck, title only. closing: the last slide, a title and a line. "
        "content: everything else.",
    )
    bullets: tuple[str, ...] = Field(
        default=(),
        description="Three to five short points. Start a point with a tab to indent it under the previous one, "
        "with '1. ', '2. ' to number them, and with '[ ] ' or '[x] ' for a task that is open or done.",
    )
    columns: tuple[Column, ...] = Field(
        default=(), description="Two to four columns instead of bullets; with headings they form a comparison."
    )
    code: CodeBlock | None = Field(default=None, description="A block of program text, or nothing.")
    visual: Visual | None = Field(default=None, description="A drawing of native shapes, or nothing.")
    table: TableData | None = Field(default=None, description="A table, or nothing.")
    chart: ChartData | None = Field(default=None, description="A chart, or nothing. Use only numbers that were given.")
    quote: Quote | None = Field(default=None, description="A quotation, or nothing. Use only text that was given.")
    picture: str | None = Field(
        default=None,
        description="What the slide's picture shows, as a one-sentence image prompt. An empty string: no picture.",
    )
    picture_file: str = Field(
        default="", description="Name of an image file to show instead of a generated image; `picture` describes it."
    )
    picture_alt: str = Field(
        default="", description="What a screen reader says in place of the picture, if it differs from `picture`."
    )
    picture_side: PictureSide = Field(default="auto", description="Where the picture is placed.")
    gallery: tuple[PictureFile, ...] = Field(default=(), description="Further image files, shown beside each other.")
    footnotes: tuple[str, ...] = Field(
        default=(), description="Footnotes at the slide's foot; [^1] in a text is the mark of the first one."
    )
    source: str = Field(default="", description="Where the slide's figures come from: one line under them, or empty.")
    notes: str = Field(default="", description="Speaker notes: what the speaker says, in full sentences.")
    labels: SkipJsonSchema[tuple[str, ...]] = Field(default=())
    """On a slide that was read: the texts beside title and points, in drawn shapes, text boxes and SmartArt. When it is
    edited, they can be changed one by one; empty: they stay. A new slide has none: see `visual`."""
    warnings: SkipJsonSchema[tuple[str, ...]] = Field(default=(), exclude=True)
    """What a planner that revised the slide could not do or decided on its own; copied into the deck's warnings."""

    @field_validator("columns")
    @classmethod
    def _stand_beside_each_other(cls, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        if len(columns) == 1 or len(columns) > MAX_COLUMNS_OF_TEXT:
            raise ValueError(f"a slide has two to four columns or none, not {len(columns)}")
        return columns

    @property
    def wants_picture(self) -> bool:
        """True if the slide has room for a picture beside its content."""
        return bool(self.picture_file) or (self.picture != "" and not self.holds_more and self.kind == "content")

    @property
    def holds_more(self) -> bool:
        """True if the slide holds more than a title, points and pictures."""
        return bool(self.columns or self.table or self.chart or self.visual or self.quote or self.code)


class Outline(_Model):
    """The content of a deck: the title slide, then the other slides in order."""

    title: str = Field(description="The deck's title, shown on the title slide.")
    subtitle: str = Field(default="", description="One line under the title, or empty.")
    picture: str | None = Field(
        default=None, description="What the title slide's picture shows, as a one-sentence image prompt."
    )
    notes: str = Field(default="", description="Speaker notes of the title slide.")
    agenda: str = Field(
        default="", description="Title of an agenda slide after the title slide, which lists the sections; or empty."
    )
    slides: tuple[SlidePlan, ...] = Field(description="The slides after the title slide, without agenda and sources.")
    sources: tuple[str, ...] = Field(
        default=(), description="Sources of facts and figures, one per line; they become a slide at the end."
    )
    sources_title: str = Field(default="Sources", description="Title of the slide that lists the sources.")
    warnings: SkipJsonSchema[tuple[str, ...]] = ()
    """What the planner could not do or decided on its own; copied into the deck's warnings."""

    def all_slides(self) -> tuple[SlidePlan, ...]:
        """Return the slides after the title slide, including the agenda and sources slides."""
        before: tuple[SlidePlan, ...] = ()
        after: tuple[SlidePlan, ...] = ()
        if self.agenda:
            sections = [slide.title for slide in self.slides if slide.kind == "section"]
            listed = sections or [slide.title for slide in self.slides if slide.kind == "content"]
            listed = [_FOOTNOTE_MARK.sub("", title) for title in listed]
            before = (SlidePlan(title=self.agenda, bullets=tuple(listed), picture=""),)
        if self.sources:
            after = (SlidePlan(title=self.sources_title, bullets=self.sources, picture=""),)
        end = -1 if self.slides and self.slides[-1].kind == "closing" else len(self.slides)
        return (*before, *self.slides[:end], *after, *self.slides[end:])


class Planner(Protocol):
    """Writes the outline of a deck from a prompt or an outline."""

    def plan(self, text: str, num_slides: int | None) -> Outline:
        """Return the outline of a text; num_slides includes the title slide, None leaves the number to the planner."""
        ...
