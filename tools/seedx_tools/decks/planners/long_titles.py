"""Have a planner that can write shorten titles that are too long for a slide."""

from __future__ import annotations

from pydantic import BaseModel, Field

from seedx_sdk.errors import InputError
from seedx_tools.decks.outline import Outline
from seedx_tools.decks.planners.answering import ChatPlanner
from seedx_tools.decks.text.inline import plain_text
from seedx_tools.decks.text.strings import clean
from seedx_tools.errors import ToolFailed, ToolRetry

MAX_TITLE_CHARS = 110
"""Titles up to this length take three lines at most on any page."""

_INSTRUCTIONS = (
    "You edit titles of slides that are too long. For each title, in order, write one that gives the same message in "
    "at most twelve words and 80 characters, in the language of the title, with its figures and names. Add nothing."
)


class ShortTitles(BaseModel):
    """Titles in the order of the request."""

    titles: tuple[str, ...] = Field(description="The short titles, one for each of the request.")


def with_short_titles(outline: Outline, planner: ChatPlanner) -> Outline:
    """Return an outline in which the planner shortened the titles that are too long; the notes hold them in full.

    A title that the planner does not shorten stays as it is.
    """
    titles = [outline.title, *(plan.title for plan in outline.slides)]
    places = [place for place, title in enumerate(titles) if len(plain_text(title)) > MAX_TITLE_CHARS]
    if not places:
        return outline

    def checked(answer: ShortTitles) -> list[str]:
        if len(answer.titles) != len(places):
            raise ToolRetry(f"{len(places)} titles are wanted, not {len(answer.titles)}")
        long = [title for title in answer.titles if not 0 < len(plain_text(clean(title))) <= MAX_TITLE_CHARS]
        if long:
            raise ToolRetry(f"a title has at least one and at most {MAX_TITLE_CHARS} characters: {long}")
        return [clean(title) for title in answer.titles]

    warnings = list(outline.warnings)
    request = "\n".join(f"{number}. {plain_text(clean(titles[place]))}" for number, place in enumerate(places, 1))
    try:
        answer = planner.answer(ShortTitles, _INSTRUCTIONS, request, checked, warnings.append)
    except InputError:  # it has no chat model
        return outline
    except ToolFailed as error:
        warning = f"titles that are too long were not shortened: {error}"
        return outline.model_copy(update={"warnings": (*outline.warnings, warning)})
    short = dict(zip(places, answer, strict=True))
    before = len(outline.all_slides()) - len(outline.slides) - bool(outline.sources)
    for place in places:
        number = place + 1 + (before if place else 0)
        warnings.append(f"slide {number}: its title was shortened; the full title is in the notes")
    slides = list(outline.slides)
    for place in filter(None, places):
        plan = slides[place - 1]
        slides[place - 1] = plan.model_copy(update={"title": short[place], "notes": _first(plan.title, plan.notes)})
    cover = {"title": short[0], "notes": _first(outline.title, outline.notes)} if 0 in short else {}
    return outline.model_copy(update={"slides": tuple(slides), "warnings": tuple(warnings), **cover})


def _first(title: str, notes: str) -> str:
    return "\n".join(filter(None, (plain_text(clean(title)), notes)))
