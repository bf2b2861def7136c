"""Change the footnotes of a slide in place: their box keeps its look and grows upward."""

from __future__ import annotations

from collections.abc import Sequence

from pptx.slide import Slide

from seedx_tools.decks.editing.fit import overlaps
from seedx_tools.decks.editing.words import rewrite
from seedx_tools.decks.ooxml.styles import EMU_PER_POINT
from seedx_tools.decks.reader import footnote_paragraphs, shapes_of
from seedx_tools.decks.shapes import slide_shapes
from seedx_tools.decks.text.footnotes import FOOTNOTES_NAME
from seedx_tools.decks.text.reading import inline_text
from seedx_tools.decks.text.shapes import place_text
from seedx_tools.decks.text.strings import clean


def edit_footnotes(slide: Slide, before: Sequence[str], after: Sequence[str]) -> bool:
    """Change the texts of footnotes; return False if their number changes, or they have no room where they stand."""
    paragraphs = footnote_paragraphs(slide)
    if len(before) != len(after) or len(paragraphs) != len(before):
        return False
    for paragraph, old, new in zip(paragraphs, before, after, strict=True):
        if old != new:
            rewrite(paragraph, inline_text(paragraph).removesuffix(old) + clean(new))
    (box,) = (placed for placed in shapes_of(slide, "text") if placed.name == FOOTNOTES_NAME)
    left, top, width, height = box.frame
    placed = place_text(slide, box.shape)
    more = round(max(0.0, placed.height - placed.room) * EMU_PER_POINT)
    if not more:
        return True
    box.shape.left, box.shape.top, box.shape.width, box.shape.height = left, top - more, width, height + more
    others = (one.frame for one in slide_shapes(slide) if one.shape.element is not box.shape.element)
    return not any(overlaps((left, top - more, width, more), other) for other in others)
