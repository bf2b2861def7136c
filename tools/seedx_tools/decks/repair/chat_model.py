"""Let a LangChain chat model that sees images look at the pages of a deck."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from typing import Any

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from seedx_tools.chat_models import ChatModel
from seedx_tools.decks.editing.edit_commands import COMMANDS
from seedx_tools.decks.repair.review import ReviewPage, SlideRevision
from seedx_tools.structured_output import StructuredChat

MAX_PAGES = 40
"""Pages that a chat model is shown at once; those with findings come first."""

_SYSTEM_PROMPT = (
    "You review the pages of a slide deck before it is presented. Look at each page image as a demanding reader would: "
    "text that is hard to read, too much of it, pages that look empty or crowded, titles that do not say what the page "
    "shows. Name only the slides that must change, and keep all facts, numbers and names. A change is written as edit "
    f"commands: {COMMANDS}. You can leave pictures out, but not add any. If all pages are good, the list is empty."
)


class _Revision(BaseModel):
    model_config = ConfigDict(frozen=True)

    slide: int = Field(description="The number of the slide.")
    change: str = Field(description="Edit commands, or the whole new slide as Markdown: '## Title' and points.")


class _Revisions(BaseModel):
    """What to change about the deck."""

    model_config = ConfigDict(frozen=True)

    revisions: tuple[_Revision, ...] = Field(default=(), description="One for each slide that must change.")


class ChatModelReviewer:
    """Reviews pages with a chat model that sees images; pass it to make_slides(reviewer=...).

    Args:
        model: A chat model with `with_structured_output` that takes images.
        retries: How often an invalid answer is sent back with the error.
    """

    def __init__(self, model: ChatModel, *, retries: int = 1) -> None:
        self._chat = StructuredChat(model, _Revisions, retries)

    def review(self, pages: Sequence[ReviewPage]) -> list[SlideRevision]:
        """Return what the chat model wants to change.

        Raises:
            ToolFailed: If the chat model failed, or gave no valid answer within its retries.
        """
        shown = sorted(sorted(pages, key=lambda page: not page.findings)[:MAX_PAGES], key=lambda page: page.slide)
        answer = self._chat(_SYSTEM_PROMPT, [block for page in shown for block in _blocks(page)])
        return [SlideRevision(one.slide, one.change) for one in answer.revisions]


def _blocks(page: ReviewPage) -> Iterator[str | dict[Any, Any]]:
    """Yield the content blocks of a page: what it is made of, and how it looks."""
    found = "".join(f"\n- {finding.message}" for finding in page.findings)
    text = f"Slide {page.slide}: {page.plan.model_dump_json(exclude_defaults=True)}"
    yield {"type": "text", "text": f"{text}\nThe linter found:{found}" if found else text}
    yield {"type": "image_url", "image_url": {"url": _data_uri(page.image)}}


def _data_uri(image: Image.Image) -> str:
    data = io.BytesIO()
    image.save(data, "PNG")
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"
