"""Stories planned by a LangChain chat model."""

from __future__ import annotations

from langchain_core.language_models import BaseChatModel

from seedx_tools.illustration.prompts import Vocabulary, drawing_advice
from seedx_tools.stories.plan import StoryPlan
from seedx_tools.structured_output import StructuredChat

_STORY_ORDER = (
    "You write illustrated stories for children. Write a title and the pages: each with two or three short sentences "
    "and what its picture shows. Keep the same hero throughout, and name the hero's looks in every picture. Write in "
    "the language of the request, but describe pictures in English."
)


class ChatModelStoryPlanner:
    """Writes stories with a LangChain chat model; pass it to tell_story(planner=...). Arguments: ChatModelPlanner."""

    def __init__(self, model: BaseChatModel, *, vocabulary: Vocabulary | None = None, retries: int = 2) -> None:
        self._ask = StructuredChat(model, StoryPlan, retries)
        self._order = _STORY_ORDER + drawing_advice(vocabulary)

    def plan(self, text: str, num_pages: int, first_picture: str | None) -> StoryPlan:
        """Return the story that the chat model wrote.

        Raises:
            ToolFailed: The chat model gave no valid story in all its tries.
        """
        given = f"\n\nThe story starts from this picture: {first_picture}" if first_picture else ""
        return self._ask(self._order, f"{text}{given}\n\n{num_pages} pages.")
