"""Decks and stories planned by a language model: any LangChain chat model that can answer in a structure."""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from seedx_tools.decks.outline import DEFAULT_NUM_SLIDES, MAX_NUM_SLIDES, Outline, SlidePlan
from seedx_tools.errors import ToolRetry
from seedx_tools.illustration.prompts import Vocabulary, drawing_advice
from seedx_tools.structured_output import StructuredChat

_DECK_ORDER = (
    "You plan slide decks. Write the deck's title, a one-line subtitle, and the other slides in a telling order: each "
    "with a title of at most eight words, three to five short points, what its picture shows, and speaker notes in "
    "full sentences. Use a table, a chart, two columns, a quote or a section slide where the content asks for it. "
    "Keep to facts in the request; invent no numbers, names or quotes. Write in the language of the request, but "
    "describe pictures in English."
)


class ChatModelPlanner:
    """Plans decks with a LangChain chat model; pass it to make_slides(planner=...).

    Args:
        model: A chat model with `with_structured_output`.
        vocabulary: What the picture model can draw (vocabulary_of(seedx.info)); None: anything.
        retries: How often an invalid answer is sent back with what was wrong with it.
    """

    def __init__(self, model: BaseChatModel, *, vocabulary: Vocabulary | None = None, retries: int = 2) -> None:
        self._ask = StructuredChat(model, Outline, retries)
        self._model, self._retries = model, retries
        self._order = _DECK_ORDER + drawing_advice(vocabulary)

    def revise(self, plan: SlidePlan, instruction: str) -> SlidePlan:
        """Return a slide that the chat model changed as an instruction says.

        Raises:
            ToolFailed: The chat model gave no valid slide in all its tries.
        """
        ask = StructuredChat(self._model, SlidePlan, self._retries)
        return ask(
            f"{self._order} Now change one slide of a finished deck as the request says, and keep what it does not "
            "speak of.",
            f"{instruction}\n\nThe slide now:\n{plan.model_dump_json(exclude_defaults=True)}",
        )

    def plan(self, text: str, num_slides: int | None) -> Outline:
        """Return the outline that the chat model wrote.

        Raises:
            ToolFailed: The chat model gave no valid outline in all its tries.
        """
        count = num_slides or DEFAULT_NUM_SLIDES
        wanted = f"{count} slides with the title slide, so {count - 1} in `slides`."
        if num_slides is None:
            wanted = f"As many slides as the request asks for; if it does not say, {wanted}"
        return self._ask.apply(self._order, f"{text}\n\n{wanted}", _that_fits)


def _that_fits(outline: Outline) -> Outline:
    count = len(outline.all_slides()) + 1
    if count > MAX_NUM_SLIDES:
        raise ToolRetry(f"the outline has {count} slides; at most {MAX_NUM_SLIDES} are made")
    return outline
