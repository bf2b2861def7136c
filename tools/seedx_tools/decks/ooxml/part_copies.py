"""Copy the parts of a package, with what they relate to, within a deck or to another one."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

from pptx.opc.constants import RELATIONSHIP_TARGET_MODE as MODE
from pptx.opc.constants import RELATIONSHIP_TYPE as RELATION
from pptx.opc.package import OpcPackage, Part, _Relationship
from pptx.opc.packuri import PackURI
from pptx.presentation import Presentation as PresentationObject

_FIRST_MASTER_ID = 2_147_483_648
"""The smallest id of masters and layouts (ST_SlideMasterId, ECMA-376 part 1, 19.7.14)."""
_OF_ITS_OWN = ("chart", "package", "notesSlide", "oleObject", "chartUserShapes", "themeOverride")
"""The kinds of parts that a duplicated slide gets for itself; it shares layouts and media with the first."""
_LEFT_OUT = ("comments",)
_NUMBERED = re.compile(r"^(.*?)(\d*)(\.\w+)$")


class PartCopies:
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

    def of_kind(self, folder: str) -> list[Part]:
        """Return the copies of parts of one folder of a package, such as "notesMasters"."""
        return [new for old, new in self._made.items() if f"/{folder}/" in old.partname and new is not old]

    @property
    def masters(self) -> list[Part]:
        """The copies of slide masters."""
        return self.of_kind("slideMasters")

    def copy(self, part: Part) -> Part:
        """Return the copy of a part, with copies of the parts that it relates to."""
        if part in self._made:
            return self._made[part]
        loader: Any = type(part)
        new: Part = loader.load(self._name(part), part.content_type, self._package, part.blob)
        self._made[part] = new
        for rel_id, relation in part.rels.items():
            kind = relation.reltype.rpartition("/")[2]
            if kind in _LEFT_OUT and not self._whole:
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


def list_master(deck: PresentationObject, part: Any) -> None:
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
