"""Keep what a slide has beside its shapes when another slide takes its place."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from pptx.opc.constants import RELATIONSHIP_TARGET_MODE
from pptx.opc.package import Part, _Relationship
from pptx.oxml.ns import qn
from pptx.slide import Slide

_TRANSITION = qn("p:transition")
_ALTERNATIVES = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_LOOKS = (qn("a:solidFill"), qn("a:gradFill"), qn("a:latin"), qn("a:highlight"))
_RELATION = (qn("r:embed"), qn("r:link"), qn("r:id"))


def carry_over(old: Slide, new: Slide) -> Iterator[str]:
    """Copy the background, the transition and the comments of a slide; yield what could not be kept."""
    background = old.element.cSld.find(qn("p:bg"))
    if background is not None and new.element.cSld.find(qn("p:bg")) is None:
        new.element.cSld.insert(0, _copied(background, old, new))
    transition = next((child for child in old.element if _is_transition(child)), None)
    if transition is not None:
        if any(name in element.attrib for element in transition.iter() for name in _RELATION):
            yield "the sound of its transition was left out"
        else:
            anchor = new.element.find(qn("p:clrMapOvr"))
            (new.element.cSld if anchor is None else anchor).addnext(copy.deepcopy(transition))
    if old.element.find(qn("p:timing")) is not None:
        yield "its animations were left out, since they belong to the shapes that it had"
    if any(_is_set(look) for look in old.shapes._spTree.iter(qn("a:rPr"))):
        yield "the colors, sizes and typefaces that its texts set themselves were left out"
    for name in ("table", "chart"):
        if all(any(getattr(shape, f"has_{name}", False) for shape in slide.shapes) for slide in (old, new)):
            yield f"its {name} was drawn anew, in the look of the deck"
    for relation in old.part.rels.values():
        if relation.reltype.rpartition("/")[2] == "comments" and not relation.is_external:
            new.part.relate_to(relation.target_part, relation.reltype)


def copy_visibility(old: Slide, new: Slide) -> None:
    """Hide a slide in the slide show if the one it replaces is hidden."""
    shown = old.element.get("show")
    if shown is not None:
        new.element.set("show", shown)


def redirect(source: Part, old: Part, new: Part) -> None:
    """Redirect every relationship of a part from one target part to another."""
    for relation in list(source.rels.values()):
        if not relation.is_external and relation.target_part is old:
            source.rels._rels[relation.rId] = _Relationship(
                source.partname.baseURI, relation.rId, relation.reltype, RELATIONSHIP_TARGET_MODE.INTERNAL, new
            )


def _is_transition(element: Any) -> bool:
    is_newer = element.tag == _ALTERNATIVES and next(element.iter(_TRANSITION), None) is not None
    return element.tag == _TRANSITION or is_newer


def _is_set(look: Any) -> bool:
    return look.get("sz") is not None or any(child.tag in _LOOKS for child in look)


def _copied(element: Any, old: Slide, new: Slide) -> Any:
    """Return a copy of an element for another slide, with the parts that it refers to."""
    copied = copy.deepcopy(element)
    for child in copied.iter():
        for name in _RELATION:
            if name in child.attrib:
                relation = old.part.rels[child.get(name)]
                child.set(name, new.part.relate_to(relation.target_part, relation.reltype))
    return copied
