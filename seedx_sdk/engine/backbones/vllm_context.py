"""What vLLM reads: the prompt and the answer so far, as ids and rows of features.

Shapes: L tokens of a prompt, D LLM width.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from vllm.inputs import EmbedsPrompt, TokensPrompt

from seedx_sdk.engine.backbones.base import Prompt
from seedx_sdk.engine.backbones.vllm_plugin import EXPORT
from seedx_sdk.tokens import NUM_IMAGE_TOKENS, TokenIds

__all__ = ["Context"]


@dataclass(slots=True)
class Context:
    """The prompt, and the answer so far.

    The rows of features are zero at text tokens, so that equal prompts have equal blocks in the prefix cache.
    """

    ids: list[int]
    features: Tensor | None
    """(L of the prompt, D), zero at the text tokens."""
    width: int
    feature_mask: Sequence[bool] = ()
    turn: float = 0.0
    """Its number in the order of turns; the same for all requests of an answer."""

    @classmethod
    def of(cls, prompt: Prompt, *, tokens: TokenIds, width: int) -> Context:
        """Return the context before the answer."""
        mask = prompt.feature_mask(tokens)
        features = None
        if prompt.features is not None:
            features = torch.zeros(len(mask), width)
            features[torch.tensor(mask)] = prompt.features
        return cls(list(prompt.token_ids), features, width, mask)

    def as_prompt(self) -> TokensPrompt | EmbedsPrompt:
        """Return the input of vLLM."""
        if self.features is None:
            return TokensPrompt(prompt_token_ids=[*self.ids])
        added = len(self.ids) - len(self.features)
        return EmbedsPrompt(
            prompt_token_ids=[*self.ids],
            prompt_embeds=torch.cat([self.features, torch.zeros(added, self.width)]),
            prompt_is_token_ids=[*(not inside for inside in self.feature_mask), *itertools.repeat(True, added)],
        )

    def export(self, tag: str) -> dict[str, Any]:
        """Return the arguments that make the hook export the states of the image at the end."""
        end = len(self.ids) - 1
        return {EXPORT: (tag, end - NUM_IMAGE_TOKENS, end)}
