"""Decks and stories planned by a language model: any LangChain chat model that can answer in a structure."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, ValidationError

from seedx_tools.errors import ToolFailed
from seedx_tools.outline import DEFAULT_NUM_SLIDES, Outline, SlidePlan
from seedx_tools.picture_words import Vocabulary
from seedx_tools.story_plan import StoryPlan

T = TypeVar("T", bound=BaseModel)

_DECK_ORDER = (
    "You plan slide decks. Write the deck's title, a one-line subtitle, and the other slides in a telling order: each "
    "with a title of at most eight words, three to five short points, what its picture shows, and speaker notes in "
    "full sentences. Use a table, a chart, two columns, a quote or a section slide where the content asks for it. "
    "Keep to facts in the request; invent no numbers, names or quotes. Write in the language of the request, but "
    "describe pictures in English."
)
_STORY_ORDER = (
    "You write illustrated stories for children. Write a title and the pages: each with two or three short sentences "
    "and what its picture shows. Keep the same hero throughout, and name the hero's looks in every picture. Write in "
    "the language of the request, but describe pictures in English."
)


class ChatModelPlanner:
    """Plans decks with a LangChain chat model; pass it to make_slides(planner=...).

    Args:
        model: A chat model with `with_structured_output`.
        vocabulary: What the picture model can draw (vocabulary_of(seedx.info)); None: anything.
        retries: How often an invalid answer is sent back with what was wrong with it.
    """

    def __init__(self, model: BaseChatModel, *, vocabulary: Vocabulary | None = None, retries: int = 2) -> None:
        self._ask = _StructuredChat(model, Outline, retries)
        self._model, self._retries = model, retries
        self._order = _DECK_ORDER + _picture_order(vocabulary)

    def revise(self, plan: SlidePlan, instruction: str) -> SlidePlan:
        """Return a slide that the chat model changed as an instruction says.

        Raises:
            ToolFailed: The chat model gave no valid slide in all its tries.
        """
        ask = _StructuredChat(self._model, SlidePlan, self._retries)
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
        return self._ask(self._order, f"{text}\n\n{wanted}")


class ChatModelStoryPlanner:
    """Writes stories with a LangChain chat model; pass it to tell_story(planner=...). Arguments: ChatModelPlanner."""

    def __init__(self, model: BaseChatModel, *, vocabulary: Vocabulary | None = None, retries: int = 2) -> None:
        self._ask = _StructuredChat(model, StoryPlan, retries)
        self._order = _STORY_ORDER + _picture_order(vocabulary)

    def plan(self, text: str, num_pages: int, first_picture: str | None) -> StoryPlan:
        """Return the story that the chat model wrote.

        Raises:
            ToolFailed: The chat model gave no valid story in all its tries.
        """
        given = f"\n\nThe story starts from this picture: {first_picture}" if first_picture else ""
        return self._ask(self._order, f"{text}{given}\n\n{num_pages} pages.")


def _picture_order(vocabulary: Vocabulary | None) -> str:
    if vocabulary is None:
        return ""
    return (
        " The pictures are drawn by a small model that knows only these things: "
        f"{', '.join(vocabulary['kinds'])}; in these colours: {', '.join(vocabulary['colors'])}; on these backgrounds: "
        f"{', '.join(vocabulary['backgrounds'])}. Describe each picture with one to three of them, each with a colour, "
        "like 'a red house and a green tree on the beach', even where it only hints at the text."
    )


class _StructuredChat(Generic[T]):
    def __init__(self, model: BaseChatModel, schema: type[T], retries: int) -> None:
        self._model: Any = model.with_structured_output(schema)
        self._schema = schema
        self._retries = retries

    def __call__(self, order: str, request: str) -> T:
        messages: list[BaseMessage] = [SystemMessage(order), HumanMessage(request)]
        fault = ""
        for _ in range(self._retries + 1):
            try:
                answer = self._model.invoke(messages)
                return answer if isinstance(answer, self._schema) else self._schema.model_validate(answer)
            except (ValidationError, OutputParserException) as error:
                fault = str(error)
                messages = [*messages[:2], HumanMessage(f"That answer was not valid: {fault}\nAnswer again.")]
        raise ToolFailed(
            f"the planning model gave no valid {self._schema.__name__} in {self._retries + 1} tries ({fault[:300]}); "
            "use a model that supports structured output, or no planner"
        )
