"""Change the texts beside title and points: in drawn shapes, in text boxes, and in SmartArt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pptx.slide import Slide

from seedx_tools.decks.editing.fit import fit, text_height
from seedx_tools.decks.editing.words import rewrite
from seedx_tools.decks.reader import label_paragraphs
from seedx_tools.decks.reading.diagrams import Diagram
from seedx_tools.decks.reading.texts import texts_of
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.strings import clean


def edit_labels(slide: Slide, before: Sequence[str], after: Sequence[str]) -> bool:
    """Write the labels of shapes, one by one; return whether they fit. Those of SmartArt are left to edit_diagrams."""
    if len(before) != len(after) or not all(plain_text(text).strip() for text in after):
        return False
    changed = [
        (paragraph, text)
        for paragraph, old, text in zip(label_paragraphs(slide), before, after, strict=False)
        if old != text
    ]
    edited = {id(paragraph._p.getparent().getparent()) for paragraph, _ in changed}
    shapes = [placed for placed in texts_of(slide).labels if id(placed.shape.element) in edited]
    heights = [text_height(slide, placed) for placed in shapes]
    for paragraph, text in changed:
        rewrite(paragraph, clean(text))
    return all(fit(slide, placed, height) for placed, height in zip(shapes, heights, strict=True))


def edit_diagrams(diagrams: Sequence[Diagram], before: Sequence[str], after: Sequence[str]) -> None:
    """Write the texts of SmartArt, one by one, into its data and into its drawing."""
    texts = list(zip(before, after, strict=False))
    for diagram in diagrams:
        mine, texts = texts[: len(diagram.paragraphs)], texts[len(diagram.paragraphs) :]
        changes = [
            (paragraph, clean(new))
            for paragraph, (old, new) in zip(diagram.paragraphs, mine, strict=False)
            if old != new
        ]
        _write(diagram, changes)


def _write(diagram: Diagram, changes: Sequence[tuple[Any, str]]) -> None:
    shown = [([paragraph, *diagram.copies_of(paragraph)], text) for paragraph, text in changes]
    for paragraphs, text in shown:
        for paragraph in paragraphs:
            rewrite(paragraph, text)
    if changes:
        diagram.save()
