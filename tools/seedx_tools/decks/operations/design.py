"""Give a saved deck another design: a template, a built-in theme or a brand. Its content stays."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree
from pptx.presentation import Presentation as PresentationObject
from pptx.slide import SlideMaster
from pptx.util import Emu

from seedx_sdk import SeedX
from seedx_sdk.errors import InputError
from seedx_tools.decks.lint.check import find_faults
from seedx_tools.decks.look import Look
from seedx_tools.decks.ooxml.originals import save_keeping
from seedx_tools.decks.ooxml.part_copies import PartCopies, list_master
from seedx_tools.decks.ooxml.styles import EMU_PER_INCH, placeholder_type
from seedx_tools.decks.operations.moving import Move
from seedx_tools.decks.operations.redesign import Redesigned
from seedx_tools.decks.operations.relayout import add_blank_layout, content_of
from seedx_tools.decks.results import Deck, deck_result, describe_slides
from seedx_tools.decks.slide_order import opened
from seedx_tools.decks.theme.brand import Brand
from seedx_tools.decks.theme.build import WIDTH_INCHES, DeckSize
from seedx_tools.decks.theme.designs import HEIGHT_INCHES
from seedx_tools.decks.theme.palettes import DeckTheme

_NOT_FROM_A_DESIGN = ("duplicate_title", "wall_of_text", "leftover_text")


def change_template(
    seedx: SeedX,
    path: str | os.PathLike[str],
    *,
    template: str | os.PathLike[str] | None = None,
    master: str | None = None,
    theme: DeckTheme | None = None,
    brand: Brand | None = None,
    output: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
) -> Deck:
    """Return the saved deck in another design; text runs, tables, charts, pictures, notes and comments stay.

    Each slide goes to the layout of the new design that holds what it holds: by type and geometry, then by name. Its
    placeholders follow that layout, and what stands in none moves along. Backgrounds and colors that a slide sets
    itself stay. The warnings name what could not be kept, and what the linter finds in the new design only.

    Args:
        seedx: Named in the result; it is not asked anything.
        path: Any .pptx.
        template: A .pptx or .potx whose masters and layouts are used.
        master: Which master of the template, by name or number, from 1; None: the one that fits best.
        theme: A built-in theme in place of a template.
        brand: Colors, fonts, logo and footer that the theme takes on; None: the theme's own.
        output: Where to save the deck; None: path.
        dry_run: Whether nothing is saved: the warnings then say what would change.

    Raises:
        TemplateError: If a file cannot be opened or used.
        InputError: If there is neither a template nor a theme or brand, or the template has no such master.
        OutputPathError: If the deck cannot be written.
    """
    started = time.perf_counter()
    if template is None and theme is None and brand is None:
        raise InputError("there is no new design; give a template, a theme or a brand")
    target, deck, originals = opened(path, output)
    before = set(_faults(deck))
    size = _size(deck) if template is None else None
    look = Look(template=template, master=master, theme=theme, brand=brand, size=size, footer=True)
    design = look.open()
    warnings = [*design.notices]
    page = _page_move(deck, design.deck)
    if page.old != page.new:
        wide, high = (length / EMU_PER_INCH for length in page.new[2:])
        warnings.append(f"the pages are now {wide:.2f} x {high:.2f} inches, as the template's are")
    new_master = _take_master(deck, design.master)
    xml = {slide.slide_id: etree.tostring(slide.element) for slide in deck.slides}
    if any(content_of(slide).is_loose for slide in deck.slides):
        add_blank_layout(new_master)
    moved = [Redesigned(slide, new_master, page) for slide in deck.slides]
    deck.slide_width, deck.slide_height = (
        Emu(int(design.deck.slide_width or 0)),
        Emu(int(design.deck.slide_height or 0)),
    )
    for number, slide in enumerate(moved, start=1):
        warnings += [f"slide {number}: {change}" for change in slide.apply()]
    if brand is not None and isinstance(look.bottom.text, str):
        _set_footers(deck, look.bottom.text)
    _drop_masters(deck, new_master)
    warnings += [fault for fault in _faults(deck) if fault not in before]
    kept = {
        slide.slide_id: originals[slide.slide_id]
        for slide in deck.slides
        if etree.tostring(slide.element) == xml[slide.slide_id]
    }
    described = describe_slides(deck, {})
    if not dry_run:
        save_keeping(deck, target, kept)
    saved = Path(path) if dry_run else target
    return deck_result(seedx, deck, saved, described, seed=0, started=started, warnings=warnings)


def _size(deck: PresentationObject) -> DeckSize:
    """Return the page size of the built-in themes that is closest to a deck's."""
    ratio = int(deck.slide_width or 1) / int(deck.slide_height or 1)
    sizes: list[DeckSize] = list(WIDTH_INCHES)
    return min(sizes, key=lambda size: abs(WIDTH_INCHES[size] / HEIGHT_INCHES - ratio))


def _page_move(deck: PresentationObject, design: PresentationObject) -> Move:
    """Return how the page of a deck comes to lie in the page of a design: without distortion, in its middle."""
    old, new = ((0, 0, int(one.slide_width or 1), int(one.slide_height or 1)) for one in (deck, design))
    return Move(old, new)


def _take_master(deck: PresentationObject, master: SlideMaster) -> SlideMaster:
    """Copy a master of another deck, with its layouts and theme, and return the copy."""
    part: Any = PartCopies(deck.part.package, whole=True).copy(master.part)
    list_master(deck, part)
    taken: SlideMaster = part.slide_master
    return taken


def _drop_masters(deck: PresentationObject, kept: SlideMaster) -> None:
    """Remove all masters but one."""
    listed: Any = deck.part._element.sldMasterIdLst
    for entry in list(listed):
        if deck.part.related_part(entry.rId) is not kept.part:
            deck.part.drop_rel(entry.rId)
            listed.remove(entry)


def _set_footers(deck: PresentationObject, text: str) -> None:
    for slide in deck.slides:
        for shape in slide.placeholders:
            if placeholder_type(shape.element) == "ftr" and shape.has_text_frame:
                runs = [run for paragraph in shape.text_frame.paragraphs for run in paragraph.runs]
                if runs:
                    runs[0].text = text
                for run in runs[1:]:
                    run._r.getparent().remove(run._r)


def _faults(deck: PresentationObject) -> Iterator[str]:
    for fault in find_faults(deck):
        if fault.kind not in _NOT_FROM_A_DESIGN:
            shape = f" '{fault.shape}'" if fault.shape else ""
            yield f"slide {fault.slide}{shape}: {fault.message}"
