"""Change the speaker notes of a slide: lines that stay, and words that stay in a line, keep their look."""

from __future__ import annotations

import copy
from difflib import SequenceMatcher
from typing import Any

from pptx.slide import Slide
from pptx.text.text import _Paragraph

from seedx_tools.decks.editing.words import rewrite
from seedx_tools.decks.text.inline import escape_inline
from seedx_tools.decks.text.strings import clean


def takes_notes(slide: Slide) -> bool:
    """Return whether a slide has a place for notes, or can get one."""
    return not slide.has_notes_slide or slide.notes_slide.notes_text_frame is not None


def edit_notes(slide: Slide, notes: str) -> None:
    """Write the notes of a slide that takes_notes."""
    frame: Any = slide.notes_slide.notes_text_frame
    paragraphs = list(frame.paragraphs)
    before = [paragraph.text for paragraph in paragraphs]
    after = clean(notes, keep_lines=True).split("\n")
    for _, start, end, first, last in reversed(SequenceMatcher(None, before, after, autojunk=False).get_opcodes()):
        shared = min(end - start, last - first)
        place = paragraphs[max(0, start + shared - 1)]
        for line in reversed(after[first + shared : last]):
            element = copy.deepcopy(place._p)
            place._p.addprevious(element) if start + shared == 0 else place._p.addnext(element)
            rewrite(_Paragraph(element, place._parent), escape_inline(line))
        for offset in range(shared):
            if before[start + offset] != after[first + offset]:
                rewrite(paragraphs[start + offset], escape_inline(after[first + offset]))
        for paragraph in paragraphs[start + shared : end]:
            paragraph._p.getparent().remove(paragraph._p)
