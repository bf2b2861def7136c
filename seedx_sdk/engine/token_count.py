"""How many tokens a conversation has, without loading a model: by its own tokenizer, or an estimate. No torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from seedx_sdk.checkpoints.config import DirectoryConfig
from seedx_sdk.engine.prompting import normalized, prompt_ids
from seedx_sdk.errors import needs_extra
from seedx_sdk.model.grids import READ_GRIDS, choose_grid, parse_grid
from seedx_sdk.options import GenerationOptions
from seedx_sdk.tokens import NUM_IMAGE_TOKENS, image_block
from seedx_sdk.types import Message, Request

if TYPE_CHECKING:
    from seedx_sdk.model.tokenizer import Tokenizer

__all__ = [
    "CountsTokens",
    "EstimatedTokens",
    "ImageSize",
    "ModelTokens",
    "TokenCounter",
    "count_prompt",
    "num_cells",
    "read_tokens",
]

ImageSize: TypeAlias = tuple[int, int] | None
"""Width and height in pixels; None: unknown, counted as the largest."""
_BYTES_PER_TOKEN = 3
"""Bytes of UTF-8 text per token: an upper estimate for English, about right for other scripts."""
_TURN_TOKENS = 9
"""What stands around a turn of the user."""
_VIEW_TOKENS = NUM_IMAGE_TOKENS + 2
"""Tokens of each cell and of the global view, with the tokens that open and close it."""
_CELL = 448
"""Side in pixels of a cell of the released models."""


class TokenCounter(Protocol):
    """Counts tokens."""

    def count_text(self, text: str) -> int:
        """Return the number of tokens of a text alone."""
        ...

    def count(self, messages: Sequence[Message], sizes: Sequence[ImageSize]) -> int:
        """Return the number of tokens of a chat; `sizes` are those of its images, whose pixels are not looked at."""
        ...


@dataclass(frozen=True, slots=True)
class ModelTokens:
    """Counts what a model in process reads, to the token: `Usage.prompt_tokens` of the same chat."""

    config: DirectoryConfig
    tokenizer: Tokenizer

    def ids(self, text: str) -> list[int]:
        """Return the tokens of a text alone."""
        return self.tokenizer.encode(text)

    def count_text(self, text: str) -> int:
        """Return the number of tokens of a text alone."""
        return len(self.ids(text))

    def count(self, messages: Sequence[Message], sizes: Sequence[ImageSize]) -> int:
        """Return the number of tokens of a chat; of a foundation model, which has no chats, the sum of its turns."""
        if self.config.prompts == "base" and len(messages) > 1:
            waiting = iter(sizes)
            return sum(self.count([message], [next(waiting) for _ in message.images]) for message in messages)
        if not messages:
            return 0
        request = Request(task="chat", messages=tuple(messages), options=GenerationOptions())
        side = self.config.visual_encoder.image_size
        blocks = [image_block(num_cells(size, self.config.read_grids, side)) for size in sizes]
        read_as = request if self.config.vocabulary is None else normalized(request)
        return len(prompt_ids(read_as, blocks, self.config.prompts, self.tokenizer))


@runtime_checkable
class CountsTokens(Protocol):
    """An engine that counts what it would read."""

    def prompt_tokens(self, request: Request) -> int:
        """Return the number of tokens of a request, its images included; nothing is computed."""
        ...


def count_prompt(engine: object, request: Request) -> int:
    """Return how many tokens an engine would read; an estimate, if it doesn't count them."""
    if isinstance(engine, CountsTokens):
        return engine.prompt_tokens(request)
    sizes = [image.size for message in request.messages for image in message.images]
    return EstimatedTokens().count(request.messages, sizes)


class EstimatedTokens:
    """Counts a token for each 3 bytes of UTF-8 text, 9 for each turn, and images as the released models read them."""

    def count_text(self, text: str) -> int:
        """Return about how many tokens a text has."""
        return math.ceil(len(text.encode(errors="replace")) / _BYTES_PER_TOKEN)

    def count(self, messages: Sequence[Message], sizes: Sequence[ImageSize]) -> int:
        """Return about how many tokens a chat has."""
        images = sum(_VIEW_TOKENS * (num_cells(size, READ_GRIDS, _CELL) + 1) for size in sizes)
        return images + sum(self.count_text(message.text) + _TURN_TOKENS for message in messages)


@lru_cache(maxsize=4)
def read_tokens(directory: Path) -> ModelTokens:
    """Return the counter of a checkpoint directory; it reads the tokenizer, not the model.

    Raises:
        MissingExtraError: If the tokenizer's library is not installed.
        WeightsMissingError: If there is no such directory.
        WeightsCorruptError: If its config.json cannot be read.
    """
    config = DirectoryConfig.read(directory)
    with needs_extra("local"):
        from seedx_sdk.model.tokenizer import Tokenizer
    return ModelTokens(config, Tokenizer.from_pretrained(directory / "llm"))


def num_cells(size: ImageSize, grids: Iterable[str], side: int) -> int:
    """Return how many cells an image gets, its global view not counted."""
    names = list(grids)
    if not names:
        return 0
    areas = [math.prod(parse_grid(name)) for name in names]
    return max(areas) if size is None else math.prod(choose_grid(size, names, side))
