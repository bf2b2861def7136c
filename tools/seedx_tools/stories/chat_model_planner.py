"""Stories planned by a LangChain chat model."""

from __future__ import annotations

from seedx_tools.chat_models import ChatModel
from seedx_tools.illustration.prompts import Vocabulary, drawing_advice
from seedx_tools.stories.plan import StoryPlan
from seedx_tools.structured_output import StructuredChat

_SYSTEM_PROMPT = (
    "You write illustrated stories for children. First decide on a title, who is in the story and how each looks; then "
    "write the pages, each with two or three short sentences, what its image shows, and who is in it. Write in the "
    "language of the request, but describe looks and images in English."
)


class ChatModelStoryPlanner:
    """Plans stories with a LangChain chat model; pass it to tell_story(planner=...).

    Args:
        model: A chat model with `with_structured_output`.
        vocabulary: What the image model can draw (vocabulary_of(seedx.info)); None: anything.
        retries: How often an invalid answer is sent back with what was wrong with it.
    """

    def __init__(self, model: ChatModel, *, vocabulary: Vocabulary | None = None, retries: int = 2) -> None:
        self._chat = StructuredChat(model, StoryPlan, retries)
        self._system_prompt = _SYSTEM_PROMPT + drawing_advice(vocabulary)

    def plan(self, text: str, num_pages: int, first_image: str | None) -> StoryPlan:
        """Return the story that the chat model wrote.

        Raises:
            ToolFailed: If the chat model failed or gave no valid story.
        """
        start = f"\n\nThe story starts from this image: {first_image}" if first_image else ""
        return self._chat(self._system_prompt, f"{text}{start}\n\n{num_pages} pages.")
