"""Add layouts to a master, and copy shapes between slides, layouts and masters with what they refer to."""

from __future__ import annotations

import copy
from typing import Any

from pptx.opc.constants import RELATIONSHIP_TYPE as RELATION
from pptx.opc.package import XmlPart
from pptx.opc.packuri import PackURI
from pptx.oxml.ns import qn
from pptx.parts.slide import SlideLayoutPart
from pptx.slide import SlideLayout, SlideMaster

_LAYOUTS = "/ppt/slideLayouts/slideLayout%d.xml"
_FIRST_ID = 2_147_483_648
"""The least id of a master or layout (ST_SlideLayoutId)."""
_RELATION_ATTRIBUTES = tuple(qn(f"r:{name}") for name in ("embed", "link", "id", "pict", "dm", "lo", "qs", "cs"))


def add_layout(master: SlideMaster, base: SlideLayout, name: str) -> SlideLayout:
    """Add a copy of a layout of any master, with its background, shapes and pictures, to a master, and return it."""
    package = master.part.package
    element = copy.deepcopy(base.element)
    part = SlideLayoutPart(_free_name(package), base.part.content_type, package, element)
    part.relate_to(master.part, RELATION.SLIDE_MASTER)
    for found in list(element.iter()):
        _relate(found, base.part, part)
    ids = [int(entry.get("id", 0)) for entry in _ids(package)]
    entry = master.element.get_or_add_sldLayoutIdLst()._add_sldLayoutId()
    entry.rId = master.part.relate_to(part, RELATION.SLIDE_LAYOUT)
    entry.set("id", str(1 + max((_FIRST_ID, *ids))))
    layout: SlideLayout = part.slide_layout
    layout.name = name
    return layout


def copy_element(element: Any, source: XmlPart, target: XmlPart) -> Any:
    """Return a copy of a shape or background of one part for another, which then refers to the same pictures."""
    copied = copy.deepcopy(element)
    for found in list(copied.iter()):
        _relate(found, source, target)
    return copied


def _relate(element: Any, source: XmlPart, target: XmlPart) -> None:
    """Point the references of a copied element to relationships of the part that it is in now."""
    for name in _RELATION_ATTRIBUTES:
        old = element.get(name)
        if old is None or old not in source.rels:
            continue
        relation = source.rels[old]
        if relation.is_external:
            element.set(name, target.relate_to(relation.target_ref, relation.reltype, is_external=True))
        else:
            element.set(name, target.relate_to(relation.target_part, relation.reltype))


def _free_name(package: Any) -> PackURI:
    name: PackURI = package.next_partname(_LAYOUTS)
    return name


def _ids(package: Any) -> list[Any]:
    """Return the entries of all masters and layouts of a package, which share one range of ids."""
    deck = package.presentation_part.presentation
    lists = [deck.part._element.sldMasterIdLst, *(master.element.sldLayoutIdLst for master in deck.slide_masters)]
    return [entry for found in lists if found is not None for entry in found]
