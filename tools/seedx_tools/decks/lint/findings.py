"""What the linter reports."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict

FindingKind: TypeAlias = Literal[
    "overflow",
    "off_slide",
    "overlap",
    "small_text",
    "low_contrast",
    "empty_placeholder",
    "missing_alt_text",
    "missing_title",
]


class Finding(BaseModel):
    """A problem on a slide."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FindingKind
    slide: int
    """From 1."""
    shape: str
    """The shape's name in PowerPoint's selection pane; empty for the slide itself."""
    message: str
    """What is wrong, what was measured, and how to fix it."""


class Fault(NamedTuple):
    """A finding whose slide is known from where it was found."""

    kind: FindingKind
    shape: str
    message: str
