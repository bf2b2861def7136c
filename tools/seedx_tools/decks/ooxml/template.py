"""Open a user's template: its masters and layouts, without its slides."""

from __future__ import annotations

import os

from pptx.opc.package import XmlPart
from pptx.oxml.ns import qn
from pptx.parts.slide import SlidePart
from pptx.presentation import Presentation as PresentationObject

from seedx_sdk.errors import TemplateError
from seedx_tools.decks.ooxml.package import open_deck

_LINKS = (qn("a:hlinkClick"), qn("a:hlinkHover"), qn("a:hlinkMouseOver"))
_SECTIONS = "{521415D9-36F7-43E2-AB2F-B90AF26B5E84}"
"""The URI of the presentation extension that lists sections by slide id."""


def open_template(path: str | os.PathLike[str]) -> tuple[PresentationObject, tuple[str, ...]]:
    """Return the presentation of a template without its slides, and warnings.

    Raises:
        TemplateError: If open_deck rejects it, it links to files outside itself, or it has no layouts.
    """
    deck = open_deck(path, allow_links=False)
    if not any(len(master.slide_layouts) for master in deck.slide_masters):
        raise TemplateError(f"'{path}' has no slide layouts; add one with a title and a body in the master view")
    removed = _drop_slides(deck)
    if removed:
        return deck, (f"the template's own {removed} slides were left out; its masters and layouts are used",)
    return deck, ()


def _drop_slides(deck: PresentationObject) -> int:
    """Remove all slides and what points to them: custom shows, sections, and links in layouts and masters.

    Their parts are dropped with the relationships when the deck is saved.
    """
    root = deck.part._element
    entries = list(deck.slides._sldIdLst)
    sections = [extension for extension in root.iter(qn("p:ext")) if extension.get("uri") == _SECTIONS]
    for element in (*entries, *root.findall(qn("p:custShowLst")), *sections):
        element.getparent().remove(element)
    for part in list(deck.part.package.iter_parts()):
        if isinstance(part, XmlPart) and not isinstance(part, SlidePart):
            _drop_links(part)
    return len(entries)


def _drop_links(part: XmlPart) -> None:
    """Remove a part's relationships to slides, and the links that use them."""
    to_slides = {
        rel.rId for rel in part.rels.values() if not rel.is_external and isinstance(rel.target_part, SlidePart)
    }
    links = [element for element in part._element.iter(*_LINKS) if element.get(qn("r:id")) in to_slides]
    for link in links:
        link.getparent().remove(link)
    for relation in to_slides:
        part.rels.pop(relation)
