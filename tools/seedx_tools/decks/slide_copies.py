"""Copy slides, within a deck or from another one, with all that they show: layouts, pictures, charts and notes."""

from __future__ import annotations

import os
import re
from itertools import count
from pathlib import Path
from typing import Any

from pptx.opc.constants import RELATIONSHIP_TARGET_MODE as MODE
from pptx.opc.constants import RELATIONSHIP_TYPE as RELATION
from pptx.opc.package import OpcPackage, Part, _Relationship
from pptx.opc.packuri import PackURI
from pptx.presentation import Presentation as PresentationObject

from seedx_sdk.errors import InputError
from seedx_tools.decks.ooxml.originals import save_keeping
from seedx_tools.decks.ooxml.package import open_deck
from seedx_tools.decks.slide_order import join_section, opened, slide_entry

_EMU_PER_INCH = 914_400
_FIRST_MASTER_ID = 2_147_483_648
"""The smallest id of masters and layouts (ST_SlideMasterId, ECMA-376 part 1, 19.7.14)."""
_OF_ITS_OWN = ("chart", "package", "notesSlide", "oleObject", "chartUserShapes", "themeOverride")
"""The kinds of parts that a duplicated slide gets for itself; it shares layouts and media with the first."""
_LEFT_OUT = ("comments",)
_NUMBERED = re.compile(r"^(.*?)(\d*)(\.\w+)$")


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
    copies = _Copies(deck.part.package, whole=False)
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

    The other deck's masters, layouts, themes and media come with its slides. Comments are left out.

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
        shown = [f"{width / _EMU_PER_INCH:.2f} x {height / _EMU_PER_INCH:.2f} inches" for width, height in sizes]
        raise InputError(f"the pages are {shown[0]} and {shown[1]}; give both decks one size (Design, Slide Size)")
    place = len(deck.slides) if at is None else at - 1
    if not 0 <= place <= len(deck.slides):
        raise InputError(f"there is no place {at}; use 1 to {len(deck.slides) + 1}")
    copies = _Copies(deck.part.package, whole=True)
    if deck.part._element.find("{*}notesMasterIdLst") is not None and any(s.has_notes_slide for s in added.slides):
        copies.use(added.notes_master.part, deck.notes_master.part)
    for offset, slide in enumerate(added.slides):
        _list(deck, copies.copy(slide.part), place + offset)
    for master in copies.masters:
        _list_master(deck, master)
    save_keeping(deck, target, originals)
    return target


class _Copies:
    """Copies of parts in a package, one of each.

    Args:
        package: The package that the copies go to.
        whole: Whether everything is copied; False: only what a slide must have for itself.
    """

    def __init__(self, package: OpcPackage, *, whole: bool) -> None:
        self._package = package
        self._whole = whole
        self._made: dict[Part, Part] = {}
        self._names = {part.partname for part in package.iter_parts()}

    def use(self, part: Part, instead: Part) -> None:
        """Let a part stand for another one, which is not copied."""
        self._made[part] = instead

    @property
    def masters(self) -> list[Part]:
        """The copies of slide masters."""
        return [new for old, new in self._made.items() if "/slideMasters/" in old.partname and new is not old]

    def copy(self, part: Part) -> Part:
        """Return the copy of a part, with copies of the parts that it relates to."""
        if part in self._made:
            return self._made[part]
        loader: Any = type(part)
        new: Part = loader.load(self._name(part), part.content_type, self._package, part.blob)
        self._made[part] = new
        for rel_id, relation in part.rels.items():
            kind = relation.reltype.rpartition("/")[2]
            if kind in _LEFT_OUT:
                continue
            if relation.is_external:
                mode, target = MODE.EXTERNAL, relation.target_ref
            else:
                mode, target = MODE.INTERNAL, self._target(relation.target_part, kind)
            relations: Any = new.rels._rels
            relations[rel_id] = _Relationship(new.partname.baseURI, rel_id, relation.reltype, mode, target)
        return new

    def _target(self, part: Part, kind: str) -> Any:
        is_own = self._whole or kind in _OF_ITS_OWN or part in self._made
        return self.copy(part) if is_own else part

    def _name(self, part: Part) -> PackURI:
        found = _NUMBERED.match(part.partname)
        stem, _, suffix = found.groups() if found else (part.partname, "", "")
        name = next(name for number in count(1) if (name := PackURI(f"{stem}{number}{suffix}")) not in self._names)
        self._names.add(name)
        return name


def _list(deck: PresentationObject, part: Part, place: int) -> None:
    """Put a slide part into the list of slides at this index, and into the section there."""
    listed: Any = deck.slides._sldIdLst
    entry = listed.add_sldId(deck.part.relate_to(part, RELATION.SLIDE))
    listed.remove(entry)
    listed.insert(place, entry)
    join_section(deck, entry, place)


def _list_master(deck: PresentationObject, part: Any) -> None:
    """Put a master into the list of masters; ids of masters and layouts are one of a kind in a deck."""
    masters = deck.part._element.get_or_add_sldMasterIdLst()
    layouts = [entry for master in deck.slide_masters for entry in master.element.get_or_add_sldLayoutIdLst()]
    taken = [int(entry.get("id")) for entry in (*masters, *layouts) if entry.get("id")]
    free = count(max([*taken, _FIRST_MASTER_ID - 1]) + 1)
    entry = masters._add_sldMasterId()
    entry.rId = deck.part.relate_to(part, RELATION.SLIDE_MASTER)
    entry.set("id", str(next(free)))
    for layout in part._element.get_or_add_sldLayoutIdLst():
        layout.set("id", str(next(free)))
