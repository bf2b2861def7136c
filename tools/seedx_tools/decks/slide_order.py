"""Delete, move and replace slides of a saved deck; the XML of all others stays the same byte for byte."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pptx.oxml.ns import qn
from pptx.parts.slide import SlidePart
from pptx.presentation import Presentation as PresentationObject
from pptx.slide import Slide

from seedx_sdk.errors import InputError
from seedx_sdk.files import check_output_path
from seedx_tools.decks.editing.carry_over import redirect
from seedx_tools.decks.ooxml.originals import save_keeping, slide_xml
from seedx_tools.decks.ooxml.package import open_deck

_NEW_SLIDES = "/ppt/slides/slide%d.xml"
_SECTION_SLIDE = "{http://schemas.microsoft.com/office/powerpoint/2010/main}sldId"


def delete_slide(path: str | os.PathLike[str], slide: int, *, output: str | os.PathLike[str] | None = None) -> Path:
    """Delete a slide of a deck, save the deck, and return its path.

    Args:
        path: Any .pptx.
        slide: The number of the slide, from 1.
        output: Where to save the deck; None: path.

    Raises:
        TemplateError: If the file cannot be opened.
        InputError: If there is no such slide, it is the only one, or other slides or custom shows link to it.
        OutputPathError: If the deck cannot be written.
    """
    target, deck, originals = opened(path, output)
    entry = slide_entry(deck, slide)
    if len(deck.slides) == 1:
        raise InputError("the deck has only this slide; delete the file instead")
    _check_links(deck, slide)
    for listed in _in_sections(deck, entry.id):
        listed.getparent().remove(listed)
    deck.part.drop_rel(entry.rId)
    entry.getparent().remove(entry)
    save_keeping(deck, target, originals)
    return target


def move_slide(
    path: str | os.PathLike[str], slide: int, to: int, *, output: str | os.PathLike[str] | None = None
) -> Path:
    """Move a slide of a deck to another place, save the deck, and return its path.

    Args:
        path: Any .pptx.
        slide: The number of the slide, from 1.
        to: The number that it gets.
        output: Where to save the deck; None: path.

    Raises:
        TemplateError: If the file cannot be opened.
        InputError: If there is no such slide or place.
        OutputPathError: If the deck cannot be written.
    """
    target, deck, originals = opened(path, output)
    place_slides(deck, [slide_entry(deck, slide)], to)
    save_keeping(deck, target, originals)
    return target


def place_slides(deck: PresentationObject, entries: list[Any], to: int) -> None:
    """Put slides of a deck next to each other, so that the first of them gets a number.

    Raises:
        InputError: If there is no such place.
    """
    listed = deck.slides._sldIdLst
    count = len(listed)
    if not 1 <= to <= count - len(entries) + 1:
        raise InputError(f"there is no place {to}; use 1 to {count - len(entries) + 1}")
    for entry in entries:
        listed.remove(entry)
    for offset, entry in enumerate(entries):
        listed.insert(to - 1 + offset, entry)
    for offset, entry in enumerate(entries):
        join_section(deck, entry, to - 1 + offset)


def replace_slide(deck: PresentationObject, old: Slide, new: Sequence[Slide]) -> None:
    """Put the last slides of a deck, which are new, in the place of another one.

    The first of them takes over its id and every relationship that points to it.
    """
    listed = deck.slides._sldIdLst
    first, *more = list(listed)[-len(new) :]
    place = [entry.id for entry in listed].index(old.slide_id)
    for part in list(deck.part.package.iter_parts()):
        redirect(part, old.part, new[0].part)
    deck.part.drop_rel(first.rId)
    listed.remove(first)
    for offset, entry in enumerate(more, start=1):
        listed.insert(place + offset, entry)


def rename_unlisted_slides(deck: PresentationObject) -> None:
    """Rename slides that are linked to but not in the deck, so that no slide of the deck has the same part name."""
    package = deck.part.package
    shown = [slide.part for slide in deck.slides]
    names = {part.partname for part in shown}
    for part in list(package.iter_parts()):
        if isinstance(part, SlidePart) and part not in shown and part.partname in names:
            part.partname = package.next_partname(_NEW_SLIDES)


def opened(
    path: str | os.PathLike[str], output: str | os.PathLike[str] | None
) -> tuple[Path, PresentationObject, dict[int, bytes]]:
    """Return where a deck is to be saved, the deck, and the XML of its slides by their ids."""
    target = check_output_path(path if output is None else output, (".pptx",))
    deck = open_deck(path)
    return target, deck, slide_xml(deck, path)


def slide_entry(deck: PresentationObject, number: int) -> Any:
    """Return the entry of a slide in the list of slides; raise InputError if there is none."""
    entries = list(deck.slides._sldIdLst)
    if not 1 <= number <= len(entries):
        raise InputError(f"there is no slide {number}; the deck has slides 1 to {len(entries)}")
    return entries[number - 1]


def _check_links(deck: PresentationObject, number: int) -> None:
    """Raise InputError if another slide or a custom show links to a slide."""
    gone = deck.slides[number - 1].part
    for other, slide in enumerate(deck.slides, start=1):
        if slide.part is not gone and any(
            not relation.is_external and relation.target_part is gone and isinstance(gone, SlidePart)
            for relation in slide.part.rels.values()
        ):
            raise InputError(f"slide {other} links to slide {number}; remove the link first")
    shows = deck.part._element.iter(qn("p:custShow"))
    rel_id = list(deck.slides._sldIdLst)[number - 1].rId
    for show in shows:
        if any(sld.get(qn("r:id")) == rel_id for sld in show.iter(qn("p:sld"))):
            raise InputError(f"the custom show '{show.get('name')}' has slide {number}; take it out of the show first")


def _in_sections(deck: PresentationObject, slide_id: int) -> list[Any]:
    return [listed for listed in deck.part._element.iter(_SECTION_SLIDE) if listed.get("id") == str(slide_id)]


def join_section(deck: PresentationObject, entry: Any, place: int) -> None:
    """Put a slide into the section of the slide before it, or of the one after it if it is the first."""
    own = _in_sections(deck, entry.id)
    entries = list(deck.slides._sldIdLst)
    if len(entries) < 2:
        return
    beside = _in_sections(deck, entries[place - 1].id if place else entries[1].id)
    if not beside:
        return
    listed = own[0] if own else beside[0].makeelement(_SECTION_SLIDE, {"id": str(entry.id)})
    if place:
        beside[0].addnext(listed)
    else:
        beside[0].addprevious(listed)
