"""What the linter reports."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict

FindingKind: TypeAlias = Literal[
    "overflow",
    "off_slide",
    "overlap",
    "misaligned",
    "small_text",
    "wall_of_text",
    "many_typefaces",
    "leftover_text",
    "low_contrast",
    "empty_placeholder",
    "missing_alt_text",
    "poor_alt_text",
    "missing_title",
    "duplicate_title",
    "reading_order",
    "missing_header_row",
    "stretched_picture",
    "blurred_picture",
    "many_slices",
]


class Finding(BaseModel):
    """A problem on a slide."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FindingKind
    slide: int
    """From 1; the first of them for a problem of the template, which is reported once."""
    shape: str
    """The shape's name in PowerPoint's selection pane; empty for the slide itself."""
    message: str
    """What is wrong, what was measured, and how to fix it."""


class Fault(NamedTuple):
    """A finding whose slide is known from where it was found."""

    kind: FindingKind
    shape: str
    message: str
    template: str = ""
    """What in the template it comes from, the same on every slide; empty if it is the slide's own."""
