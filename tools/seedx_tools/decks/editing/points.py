"""Change the points of a slide: paragraphs that stay are not touched, new ones look like their neighbors."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.text.text import _Paragraph

from seedx_tools.decks.editing.words import rewrite
from seedx_tools.decks.ooxml.styles import level_of

_NUMBER = re.compile(r"(\d{1,3})[.)]\s+(?=\S)")
_BULLETS = tuple(qn(f"a:{name}") for name in ("buNone", "buAutoNum", "buChar", "buBlip"))
_AFTER_BULLETS = (qn("a:tabLst"), qn("a:defRPr"), qn("a:extLst"))


def edit_points(paragraphs: Sequence[Any], before: Sequence[str], after: Sequence[str]) -> None:
    """Turn the paragraphs that show `before`, one for each point, into `after`.

    Raises:
        ValueError: If there is no paragraph that new points could be put beside.
    """
    if not paragraphs:
        raise ValueError("there are no points to change")
    matcher = SequenceMatcher(None, [_key(point) for point in before], [_key(point) for point in after], autojunk=False)
    for kind, start, end, first, last in reversed(matcher.get_opcodes()):
        if kind == "equal":
            continue
        shared = min(end - start, last - first)
        for offset in range(shared):
            _set(paragraphs[start + offset], after[first + offset])
        place = paragraphs[start + shared - 1] if start + shared else paragraphs[0]
        for point in reversed(after[first + shared : last]):
            element = copy.deepcopy(place._p)
            place._p.addprevious(element) if start + shared == 0 else place._p.addnext(element)
            _set(_Paragraph(element, place._parent), point)
        for paragraph in paragraphs[start + shared : end]:
            _remove(paragraph)


def _key(point: str) -> tuple[int, str]:
    """Return what of a point its paragraph holds: numbers of a list are counted by PowerPoint."""
    text = point.lstrip("\t")
    return len(point) - len(text), _NUMBER.sub("", text, count=1)


def _set(paragraph: Any, point: str) -> None:
    level, text = _key(point)
    level = min(level, 8)
    if level_of(paragraph._p) != level:
        paragraph.level = level
    number = _NUMBER.match(point.lstrip("\t"))
    properties = paragraph._p.pPr
    has_number = properties is not None and properties.find(qn("a:buAutoNum")) is not None
    if number is not None and not has_number:
        _number(paragraph, int(number[1]))
    rewrite(paragraph, text)


def _number(paragraph: Any, start: int) -> None:
    properties = paragraph._p.get_or_add_pPr()
    for bullet in [child for child in properties if child.tag in _BULLETS]:
        properties.remove(bullet)
    mark = parse_xml(f"<a:buAutoNum {nsdecls('a')} type='arabicPeriod' startAt='{max(1, start)}'/>")
    later = next((child for child in properties if child.tag in _AFTER_BULLETS), None)
    properties.append(mark) if later is None else later.addprevious(mark)


def _remove(paragraph: Any) -> None:
    """Remove a paragraph; the last one of a shape, which must have one, is emptied."""
    element = paragraph._p
    if len(element.getparent().findall(qn("a:p"))) > 1:
        element.getparent().remove(element)
    else:
        rewrite(paragraph, "")
