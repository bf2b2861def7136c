"""A template that a user brought: its masters and layouts, without its slides."""

from __future__ import annotations

import os

from pptx.presentation import Presentation as PresentationObject

from seedx_sdk.errors import TemplateError
from seedx_tools.deck_file import open_deck


def open_template(path: str | os.PathLike[str]) -> tuple[PresentationObject, tuple[str, ...]]:
    """Return the presentation of a template without its slides, and warnings.

    Raises:
        TemplateError: open_deck refuses it, it links to files outside itself, or it has no layouts.
    """
    deck = open_deck(path, allow_links=False)
    if not any(len(master.slide_layouts) for master in deck.slide_masters):
        raise TemplateError(f"'{path}' has no slide layouts; add one with a title and a body in the master view")
    removed = _drop_slides(deck)
    if removed:
        return deck, (f"the template's own {removed} slides were left out; its masters and layouts are used",)
    return deck, ()


def _drop_slides(deck: PresentationObject) -> int:
    """Remove all slides; their parts go with the relations when the deck is saved."""
    ids = deck.slides._sldIdLst
    entries = list(ids)
    for entry in entries:
        deck.part.drop_rel(entry.rId)
        ids.remove(entry)
    return len(entries)
