"""Open a user's template, and take its own slides out of it."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass

from pptx.opc.package import XmlPart
from pptx.oxml.ns import qn
from pptx.parts.slide import SlidePart
from pptx.presentation import Presentation as PresentationObject
from pptx.slide import SlideLayout, SlideMaster

from seedx_sdk.errors import TemplateError
from seedx_tools.decks.ooxml.masters import best_master, master_name, named_master
from seedx_tools.decks.ooxml.package import open_deck

_LINKS = (qn("a:hlinkClick"), qn("a:hlinkHover"), qn("a:hlinkMouseOver"))
_FIRST_FREE = 50
"""Placeholders that a designer adds are counted from 10; these numbers are rarely taken."""
_SECTIONS = "{521415D9-36F7-43E2-AB2F-B90AF26B5E84}"
"""The URI of the presentation extension that lists sections by slide id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """A presentation on whose layouts a deck is made."""

    deck: PresentationObject
    master: SlideMaster
    """The master of all its slides."""
    notices: tuple[str, ...] = ()
    """What was chosen for the user, and what was left out."""


def open_template(path: str | os.PathLike[str], master: str | None = None) -> Template:
    """Return a template with its own slides, and what was chosen.

    Args:
        path: A .pptx or .potx file.
        master: The name of the master to use, or its number, from 1; None: the one that fits best.

    Raises:
        TemplateError: If open_deck rejects it, or it has no layouts.
        InputError: If it has no such master.
    """
    deck = open_deck(path)
    if not any(len(one.slide_layouts) for one in deck.slide_masters):
        raise TemplateError(f"'{path}' has no slide layouts; add one with a title and a body in the master view")
    chosen = best_master(deck) if master is None else named_master(deck, master)
    notices = [
        f"several placeholders of the template's layout '{layout.name}' have the same index; they were told apart"
        for layout in chosen.slide_layouts
        if _tell_apart(layout)
    ]
    if master is None and len(deck.slide_masters) > 1:
        notices.append(
            f"the template has {len(deck.slide_masters)} slide masters; '{master_name(chosen)}' is used, and master= "
            "chooses another"
        )
    return Template(deck=deck, master=chosen, notices=tuple(notices))


def _tell_apart(layout: SlideLayout) -> bool:
    """Give each placeholder of a layout an index of its own, by which slides name it; return whether one changed."""
    found = [(element.get("idx", "0"), element) for element in layout.element.iter(qn("p:ph"))]
    used = {index for index, _ in found}
    seen: set[str] = set()
    changed = False
    for index, element in found:
        if index in seen:
            free = next(str(number) for number in itertools.count(_FIRST_FREE) if str(number) not in used)
            element.set("idx", free)
            used.add(free)
            changed = True
        seen.add(index)
    return changed


def drop_slides(deck: PresentationObject) -> int:
    """Remove all slides with what points to them: custom shows, sections, and links in layouts and masters.

    Their parts are dropped with the relationships when the deck is saved.

    Returns:
        The number of slides.
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
