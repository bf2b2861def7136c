"""The language model in this process, on transformers: one prompt at a time, nothing to start.

It is the backbone of `SeedX()`, and what the vLLM backbone is held against.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping

import torch
from torch import Tensor

from seedx_sdk.engine.backbones.base import MAX_TOKENS_BEFORE_IMAGE, Prompt, QueryStates, SamplingParams, TokenChunk
from seedx_sdk.errors import InputError
from seedx_sdk.model.generation import ImageEvent, ImageTokenRule, TokenEvent, stream
from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.tokens import TokenIds

__all__ = ["TransformersBackbone"]


class TransformersBackbone:
    """`Backbone` on loaded models.

    Args:
        general: The general model.
        specialists: Models with a specialist's adapter merged, by name.
        tokens: Ids of the special tokens.
    """

    def __init__(self, general: LVLM, specialists: Mapping[str, LVLM], tokens: TokenIds) -> None:
        self._models: dict[str | None, LVLM] = {None: general}
        self._models.update(specialists)
        self._tokens = tokens
        self._busy = asyncio.Lock()

    @property
    def specialists(self) -> tuple[str, ...]:
        """Names of the specialists."""
        return tuple(name for name in self._models if name is not None)

    @property
    def supports_structured_output(self) -> bool:
        """Whether answers can be guided: not here."""
        return False

    async def generate(
        self, prompt: Prompt, sampling: SamplingParams
    ) -> AsyncGenerator[TokenChunk | QueryStates, None]:
        """The answer as it is written; see `Backbone.generate`. Prompts take turns."""
        if sampling.specialist not in self._models:
            raise InputError(f"there is no specialist {sampling.specialist!r}; this model has {list(self.specialists)}")
        if sampling.guide is not None:
            raise InputError(
                "a form for the answer needs the vLLM engine; serve the model with it, or leave the form out"
            )
        model, tokens = self._models[sampling.specialist], self._tokens
        config = model.causal_lm.config
        prompt = prompt.checked(tokens, vocab_size=config.vocab_size, width=config.hidden_size)
        budget = prompt.budget(sampling.max_new_tokens, max_length=config.max_position_embeddings)
        events = stream(
            model,
            _embed(model, prompt, tokens),
            tokens,
            max_new_tokens=budget,
            last_id=prompt.token_ids[-1],
            rule=_DrawFirst(tokens) if sampling.must_draw else ImageTokenRule(tokens),
            temperature=sampling.temperature,
            generator=torch.Generator().manual_seed(sampling.seed),
        )
        pictures = 0
        async with self._busy:
            while (event := await asyncio.to_thread(next, events, None)) is not None:
                if isinstance(event, ImageEvent):
                    pictures += 1
                    yield QueryStates(hidden_states=event.hidden_states)
                else:
                    assert isinstance(event, TokenEvent)
                    yield TokenChunk(token_ids=[event.token_id])
                    if pictures == sampling.max_pictures and event.token_id == tokens.end_image:
                        return

    async def check(self) -> None:
        """Returns: it works as long as this process does."""

    async def close(self) -> None:
        """Does nothing: the models belong to the caller."""


@torch.no_grad()
def _embed(model: LVLM, prompt: Prompt, tokens: TokenIds) -> Tensor:
    """Returns the (1, L, D) embeddings of a prompt."""
    embeds = model.embed(torch.tensor([prompt.token_ids]))
    if prompt.features is None:
        return embeds
    mask = torch.tensor([prompt.is_feature(tokens)])
    return embeds.masked_scatter(mask[..., None], prompt.features.to(embeds.dtype))


class _DrawFirst(ImageTokenRule):
    """Does not let an answer end before it has drawn a picture."""

    def __init__(self, tokens: TokenIds) -> None:
        super().__init__(tokens)
        self._words_left, self._drawn = MAX_TOKENS_BEFORE_IMAGE, False

    def _apply(self, last: int, row: Tensor) -> None:
        super()._apply(last, row)
        self._drawn = self._drawn or last == self.tokens.end_image
        if self._drawn or last in self.next_of:
            return
        self._words_left -= 1
        row[self.tokens.eos] = float("-inf")
        if self._words_left <= 0:
            row[self.tokens.begin_image] = row.max() + 10.0
