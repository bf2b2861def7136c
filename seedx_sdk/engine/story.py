"""A story as its specialist reads it: the pages so far, whose images are those that it drew, before they were drawn.

Source: gen_george.py of SEED-Story, where a page's regressed features stand for its image on the pages after it. What
is read of a long story is `prompts.story_window`.

Shapes: Q image tokens per image, D LLM width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seedx_sdk.engine.backbones.base import Prompt
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.prompts import story_page, story_window
from seedx_sdk.tokens import clean_text, image_block

__all__ = ["StoryPages"]

_OPENING = story_page(1, "")
"""What the model writes before the text of each page."""


class StoryPages:
    """The pages so far.

    Args:
        tokenizer: Of the language model.
        caption: Text of the first page.
        embeds: (1, Q, D) embeddings of its image, the global view alone.
    """

    def __init__(self, tokenizer: Tokenizer, caption: str, embeds: Tensor) -> None:
        self._tokenizer = tokenizer
        self._captions, self._embeds = [caption], [embeds]

    def prompt(self) -> Prompt:
        """Return what the model reads before the next page."""
        ids = [self._tokenizer.bos_id]
        shown: list[Tensor] = []
        for text, page in story_window(self._captions):
            ids += self._tokenizer.encode(text)
            if page is not None:
                ids += self._tokenizer.encode(image_block(0))
                shown.append(self._embeds[page])
        return Prompt(token_ids=tuple(ids), features=torch.cat(shown).flatten(0, 1))

    def caption(self, written: Sequence[int]) -> str:
        """Return the text of a page without what opens it."""
        return clean_text(self._tokenizer.decode(written)).strip().removeprefix(_OPENING).strip()

    def add(self, caption: str, embeds: Tensor) -> None:
        """Add a page: its text, and the (1, Q, D) embeddings of its image."""
        self._captions.append(caption)
        self._embeds.append(embeds)
