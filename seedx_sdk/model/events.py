"""What a language model writes, event by event.

Shapes: Q image tokens per image, D LLM width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

__all__ = ["QueryStates", "TokenChunk"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenChunk:
    """Tokens were written; `<img>` and `</img>` come as tokens around the states of an image."""

    token_ids: Sequence[int]
    """One id or more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryStates:
    """An image was written: all image tokens between `<img>` and `</img>` at once."""

    hidden_states: Tensor
    """(Q, D) at the image tokens, after the final norm."""
