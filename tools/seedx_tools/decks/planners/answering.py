"""Planners with a chat model, which answer requests beside planning decks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

T = TypeVar("T", bound=BaseModel)
R = TypeVar("R")


@runtime_checkable
class ChatPlanner(Protocol):
    """A planner with a chat model, such as ChatModelPlanner."""

    def answer(
        self, schema: type[T], instructions: str, request: str, use: Callable[[T], R], warn: Callable[[str], None]
    ) -> R:
        """Return what `use` makes of a structured answer; its ToolRetry goes back to the chat model."""
        ...
