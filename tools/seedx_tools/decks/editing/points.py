"""Change the points of a slide: paragraphs that stay are not touched, new ones look like their neighbors."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

from pptx.oxml.ns import qn
from pptx.text.text import _Paragraph

from seedx_tools.decks.editing.words import rewrite
from seedx_tools.decks.ooxml.styles import level_of, text_style
from seedx_tools.decks.text.inline import escape_inline
from seedx_tools.decks.text.points import PointParagraph, split_points
from seedx_tools.decks.text.reading import inline_text
from seedx_tools.decks.writing.points.bullets import (
    check_box,
    inherit_bullet,
    set_check_box,
    set_no_bullet,
    set_number,
)
from seedx_tools.decks.writing.points.typed import point_level, recounted, typed_mark, with_mark


def edit_points(paragraphs: Sequence[Any], before: Sequence[str], after: Sequence[str]) -> None:
    """Turn the paragraphs that show the points `before` into `after`.

    Raises:
        ValueError: If there is no paragraph that new points could be put beside.
    """
    if not paragraphs:
        raise ValueError("there are no points to change")
    old, new = split_points(before), split_points(after)
    matcher = SequenceMatcher(None, [_key(one) for one in old], [_key(one) for one in new], autojunk=False)
    for kind, start, end, first, last in reversed(matcher.get_opcodes()):
        if kind == "equal":
            continue
        shared = min(end - start, last - first)
        for offset in range(shared):
            _set(paragraphs[start + offset], new[first + offset], old[start + offset])
        place = paragraphs[start + shared - 1] if start + shared else paragraphs[0]
        at = _with_bullet(old, max(0, start + shared - 1))
        for one in reversed(new[first + shared : last]):
            element = copy.deepcopy(paragraphs[at]._p)
            place._p.addprevious(element) if start + shared == 0 else place._p.addnext(element)
            _set(_Paragraph(element, place._parent), one, old[at])
        for paragraph in paragraphs[start + shared : end]:
            _remove(paragraph)
    if len(old) != len(new):
        for frame in {id(paragraph._parent): paragraph._parent for paragraph in paragraphs}.values():
            for paragraph, mark, right in list(recounted(list(frame.paragraphs))):
                rewrite(paragraph, escape_inline(right) + inline_text(paragraph, skip=len(mark)))


def _key(one: PointParagraph) -> PointParagraph:
    """Return what of a point its paragraph holds: numbers of a list are counted by PowerPoint."""
    return one if one.done is not None else replace(one, mark="")


def _with_bullet(old: Sequence[PointParagraph], at: int) -> int:
    """Return the place of the last paragraph up to a place that starts a point; new points look like it."""
    while at and old[at].is_further:
        at -= 1
    return at


def _set(paragraph: Any, one: PointParagraph, was: PointParagraph) -> None:
    """Give a paragraph that shows `was`, or is a copy of one, another text, level and mark."""
    typed = "" if one.is_further else typed_mark(paragraph)
    if point_level(paragraph) != one.depth:
        paragraph.level, typed = one.depth, typed.lstrip()
    if one.is_further:
        set_no_bullet(paragraph, _margin_above(paragraph._p, one, paragraph.part.slide))
    elif was.is_further or (one.done is None and was.done is not None):
        inherit_bullet(paragraph)
    if one.done is not None and check_box(paragraph._p) != one.done:
        set_check_box(paragraph, done=one.done)
    elif one.number is not None and not typed and paragraph._p.get_or_add_pPr().find(qn("a:buAutoNum")) is None:
        set_number(paragraph, one.number)
    rewrite(paragraph, escape_inline(with_mark(typed, one.number)) + one.text)


def _margin_above(paragraph: Any, one: PointParagraph, slide: Any) -> float:
    """Return where the text of the point starts that a paragraph continues, in points."""
    shape = paragraph.getparent().getparent()
    heads = (head for head in paragraph.itersiblings(qn("a:p"), preceding=True) if level_of(head) == one.level)
    return text_style(slide, shape, next(heads, None), one.level).margin


def _remove(paragraph: Any) -> None:
    """Remove a paragraph; the last one of a shape, which must have one, is emptied."""
    element = paragraph._p
    if len(element.getparent().findall(qn("a:p"))) > 1:
        element.getparent().remove(element)
    else:
        rewrite(paragraph, "")
