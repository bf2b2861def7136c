"""What a change makes of the content of a slide: a whole new slide, or one edited according to an instruction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from seedx_sdk.errors import InputError
from seedx_sdk.validation import check_text
from seedx_tools.decks.editing.edit_commands import RuleReviser
from seedx_tools.decks.outline import Outline, SlidePlan
from seedx_tools.decks.planners.markdown.outlines import MARKDOWN, is_markdown_outline, parse_markdown_outline

_UNTITLED = "More"
"""The title of appended points that have no heading."""
_SLIDE_HEADINGS = ("h1", "h2")
_NOT_ON_SLIDES = ("html_block", "hr")


class Reviser(Protocol):
    """Edits the content of one slide according to an instruction."""

    def revise(self, plan: SlidePlan, instruction: str) -> SlidePlan:
        """Return the new content of the slide."""
        ...


def changed_plan(
    before: SlidePlan, change: str | SlidePlan, number: int, planner: Reviser | None, warn: Callable[[str], None]
) -> SlidePlan:
    """Return the content of a slide after a change; it keeps its notes, and its kind if the new content fits that.

    Args:
        before: The content of the slide.
        change: The new content as a SlidePlan or as Markdown, or an instruction.
        number: The number of the slide, for warnings.
        planner: Follows an instruction; None: RuleReviser.
        warn: Called with one sentence for each thing that the Markdown or the planner could not do.

    Raises:
        InputError: If Markdown holds no or several slides, or an instruction cannot be followed.
        PromptError: If the change is empty.
        ToolFailed: If the planner gave no valid slide.
    """
    if isinstance(change, SlidePlan):
        plan = change if "notes" in change.model_fields_set else _with_notes(change, before)
    elif is_markdown_outline(text := check_text(change, "change")):
        plan = _slide_of_markdown(text, before, warn)
    else:
        plan = (planner or RuleReviser()).revise(before, text)
        for warning in plan.warnings:
            warn(f"slide {number}: {warning}")
        plan = plan.model_copy(update={"warnings": ()})
    return _of_one_kind(plan, before)


def outline_of_slides(text: str) -> Outline:
    """Return the outline of slides without a title slide; content before the first heading becomes a slide.

    Raises:
        InputError: If the text is not Markdown with headings or points.
        PromptError: If it is empty.
    """
    text = check_text(text, "outline")
    if not is_markdown_outline(text):
        raise InputError("slides to append must be Markdown, '## Title' and points for each slide, or an Outline")
    first = next((block for block in _blocks(text) if block not in _NOT_ON_SLIDES), "")
    opening = "" if first in _SLIDE_HEADINGS else f"## {_UNTITLED}\n\n"
    return parse_markdown_outline(f"# {_UNTITLED}\n\n{opening}{text}")


def _slide_of_markdown(text: str, before: SlidePlan, warn: Callable[[str], None]) -> SlidePlan:
    """Return the only slide of a Markdown text, with the title of the slide before it if it has none."""
    outline = outline_of_slides(text)
    plans = outline.all_slides()
    for warning in outline.warnings:
        warn(warning)
    if len(plans) != 1:
        raise InputError(f"the change has {len(plans)} slides; give exactly one, under one '## Title'")
    has_title = any(block in _SLIDE_HEADINGS for block in _blocks(text))
    plan = _with_notes(plans[0], before)
    return plan if has_title else plan.model_copy(update={"title": before.title})


def _with_notes(plan: SlidePlan, before: SlidePlan) -> SlidePlan:
    """Return a plan with the notes that the slide has if it brings none."""
    return plan if plan.notes else plan.model_copy(update={"notes": before.notes})


def _of_one_kind(plan: SlidePlan, before: SlidePlan) -> SlidePlan:
    """Return the plan with the old slide's kind (section, closing) if its content still fits that kind."""
    picture = before.picture if plan.picture is None else plan.picture
    has_more = plan.holds_more or len(plan.bullets) > max(1, len(before.bullets)) or picture != "" or plan.picture_file
    return plan if has_more or plan.kind != "content" else plan.model_copy(update={"kind": before.kind})


def _blocks(text: str) -> list[str]:
    """Return the block types of a Markdown text in order; a heading is its level, "h2"."""
    return [
        token.tag if token.type == "heading_open" else token.type
        for token in MARKDOWN.parse(text)
        if token.level == 0 and token.nesting >= 0
    ]
