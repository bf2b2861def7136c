"""Plan decks with a LangChain chat model that supports structured output."""

from __future__ import annotations

from seedx_tools.chat_models import ChatModel
from seedx_tools.decks.outline import DEFAULT_NUM_SLIDES, MAX_NUM_SLIDES, Outline, SlidePlan
from seedx_tools.decks.planners.answers.slides import outline_as_meant, slide_as_meant
from seedx_tools.errors import ToolRetry
from seedx_tools.illustration.prompts import Vocabulary, drawing_advice
from seedx_tools.structured_output import StructuredChat

_SYSTEM_PROMPT = (
    "You plan slide decks. Write the deck's title, a one-line subtitle and the other slides in a logical order. Give "
    "each slide a title of at most eight words, three to five short bullet points, a description of its picture, and "
    "speaker notes in full sentences. Use a table, a chart, two columns, a quote or a section slide where the content "
    "calls for it. Use only facts from the request: do not invent numbers, names or quotes. Write in the language of "
    "the request, but describe pictures in English."
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

    def plan(self, text: str, num_slides: int | None) -> Outline:
        """Return the outline that the chat model wrote.

        Raises:
            ToolFailed: If the chat model gave no valid outline within its retries.
        """
        count = num_slides or DEFAULT_NUM_SLIDES
        wanted = f"{count} slides including the title slide, so {count - 1} in `slides`."
        if num_slides is None:
            wanted = f"As many slides as the request asks for; if it does not say, {wanted}"
        slips: list[str] = []
        outline = self._chat.apply(self._system_prompt, f"{text}\n\n{wanted}", _check_length, slips.append)
        return outline.model_copy(update={"warnings": tuple(slips)})


def _check_length(outline: Outline) -> Outline:
    count = len(outline.all_slides()) + 1
    if count > MAX_NUM_SLIDES:
        raise ToolRetry(f"the outline has {count} slides; at most {MAX_NUM_SLIDES} are allowed")
    return outline
