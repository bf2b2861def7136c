"""Read a request about a deck with a chat model that sees the deck's outline and answers with orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import TypeVar

from pydantic import BaseModel, Field

from seedx_tools.decks.editing.orders import DeckOrder
from seedx_tools.decks.operations.deck_outline import DeckOutline
from seedx_tools.decks.planners.answering import ChatPlanner
from seedx_tools.errors import ToolRetry

T = TypeVar("T", bound=BaseModel)
R = TypeVar("R")

_INSTRUCTIONS = (
    "You edit slide decks. You see the outline of a deck: the number, the title and the kind of each slide. Answer "
    "with the orders that do what the request says, in their order, and with nothing that it does not ask for. All "
    "numbers are those of the outline, also after an order that moves or deletes slides. Of two slides with the same "
    "title, the later one is the duplicate. New slides and changes are written as Markdown in `content`; use only "
    "facts from the request and the deck. If no order can do what is asked, or the request does not say which slide "
    "it means, say why in `problem` and give no orders."
)


class DeckOrders(BaseModel):
    """The orders that a request gives."""

    orders: tuple[DeckOrder, ...] = Field(default=(), description="What is to be done, in order.")
    problem: str = Field(default="", description="Why the request cannot be followed; empty if it can.")


def orders_of_chat(planner: ChatPlanner, request: str, outline: DeckOutline, warn: Callable[[str], None]) -> DeckOrders:
    """Return the orders of a request as a chat model reads it, or the problem that it has with it.

    Raises:
        ToolFailed: If the chat model gave no valid orders within its retries.
    """

    def checked(answer: DeckOrders) -> DeckOrders:
        if not answer.orders and not answer.problem.strip():
            raise ToolRetry("there are no orders; give at least one, or say in `problem` why there is none")
        check_orders(answer.orders, len(outline.slides))
        for order in answer.orders:
            if order.file and PurePath(order.file).name not in request:
                raise ToolRetry(f"the request does not name the file '{order.file[:80]}'; use only files that it names")
        return answer

    return planner.answer(
        DeckOrders, _INSTRUCTIONS, f"{request}\n\nThe deck '{outline.title}':\n{outline}", checked, warn
    )


def check_orders(orders: Sequence[DeckOrder], count: int) -> None:
    """Check orders against the number of slides of a deck, before any of them is followed.

    Raises:
        ToolRetry: If one names a slide that is not there, or that an earlier one deletes, or all slides are deleted.
    """
    deleted: set[int] = set()
    for number, order in enumerate(orders, start=1):
        for slide in (order.slide, order.after or None):
            if slide is not None and slide > count:
                raise ToolRetry(
                    f"order {number} ({order.kind}): there is no slide {slide}; the deck has slides 1 to {count}"
                )
        if order.slide in deleted:
            raise ToolRetry(f"order {number} ({order.kind}): slide {order.slide} is deleted by an earlier order")
        if order.kind == "delete" and order.slide is not None:
            deleted.add(order.slide)
