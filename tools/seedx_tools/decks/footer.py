"""What stands at the bottom of slides: a text, a date, the slide number."""

from __future__ import annotations

from typing import TypeAlias

from pydantic import BaseModel, ConfigDict


class Footer(BaseModel):
    """What stands at the bottom of slides, where their layout has a place for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str | None = None
    """None: the template's own text, else the title of the deck; "" leaves it out."""
    date: bool | str | None = None
    """A fixed date, or True for the current one, which PowerPoint updates; None: the template's own; False: none."""
    slide_numbers: bool | None = None
    """None: as in the template."""


FooterChoice: TypeAlias = bool | str | Footer
"""A text; True: Footer(); False: neither text nor date, while slide numbers stay."""


def footer_from(choice: FooterChoice) -> Footer:
    """Return the footer that a caller chose."""
    if isinstance(choice, Footer):
        return choice
    if isinstance(choice, str):
        return Footer(text=choice)
    return Footer() if choice else Footer(text="", date=False)
