"""Copy slides, within a deck or from another one, with all that they show: layouts, pictures, charts and notes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pptx.opc.constants import RELATIONSHIP_TYPE as RELATION
from pptx.opc.package import Part
from pptx.presentation import Presentation as PresentationObject

from seedx_sdk.errors import InputError
from seedx_tools.decks.ooxml.merging import (
    keep_sections,
    list_notes_master,
    merge_comment_authors,
    merge_table_styles,
    renumber_authors,
    sections_of,
)
from seedx_tools.decks.ooxml.originals import save_keeping
from seedx_tools.decks.ooxml.package import open_deck
from seedx_tools.decks.ooxml.part_copies import PartCopies, list_master
from seedx_tools.decks.ooxml.styles import EMU_PER_INCH
from seedx_tools.decks.slide_order import join_section, opened, slide_entry


def duplicate_slide(path: str | os.PathLike[str], slide: int, *, output: str | os.PathLike[str] | None = None) -> Path:
    """Put a copy of a slide behind it, save the deck, and return its path; all slides keep their XML.

    Charts and notes are copied too, so that they can be changed apart; comments stay with the first.

    Args:
        path: Any .pptx.
        slide: The number of the slide, from 1.
        output: Where to save the deck; None: path.

    Raises:
        TemplateError: If the file cannot be opened.
        InputError: If there is no such slide.
        OutputPathError: If the deck cannot be written.
    """
    target, deck, originals = opened(path, output)
    entry = slide_entry(deck, slide)
    source = deck.part.related_part(entry.rId)
    copies = PartCopies(deck.part.package, whole=False)
    _list(deck, copies.copy(source), slide)
    save_keeping(deck, target, originals)
    return target


def merge_decks(
    path: str | os.PathLike[str],
    other: str | os.PathLike[str],
    *,
    at: int | None = None,
    output: str | os.PathLike[str] | None = None,
) -> Path:
    """Put the slides of another deck into a deck, save it, and return its path; every slide keeps its look.

    The other deck's masters, layouts, themes and media come with its slides, and so do their notes, comments, table
    styles and sections. A section that they part goes on behind them under the same name.

    Args:
        path: The deck that gets the slides.
        other: The deck whose slides are copied.
        at: The number that the first of them gets; None: behind the last slide.
        output: Where to save the deck; None: path.

    Raises:
        TemplateError: If a file cannot be opened.
        InputError: If there is no such place, or the pages of the decks differ in size.
        OutputPathError: If the deck cannot be written.
    """
    target, deck, originals = opened(path, output)
    added = open_deck(other)
    sizes = [(int(one.slide_width or 0), int(one.slide_height or 0)) for one in (deck, added)]
    if sizes[0] != sizes[1]:
        shown = [f"{width / EMU_PER_INCH:.2f} x {height / EMU_PER_INCH:.2f} inches" for width, height in sizes]
        raise InputError(f"the pages are {shown[0]} and {shown[1]}; give both decks one size (Design, Slide Size)")
    place = len(deck.slides) if at is None else at - 1
    if not 0 <= place <= len(deck.slides):
        raise InputError(f"there is no place {at}; use 1 to {len(deck.slides) + 1}")
    copies = PartCopies(deck.part.package, whole=True)
    if deck.part._element.find("{*}notesMasterIdLst") is not None and any(s.has_notes_slide for s in added.slides):
        copies.use(added.notes_master.part, deck.notes_master.part)
    sections, own = sections_of(deck), [slide.slide_id for slide in deck.slides]
    for offset, slide in enumerate(added.slides):
        _list(deck, copies.copy(slide.part), place + offset)
    for master in copies.masters:
        list_master(deck, master)
    for notes_master in copies.of_kind("notesMasters"):
        list_notes_master(deck, notes_master)
    authors = merge_comment_authors(deck, added)
    for comments in copies.of_kind("comments"):
        renumber_authors(comments, authors)
    merge_table_styles(deck, added)
    new = [slide.slide_id for slide in deck.slides][place : place + len(added.slides)]
    keep_sections(deck, sections, own, new, sections_of(added))
    save_keeping(deck, target, originals)
    return target


def _list(deck: PresentationObject, part: Part, place: int) -> None:
    """Put a slide part into the list of slides at this index, and into the section there."""
    listed: Any = deck.slides._sldIdLst
    entry = listed.add_sldId(deck.part.relate_to(part, RELATION.SLIDE))
    listed.remove(entry)
    listed.insert(place, entry)
    join_section(deck, entry, place)
