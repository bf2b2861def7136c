"""Orders about the slides of a deck as a whole: what a program, a chat model or plain words ask for."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from seedx_tools.decks.outline import MAX_NUM_SLIDES
from seedx_tools.decks.theme.palettes import DeckTheme

OrderKind: TypeAlias = Literal[
    "delete", "move", "duplicate", "insert", "revise", "merge", "template", "length", "sources"
]
_NEEDS: dict[OrderKind, tuple[str, ...]] = {
    "delete": ("slide",),
    "move": ("slide",),
    "duplicate": ("slide",),
    "insert": ("content",),
    "revise": ("slide", "content"),
    "merge": ("file",),
    "template": (),
    "length": ("num_slides",),
    "sources": (),
}


class DeckOrder(BaseModel):
    """One change of a deck. Slides are named by their numbers before the first order of a request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: OrderKind = Field(
        description="delete, move, duplicate or revise: a slide. insert: new slides. merge: slides of another deck. "
        "template: another design. length: as many slides as num_slides. sources: a slide that lists the sources."
    )
    slide: int | None = Field(
        default=None,
        ge=1,
        description="delete, move, duplicate, revise: the number of the slide, as the deck is before the first order.",
    )
    after: int | None = Field(
        default=None,
        ge=0,
        description="move, insert, merge, duplicate: the number of the slide behind which it goes, as the deck is "
        "before the first order; 0: at the start. Null: at the end, a duplicate behind its slide.",
    )
    content: str = Field(
        default="",
        description="insert: the new slides in Markdown, '## Title' and '- points' for each. revise: the whole new "
        "slide in Markdown, or an instruction. sources: the title of the slide, or empty.",
    )
    num_slides: int | None = Field(
        default=None, ge=1, le=MAX_NUM_SLIDES, description="length: the number of slides, with the title slide."
    )
    file: str = Field(default="", description="merge: the other .pptx. template: a .pptx or .potx; or empty.")
    theme: DeckTheme | None = Field(default=None, description="template: a built-in theme in place of a file.")

    @model_validator(mode="after")
    def _is_complete(self) -> DeckOrder:
        for name in _NEEDS[self.kind]:
            if getattr(self, name) in (None, ""):
                raise ValueError(f"the order '{self.kind}' needs '{name}'")
        if self.kind == "template" and bool(self.file) == (self.theme is not None):
            raise ValueError("the order 'template' needs either a 'file' or a built-in 'theme'")
        return self


def place_of(order: DeckOrder, count: int) -> int:
    """Return the number that a slide of a deck of so many gets by an order to move it."""
    slide, after = order.slide or 1, count if order.after is None else order.after
    return after + 1 if after < slide else after
