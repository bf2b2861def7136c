"""Bring what a deck keeps beside its slides to another one: authors of comments, table styles, sections."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from pptx.opc.constants import RELATIONSHIP_TYPE as RELATION
from pptx.opc.oxml import serialize_part_xml
from pptx.opc.package import Part, XmlPart
from pptx.opc.packuri import PackURI
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.presentation import Presentation as PresentationObject

_P14 = "http://schemas.microsoft.com/office/powerpoint/2010/main"
_SECTIONS_URI = "{521415D9-36F7-43E2-AB2F-B90AF26B5E84}"
_SECTION, _LISTED = f"{{{_P14}}}section", f"{{{_P14}}}sldId"


def merge_comment_authors(deck: PresentationObject, added: PresentationObject) -> dict[str, str]:
    """Add the authors of another deck's comments; return the new id of each of the numbered ones."""
    renumbered: dict[str, str] = {}
    for kind in ("commentAuthors", "authors"):
        theirs = _part(added, kind)
        if theirs is None:
            continue
        source, mine = parse_xml(theirs.blob), _part(deck, kind)
        if mine is None:
            name = PackURI(str(theirs.partname))
            mine = Part.load(name, theirs.content_type, deck.part.package, theirs.blob)
            deck.part.relate_to(mine, _reltype(added, kind))
            continue
        target = parse_xml(mine.blob)
        known = {(one.get("name"), one.get("userId") or one.get("initials")): one.get("id") for one in target}
        free = 1 + max((int(one.get("id")) for one in target if str(one.get("id")).isdecimal()), default=-1)
        ids = {one.get("id") for one in target}
        for author in source:
            key = author.get("name"), author.get("userId") or author.get("initials")
            if kind == "authors":
                if author.get("id") not in ids:
                    target.append(copy.deepcopy(author))
            elif key in known:
                renumbered[author.get("id")] = known[key]
            else:
                renumbered[author.get("id")] = str(free)
                new = copy.deepcopy(author)
                new.set("id", str(free))
                target.append(new)
                free += 1
        _set_blob(mine, target)
    return renumbered


def renumber_authors(part: Part, renumbered: dict[str, str]) -> None:
    """Point the comments of a part to their authors' new ids."""
    root = parse_xml(part.blob)
    for comment in root.iter(qn("p:cm")):
        comment.set("authorId", renumbered.get(comment.get("authorId"), comment.get("authorId")))
    _set_blob(part, root)


def merge_table_styles(deck: PresentationObject, added: PresentationObject) -> None:
    """Add the table styles of another deck that a deck lacks."""
    theirs, mine = _part(added, "tableStyles"), _part(deck, "tableStyles")
    if theirs is None:
        return
    if mine is None:
        part = Part.load(PackURI(str(theirs.partname)), theirs.content_type, deck.part.package, theirs.blob)
        deck.part.relate_to(part, RELATION.TABLE_STYLES)
        return
    target, source = parse_xml(mine.blob), parse_xml(theirs.blob)
    known = {style.get("styleId") for style in target}
    new = [style for style in source if style.get("styleId") not in known]
    if new:
        target.extend(copy.deepcopy(style) for style in new)
        _set_blob(mine, target)


def sections_of(deck: PresentationObject) -> list[tuple[str, list[int]]]:
    """Return the name and the numbers of the slides, from 0, of each section of a deck."""
    places = {str(entry.id): place for place, entry in enumerate(deck.slides._sldIdLst)}
    return [
        (str(section.get("name")), [places[one.get("id")] for one in section.iter(_LISTED) if one.get("id") in places])
        for section in deck.part._element.iter(_SECTION)
    ]


def keep_sections(
    deck: PresentationObject,
    before: Sequence[tuple[str, list[int]]],
    ids: Sequence[int],
    added: Sequence[int],
    theirs: Sequence[tuple[str, list[int]]],
) -> None:
    """List the sections of two decks that were merged.

    A section of the deck that the other's slides part is continued behind them under the same name.

    Args:
        deck: The deck with all slides.
        before: The sections that it had.
        ids: The ids of its own slides, in their order.
        added: The ids of the other deck's slides.
        theirs: The sections of the other deck.
    """
    if not before and not theirs:
        return
    names = {ids[place]: name for name, places in before for place in places}
    names |= {added[place]: name for name, places in theirs for place in places}
    title = deck.core_properties.title or "Slides"
    runs: list[tuple[str, list[int]]] = []
    last: tuple[bool, str] | None = None
    for entry in deck.slides._sldIdLst:
        key = entry.id in added, names.get(entry.id, title)
        if entry.id in added and entry.id not in names:
            key = last or (False, title)
        if last is None or key != last:
            runs.append((key[1], []))
        runs[-1][1].append(entry.id)
        last = key
    element: Any = deck.part._element
    extensions = element.find(qn("p:extLst"))
    for old in element.findall(f"{qn('p:extLst')}/{qn('p:ext')}[@uri='{_SECTIONS_URI}']"):
        extensions.remove(old)
    if extensions is None:
        extensions = element.makeelement(qn("p:extLst"))
        element.append(extensions)
    listed = "".join(_section(number, *run) for number, run in enumerate(runs))
    extensions.append(
        parse_xml(
            f"<p:ext {nsdecls('p')} uri='{_SECTIONS_URI}'><p14:sectionLst xmlns:p14='{_P14}'>{listed}"
            "</p14:sectionLst></p:ext>"
        )
    )


def _section(number: int, name: str, slides: Sequence[int]) -> str:
    """Return the XML of a section."""
    guid = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{number} {name}")).upper()
    listed = "".join(f"<p14:sldId id='{slide}'/>" for slide in slides)
    return f"<p14:section name={quoteattr(name)} id='{{{guid}}}'><p14:sldIdLst>{listed}</p14:sldIdLst></p14:section>"


def list_notes_master(deck: PresentationObject, part: Part) -> None:
    """List a notes master that was copied to a deck without one."""
    root: Any = deck.part._element
    if root.find(qn("p:notesMasterIdLst")) is None:
        relation = deck.part.relate_to(part, RELATION.NOTES_MASTER)
        entry = parse_xml(
            f"<p:notesMasterIdLst {nsdecls('p', 'r')}><p:notesMasterId r:id='{relation}'/></p:notesMasterIdLst>"
        )
        root.find(qn("p:sldMasterIdLst")).addnext(entry)


def _part(deck: PresentationObject, kind: str) -> Part | None:
    found = (rel for rel in deck.part.rels.values() if not rel.is_external and rel.reltype.endswith(f"/{kind}"))
    relation = next(found, None)
    return None if relation is None else relation.target_part


def _reltype(deck: PresentationObject, kind: str) -> str:
    return next(str(rel.reltype) for rel in deck.part.rels.values() if rel.reltype.endswith(f"/{kind}"))


def _set_blob(part: Part, root: Any) -> None:
    if isinstance(part, XmlPart):
        part._element = root
    else:
        part._blob = serialize_part_xml(root)
