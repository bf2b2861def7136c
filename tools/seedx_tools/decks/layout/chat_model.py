"""Lay out slides with a LangChain chat model."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from seedx_tools.chat_models import ChatModel
from seedx_tools.decks.layout.regions import SAFE_AREA, PageSize, Region, RegionKind
from seedx_tools.decks.outline import SlidePlan
from seedx_tools.structured_output import StructuredChat

_SYSTEM_PROMPT = (
    "You are a designer who lays out slides. Give each part of the slide a box: its left, top, right and bottom edge "
    f"as fractions of the page, all between {SAFE_AREA[0]:.2f} and {SAFE_AREA[2]:.2f}, and no lower than "
    f"{SAFE_AREA[3]:.2f}. The title is at the top; boxes do not overlap; edges are in line; text gets the room that "
    "it needs at 18 points."
)


class _Box(BaseModel):
    model_config = ConfigDict(frozen=True)

    kind: RegionKind
    left: float
    top: float
    right: float
    bottom: float


class _Boxes(BaseModel):
    """The boxes of a slide."""

    model_config = ConfigDict(frozen=True)

    boxes: tuple[_Box, ...] = Field(description="One for the title, one for the text, and one for each picture.")


class ChatModelLayout:
    """Lays out slides with a chat model; pass it to make_slides(layout=...).

    Args:
        model: A chat model with `with_structured_output`.
        retries: How often an invalid answer is sent back with the error.
    """

    def __init__(self, model: ChatModel, *, retries: int = 1) -> None:
        self._chat = StructuredChat(model, _Boxes, retries)

    def arrange(self, plan: SlidePlan, page: PageSize, theme: str) -> list[Region]:
        """Return the regions that the chat model chose.

        Raises:
            ToolFailed: If the chat model gave no valid boxes within its retries.
        """
        answer = self._chat(
            _SYSTEM_PROMPT,
            f"The page is {page.width:.1f} x {page.height:.1f} inches, the theme {theme}. The slide:\n"
            f"{plan.model_dump_json(exclude_defaults=True, exclude={'notes'})}",
        )
        return [
            Region(box.kind, (box.left, box.top, box.right, box.bottom), plan.title if box.kind == "title" else "", z)
            for z, box in enumerate(answer.boxes)
        ]
