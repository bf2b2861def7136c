"""The masters of a deck: their names, and the one that its slides are made on."""

from __future__ import annotations

from collections import Counter

from pptx.oxml import parse_xml
from pptx.presentation import Presentation as PresentationObject
from pptx.slide import SlideMaster

from seedx_sdk.errors import InputError
from seedx_tools.decks.ooxml.layouts import slots_of


def master_name(master: SlideMaster) -> str:
    """Return the name that PowerPoint shows for a master: that of its theme."""
    blob = next((rel.target_part.blob for rel in master.part.rels.values() if rel.reltype.endswith("/theme")), None)
    theme = "" if blob is None else str(parse_xml(blob).get("name", ""))
    return theme or str(master.name)


def named_master(deck: PresentationObject, name: str) -> SlideMaster:
    """Return the master of this name, or of this number, from 1.

    Raises:
        InputError: If there is none.
    """
    masters: list[SlideMaster] = list(deck.slide_masters)
    wanted = name.strip().casefold()
    for master in masters:
        if wanted and wanted in (master_name(master).casefold(), str(master.name).casefold()):
            return master
    if wanted.isdecimal() and 1 <= int(wanted) <= len(masters):
        return masters[int(wanted) - 1]
    known = ", ".join(f"{number} '{master_name(master)}'" for number, master in enumerate(masters, start=1))
    raise InputError(f"the template has no slide master '{name}'; it has {known}")


def best_master(deck: PresentationObject) -> SlideMaster:
    """Return the master that new slides fit best: with a place for points, used by most slides, of most purposes."""
    uses = Counter(slide.slide_layout.slide_master.part.partname for slide in deck.slides)

    def fit(master: SlideMaster) -> tuple[bool, int, int]:
        found = [slots_of(layout) for layout in master.slide_layouts]
        purposes = {(slots.role, len(slots.bodies), slots.picture is not None) for slots in found}
        return any(slots.holds_points for slots in found), uses[master.part.partname], len(purposes)

    masters: list[SlideMaster] = list(deck.slide_masters)
    return max(masters, key=fit)
