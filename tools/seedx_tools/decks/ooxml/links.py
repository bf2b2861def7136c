"""Take the links of a presentation to files outside it away: pictures, media, workbooks and objects that are not in it.

Nothing that is linked is ever fetched here; a deck that kept the links would be fetched from by whoever opens it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pptx.opc.oxml import serialize_part_xml
from pptx.opc.package import Part, XmlPart
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn
from pptx.presentation import Presentation as PresentationObject

WEB_LINK = re.compile(r"(?i)(https?|mailto):")
"""What a hyperlink may point to: it is opened on a click only."""

_RELATIONSHIPS = qn("r:id").removesuffix("id")
_TREES = (qn("p:spTree"), qn("p:grpSp"))
_MEDIA = ("audioFile", "videoFile", "wavAudioFile", "quickTimeFile", "externalData")
_DRAWN = (qn("p:pic"), qn("p:graphicFrame"), qn("p:bg"))


def drop_links(deck: PresentationObject) -> list[str]:
    """Remove every link to a file outside a presentation, with what cannot be shown without it, and return the targets.

    Links to web pages and mail addresses stay, unless something else than a hyperlink uses them. A linked picture whose
    data is also in the file stays, as do the cached numbers of a chart with a linked workbook.
    """
    package = deck.part.package
    targets: dict[str, None] = {}
    for part in list(package.iter_parts()):
        outside = {rel.rId: rel.target_ref for rel in part.rels.values() if rel.is_external}
        if not outside:
            continue
        root = part._element if isinstance(part, XmlPart) else _parsed(part)
        kept = set() if root is None else _unlink(root, outside)
        for relation, target in outside.items():
            if relation not in kept:
                targets[target] = None
                part.rels.pop(relation)
        if root is not None and not isinstance(part, XmlPart):
            part._blob = serialize_part_xml(root)
    for relation in [rel.rId for rel in package._rels.values() if rel.is_external]:
        targets[package._rels[relation].target_ref] = None
        package._rels.pop(relation)
    return list(targets)


def _parsed(part: Part) -> Any:
    """Return the root of a part that python-pptx does not parse; None if it is not XML."""
    try:
        return parse_xml(part.blob)
    except (SyntaxError, ValueError):  # lxml's error is a SyntaxError
        return None


def _unlink(root: Any, outside: Mapping[str, str]) -> set[str]:
    """Remove the uses of links from an XML part, and return those of hyperlinks to web pages, which stay."""
    users = [
        (element, name, value) for element in root.iter("*") for name, value in element.items() if value in outside
    ]
    relations = [(element, name, value) for element, name, value in users if name.startswith(_RELATIONSHIPS)]
    other = {value for element, _, value in relations if not _is_hyperlink(element)}
    kept = set()
    for element, name, value in relations:
        if _is_hyperlink(element) and WEB_LINK.match(outside[value]) and value not in other:
            kept.add(value)
        elif element.getparent() is not None:
            _remove(element, name)
    return kept


def _is_hyperlink(element: Any) -> bool:
    return str(element.tag).rpartition("}")[2].startswith("hlink")


def _remove(element: Any, name: str) -> None:
    """Remove a link from an element, the element, or the shape that shows nothing without it."""
    kind = str(element.tag).rpartition("}")[2]
    if kind == "blip":
        del element.attrib[name]
        if element.get(qn("r:embed")):
            return
        element = next((above for above in element.iterancestors() if above.tag in _DRAWN), element.getparent())
    elif kind == "media":
        element = next((above for above in element.iterancestors() if above.tag == qn("p:ext")), element)
    elif not _is_hyperlink(element) and kind not in _MEDIA:
        element = next(_shapes_above(element), element)
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _shapes_above(element: Any) -> Iterator[Any]:
    """Yield the shapes that an element is part of, from the innermost."""
    for above in element.iterancestors():
        if above.getparent() is not None and above.getparent().tag in _TREES:
            yield above
