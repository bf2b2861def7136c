"""Slides that are not points: key figures, steps, timelines and other drawings, as data that a chat model can fill."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

VisualKind: TypeAlias = Literal[
    "kpis",
    "cards",
    "big_number",
    "process",
    "cycle",
    "timeline",
    "matrix",
    "comparison",
    "pyramid",
    "funnel",
    "org_chart",
    "flow",
]

BoxShape: TypeAlias = Literal["box", "round", "decision", "end", "data"]
Direction: TypeAlias = Literal["auto", "right", "down"]

MAX_VISUAL_ITEMS = 24
MAX_OPTIONS = 6
"""Columns of a comparison."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class VisualItem(_Model):
    """One card, step, level, date or box."""

    label: str = Field(description="What it is called: a few words.")
    text: str = Field(default="", description="One short sentence about it, or empty.")
    value: str = Field(default="", description="Its figure as shown ('42 %', 'EUR 3.1 m') or its date; or empty.")
    icon: str = Field(default="", description="A word for its icon ('people', 'money'), or empty.")
    shape: BoxShape = Field(
        default="box", description="In a flow chart: decision for a question, end for start and end."
    )
    key: str = Field(default="", description="What links call it if another box has the same label; or empty.")
    parent: str = Field(default="", description="Label of the box above it in an org chart; or empty.")
    cells: tuple[str, ...] = Field(
        default=(),
        max_length=MAX_OPTIONS,
        description="In a comparison, what each option has of this criterion, in the options' order: 'yes' or 'no', "
        "'0/4' to '4/4' (drawn as a filled circle), or a few words; nothing otherwise.",
    )


class VisualLink(_Model):
    """An arrow of a flow chart."""

    source: str = Field(description="Label (or key) of the box where the arrow starts.")
    target: str = Field(description="Label (or key) of the box where it ends.")
    label: str = Field(default="", description="What is written at the arrow, or empty.")


class Visual(_Model):
    """A drawing of native shapes."""

    kind: VisualKind = Field(
        description="kpis: two to six figures. cards: three to six topics. big_number: one figure. process: steps in "
        "order. cycle: steps that return to the first. timeline: dated events. matrix: four quadrants. comparison: "
        "criteria (items with cells) by options. pyramid, funnel: levels from top to bottom. org_chart: boxes with "
        "parents. flow: boxes and links."
    )
    items: tuple[VisualItem, ...] = Field(min_length=1, max_length=MAX_VISUAL_ITEMS, description="Its parts in order.")
    links: tuple[VisualLink, ...] = Field(default=(), description="The arrows of a flow, or nothing.")
    direction: Direction = Field(default="auto", description="Where the arrows of a flow point.")
    axes: tuple[str, ...] = Field(
        default=(),
        max_length=2,
        description="Titles of a matrix's axes: the horizontal one, the vertical one; or the heading of criteria.",
    )
    options: tuple[str, ...] = Field(
        default=(), max_length=MAX_OPTIONS, description="What a comparison compares: the headings of its columns."
    )
    highlight: int = Field(
        default=0, ge=0, description="Number of the quadrant or option that stands out, from 1; 0: none."
    )

    @model_validator(mode="after")
    def _compares_options(self) -> Visual:
        if self.kind != "comparison":
            return self
        if not self.options:
            raise ValueError("a comparison needs options, the headings of its columns")
        wrong = next((item for item in self.items if len(item.cells) != len(self.options)), None)
        if wrong is not None:
            raise ValueError(
                f"'{wrong.label}' has {len(wrong.cells)} cells and the comparison {len(self.options)} options"
            )
        return self
