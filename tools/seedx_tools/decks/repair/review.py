"""The protocol of reviewers, which look at the pages of a deck that was just made and revise single slides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from seedx_sdk.errors import InputError
from seedx_tools.decks.editing.edit_commands import RuleReviser
from seedx_tools.decks.lint.findings import Finding
from seedx_tools.decks.outline import SlidePlan
from seedx_tools.decks.planners.markdown.outlines import is_markdown_outline, parse_markdown_outline


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """A page as a reviewer gets it."""

    slide: int
    """The number of the slide in the deck, from 1."""
    image: Image.Image
    """The page as it looks, 960 pixels wide."""
    plan: SlidePlan
    """What the slide was made of; slides that continue each other have the same."""
    findings: tuple[Finding, ...]
    """What the linter objects to on it."""


@dataclass(frozen=True, slots=True)
class SlideRevision:
    """What a reviewer changes about a slide."""

    slide: int
    """The number of the slide, from 1."""
    change: str | SlidePlan
    """Edit commands ("title: ...; remove bullet 2"), or the whole new slide as Markdown or as a SlidePlan."""


class DeckReviewer(Protocol):
    """Looks at the pages of a deck; pass it to make_slides(reviewer=...)."""

    def review(self, pages: Sequence[ReviewPage]) -> Sequence[SlideRevision]:
        """Return what to change; nothing if the pages are good.

        Args:
            pages: The pages that the call made, in order.
        """
        ...


def revised_plan(plan: SlidePlan, change: str | SlidePlan) -> SlidePlan:
    """Return the plan of a slide after a revision.

    Raises:
        InputError: If the change is neither edit commands nor exactly one slide, or asks for another picture.
    """
    if isinstance(change, SlidePlan):
        revised = change
    elif is_markdown_outline(change):
        slides = parse_markdown_outline(f"# {plan.title}\n\n{change}").all_slides()
        if len(slides) != 1:
            raise InputError(f"it has {len(slides)} slides in place of one")
        revised = slides[0].model_copy(update={"notes": slides[0].notes or plan.notes})
    else:
        revised = RuleReviser().revise(plan, change)
    if not revised.title.strip():
        raise InputError("it has no title")
    if revised.picture == "" and plan.picture != "":
        return revised.model_copy(update={"picture_file": "", "gallery": ()})
    if (revised.picture or plan.picture) != plan.picture or (
        revised.picture_file or plan.picture_file
    ) != plan.picture_file:
        raise InputError("a review can leave pictures out, but not add any")
    kept = {"picture": plan.picture, "picture_file": plan.picture_file, "gallery": plan.gallery}
    return revised.model_copy(update=kept)
