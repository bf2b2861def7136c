"""Make a saved slide show another plan by touching only the shapes whose content differs."""

from __future__ import annotations

import copy
from collections.abc import Callable

from pptx.slide import Slide

from seedx_tools.decks.editing.builds import changed_builds
from seedx_tools.decks.editing.charts import can_edit_chart, edit_chart, remove_chart
from seedx_tools.decks.editing.footnotes import edit_footnotes
from seedx_tools.decks.editing.labels import edit_diagrams, edit_labels
from seedx_tools.decks.editing.notes import edit_notes, takes_notes
from seedx_tools.decks.editing.pictures import describe_picture, remove_picture
from seedx_tools.decks.editing.tables import edit_table
from seedx_tools.decks.editing.texts import edit_bullets, edit_columns, edit_title
from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.reading.diagrams import diagrams_of
from seedx_tools.decks.text.footnotes import marked_footnotes, with_footnotes_in_order
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.plan_texts import mapped_texts, texts_of

_EDITABLE = {
    "title",
    "bullets",
    "columns",
    "notes",
    "labels",
    "table",
    "chart",
    "picture",
    "picture_alt",
    "footnotes",
}


def edit_in_place(slide: Slide, before: SlidePlan, after: SlidePlan, warn: Callable[[str], None]) -> bool:
    """Change a slide from one plan to another; return False, with nothing touched, if that takes another slide.

    Args:
        slide: The slide.
        before: Its plan, as read_slide returns it.
        after: The plan to show. A text without marks keeps the marks of the same words in `before`.
        warn: Called with one sentence for each thing that is lost beside the slide's shapes.
    """
    after = with_footnotes_in_order(_with_marks(after, before))
    changed = {name for name in SlidePlan.model_fields if getattr(before, name) != getattr(after, name)}
    changed -= {"picture_side", "warnings"} | ({"picture"} if after.picture is None else set())
    changed -= set() if after.labels else {"labels"}
    if not changed <= _EDITABLE or len(marked_footnotes(before)) != len(marked_footnotes(after)):
        return False
    if "notes" in changed and not takes_notes(slide):
        return False
    tree = slide.shapes._spTree
    original = [copy.deepcopy(child) for child in tree]
    edits: dict[str, Callable[[], bool]] = {
        "labels": lambda: edit_labels(slide, before.labels, after.labels),
        "title": lambda: edit_title(slide, after.title),
        "bullets": lambda: edit_bullets(slide, before.bullets, after.bullets),
        "columns": lambda: edit_columns(slide, before, after),
        "table": lambda: edit_table(slide, before.table, after.table),
        "chart": lambda: remove_chart(slide) if after.chart is None else can_edit_chart(before.chart, after.chart),
        "footnotes": lambda: edit_footnotes(slide, before.footnotes, after.footnotes),
        "picture": lambda: remove_picture(slide, after.picture),
        "picture_alt": lambda: describe_picture(slide, after.picture_alt),
    }
    diagrams = diagrams_of(slide) if "labels" in changed else []
    shown = len(before.labels) - sum(len(diagram.paragraphs) for diagram in diagrams)
    if not all(edit() for name, edit in edits.items() if name in changed):
        for child in list(tree):
            tree.remove(child)
        tree.extend(original)
        return False
    for name in changed_builds(slide, original):
        warn(f"the animation of '{name}' goes through the paragraphs that it had; look at it in the Animation Pane")
    edit_diagrams(diagrams, before.labels[shown:], after.labels[shown:])
    if "chart" in changed and before.chart is not None and after.chart is not None:
        edit_chart(slide, before.chart, after.chart, warn)
    if "notes" in changed:
        edit_notes(slide, after.notes)
    return True


def _with_marks(plan: SlidePlan, before: SlidePlan) -> SlidePlan:
    """Return a plan whose texts without marks are those of `before` with the same words, if these have marks."""
    variants: dict[str, set[str]] = {}
    for text in (*texts_of(before), *before.labels):
        variants.setdefault(plain_text(text), set()).add(text)
    known = {words: next(iter(texts)) for words, texts in variants.items() if len(texts) == 1}

    def marked(text: str) -> str:
        return known.get(text, text) if plain_text(text) == text else text

    return mapped_texts(plan, marked).model_copy(update={"labels": tuple(map(marked, plan.labels))})
