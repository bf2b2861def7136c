"""Plans the decks of a presenter: with a chat model or by rules, with as many slides as were asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

from seedx_agents.presenter.serious_subjects import undecorated, without_decoration
from seedx_sdk.errors import InputError
from seedx_tools.decks.editing.edit_commands import RuleReviser
from seedx_tools.decks.outline import MAX_NUM_SLIDES, Outline, SlidePlan
from seedx_tools.decks.planners.chat_model import ChatModelPlanner
from seedx_tools.decks.planners.heuristic import OutlinePlanner
from seedx_tools.decks.planners.markdown.outlines import is_markdown_outline
from seedx_tools.decks.results import Deck

T = TypeVar("T", bound=BaseModel)
R = TypeVar("R")
_PICTURES_ADVICE = (
    "Images only decorate: if the subject is serious (a death, layoffs, illness, law, an accident), give an empty "
    "string as each picture that the request does not ask for."
)
_WORDS = dict(zip("two three four five six seven eight nine ten eleven twelve".split(), range(2, 13), strict=True))
_NUMBER = rf"(\d{{1,4}}|{'|'.join(_WORDS)})"
_COUNT = re.compile(rf"\b{_NUMBER}[- ]slides?\b", re.I)
_COUNT_CLAUSE = re.compile(
    rf"[\s,;.]*\b(?:and\s+)?(?:please\s+)?(?:make (?:it|that|them)|keep it (?:to|at)|in|with|on|use)\s+"
    rf"(?:about |exactly |only |just )?{_NUMBER}[- ]slides?\b(?: please)?(?:[\s.!]*$)?",
    re.I,
)


class DeckPlanner:
    """A planner and reviser for one deck.

    Args:
        chat_model: Writes the outline; None: the text itself is laid out.
        num_slides: How many slides, including the title slide; None: as the prompt says, else what the planner chooses.
        pictures: True: the planner's word on images is final; None: no decorative images on serious subjects.
        subject: The deck that a slide is revised in.
    """

    def __init__(
        self,
        chat_model: ChatModelPlanner | None,
        *,
        num_slides: int | None = None,
        pictures: bool | None = True,
        subject: str = "",
    ) -> None:
        self._chat_model, self._pictures, self._subject = chat_model, pictures, subject
        self.num_slides = num_slides
        """How many slides were asked for, once the prompt was read."""
        self.planned: int | None = None
        """How many slides the outline has."""
        self.has_chat_model = chat_model is not None

    def plan(self, text: str, _num_slides: int | None = None) -> Outline:
        """Return the outline of a prompt or of a Markdown outline.

        Raises:
            InputError: If the prompt asks for too many slides.
            PromptError: If the prompt has no text for a title.
            ToolFailed: If the chat model gave no valid outline.
        """
        prompt = text
        if not is_markdown_outline(text):
            asked = _asked(text)
            self.num_slides = self.num_slides or asked
            prompt = _COUNT.sub("slides", _COUNT_CLAUSE.sub("", text).strip() or text, count=1)
        if self._chat_model is None:
            outline = OutlinePlanner().plan(prompt, self.num_slides)
        else:
            outline = self._plan_by_chat_model(self._chat_model, text)
        return self.decorated(outline, "" if is_markdown_outline(text) else text[:400])

    def decorated(self, outline: Outline, subject: str = "") -> Outline:
        """Return the outline with the images that its slides may have."""
        self.planned = number_of_slides(outline)
        return outline if self._pictures is not None else without_decoration(outline, subject)

    def revise(self, plan: SlidePlan, instruction: str) -> SlidePlan:
        """Return the slide edited according to an instruction.

        Raises:
            InputError: If there is no chat model and the instruction is not an edit command.
            ToolFailed: If the chat model gave no valid slide.
        """
        revised = (self._chat_model or RuleReviser()).revise(plan, instruction)
        return revised if self._pictures is not None else undecorated(revised, self._subject)

    def answer(
        self, schema: type[T], instructions: str, request: str, use: Callable[[T], R], warn: Callable[[str], None]
    ) -> R:
        """Return what `use` makes of an answer of the chat model (ChatModelPlanner.answer).

        Raises:
            InputError: If there is no chat model.
            ToolFailed: If it gave no usable answer.
        """
        if self._chat_model is None:
            raise InputError("there is no chat model; pass one to Presenter(seedx, chat_model)")
        return self._chat_model.answer(schema, instructions, request, use, warn)

    def _plan_by_chat_model(self, chat_model: ChatModelPlanner, text: str) -> Outline:
        request = text if self._pictures is not None else f"{text}\n\n{_PICTURES_ADVICE}"
        return chat_model.plan(request, self.num_slides)


def number_of_slides(outline: Outline) -> int:
    """Return the number of slides of an outline, including its title slide, agenda and sources."""
    return len(outline.all_slides()) + 1


def check_num_slides(num_slides: int, what: str = "num_slides is") -> int:
    """Return a number of slides that is allowed.

    Raises:
        InputError: If it is not.
    """
    if not 1 <= num_slides <= MAX_NUM_SLIDES:
        raise InputError(f"{what} {num_slides}; use 1 to {MAX_NUM_SLIDES}")
    return num_slides


def _asked(prompt: str) -> int | None:
    found = _COUNT.search(prompt)
    if found is None:
        return None
    word = found.group(1).lower()
    return check_num_slides(_WORDS.get(word) or int(word), "the number of slides in the prompt is")


def with_count(deck: Deck, planner: DeckPlanner) -> Deck:
    """Return the deck with a warning if it does not have as many slides as were asked for."""
    made, asked = len(deck.slides), planner.num_slides
    if asked is None or made == asked:
        return deck
    if planner.planned == asked:
        why = "what does not fit on a slide continues on another one"
    elif planner.has_chat_model:
        why = f"the chat model planned {planner.planned}"
    else:
        why = "the source has that many headings, tables or paragraphs, and only a chat model can rewrite it"
    warning = f"the deck has {made} slides, not {asked}: {why}"
    return deck.model_copy(update={"warnings": (warning, *deck.warnings)})
