"""Plan decks with a LangChain chat model that supports structured output."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel

from seedx_tools.chat_models import ChatModel
from seedx_tools.decks.outline import DEFAULT_NUM_SLIDES, MAX_NUM_SLIDES, Outline, SlidePlan
from seedx_tools.decks.planners.answers.slides import outline_as_meant, slide_as_meant
from seedx_tools.decks.planners.condense import condensed_outline
from seedx_tools.errors import ToolRetry
from seedx_tools.illustration.prompts import Vocabulary, drawing_advice
from seedx_tools.structured_output import StructuredChat

T = TypeVar("T", bound=BaseModel)
R = TypeVar("R")
_SYSTEM_PROMPT = (
    "You plan slide decks. Write the deck's title, a one-line subtitle and the other slides in a logical order: one "
    "idea per slide. A slide's title says its message in at most eight words ('Costs fell by a third'), not only its "
    "subject ('Costs'). Under it stand three to five short points, a description of its picture, and speaker notes in "
    "full sentences; details belong in the notes, and no slide has more than 60 words. Where the content calls for it, "
    "use in place of points a visual (kpis for figures, process or cycle for steps, timeline for dates, matrix, "
    "comparison for options by criteria, pyramid, funnel, org_chart or flow), a table, two to four columns to compare, "
    "code, a quote or a section slide. Choose charts by what they show: line over time, bar to compare (horizontal_bar "
    "for long names), stacked_bar for parts and their sum, pie only for a few parts of a whole, scatter for a "
    "relation, combo for two units. Name where figures come from in `source`. Texts may be inline Markdown (**bold**, "
    "`code`, links), without list marks. Use only facts from the request: do not invent numbers, names or quotes; "
    "without numbers there is no chart. Write in the language of the request, but describe pictures in English."
)


class ChatModelPlanner:
    """Plans decks with a LangChain chat model; pass it to make_slides(planner=...).

    Args:
        model: A chat model with `with_structured_output`.
        vocabulary: What the image model can draw (vocabulary_of(seedx.info)); None: anything.
        retries: How often an invalid answer is sent back with the error.
    """

    def __init__(self, model: ChatModel, *, vocabulary: Vocabulary | None = None, retries: int = 2) -> None:
        self._chat = StructuredChat(model, Outline, retries, mend=outline_as_meant)
        self._model, self._retries = model, retries
        self._system_prompt = _SYSTEM_PROMPT + drawing_advice(vocabulary, only_subjects=True)

    def revise(self, plan: SlidePlan, instruction: str) -> SlidePlan:
        """Return a slide edited by the chat model according to an instruction.

        Raises:
            ToolFailed: If the chat model gave no valid slide within its retries.
        """
        slips: list[str] = []
        chat = StructuredChat(self._model, SlidePlan, self._retries, mend=slide_as_meant)
        revised = chat.apply(
            f"{self._system_prompt} Now edit one slide of a finished deck according to the request, and keep "
            "everything that the request does not mention.",
            f"{instruction}\n\nThe current slide:\n{plan.model_dump_json(exclude_defaults=True)}",
            lambda answer: answer,
            slips.append,
        )
        return revised.model_copy(update={"warnings": tuple(slips)})

    def answer(
        self, schema: type[T], instructions: str, request: str, use: Callable[[T], R], warn: Callable[[str], None]
    ) -> R:
        """Return what `use` makes of an answer of the chat model; its ToolRetry goes back with the answer.

        Args:
            schema: What an answer looks like.
            instructions: What the chat model does.
            request: What it is asked.
            use: Checks the answer.
            warn: Called with a sentence for everything that was changed or left out in the answer.

        Raises:
            ToolFailed: If the chat model gave no usable answer within its retries.
        """
        return StructuredChat(self._model, schema, self._retries).apply(instructions, request, use, warn)

    def plan(self, text: str, num_slides: int | None) -> Outline:
        """Return the outline that the chat model wrote, with as many slides as are wanted and no wall of text.

        An outline of another length goes back once; one that is still too long is condensed, with warnings.

        Raises:
            ToolFailed: If the chat model gave no valid outline within its retries.
        """
        count = num_slides or DEFAULT_NUM_SLIDES
        wanted = f"{count} slides including the title slide, so {count - 1} in `slides`."
        if num_slides is None:
            wanted = f"As many slides as the request asks for; if it does not say, {wanted}"
        outline = self._outline(f"{text}\n\n{wanted}")
        made = len(outline.all_slides()) + 1
        if num_slides is not None and made != num_slides:
            outline = min(
                outline,
                self._outline(
                    f"{text}\n\n{wanted}\n\nYour last outline had {made} slides with title, agenda and sources; "
                    f"{num_slides} are wanted. This is it:\n{outline.model_dump_json(exclude_defaults=True)}"
                ),
                key=lambda one: abs(len(one.all_slides()) + 1 - num_slides),
            )
        return condensed_outline(outline, num_slides)

    def _outline(self, request: str) -> Outline:
        slips: list[str] = []
        outline = self._chat.apply(self._system_prompt, request, _check_length, slips.append)
        return outline.model_copy(update={"warnings": tuple(slips)})


def _check_length(outline: Outline) -> Outline:
    count = len(outline.all_slides()) + 1
    if count > MAX_NUM_SLIDES:
        raise ToolRetry(f"the outline has {count} slides; at most {MAX_NUM_SLIDES} are allowed")
    return outline
