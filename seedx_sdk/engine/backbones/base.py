"""The seam between the reply and the language model: a prompt in, tokens and hidden states of pictures out.

Two backends implement it: transformers (transformers_backbone.py) and vLLM (vllm_backbone.py). They give the same
greedy answers, and the same hidden states up to rounding.

Shapes: L tokens of a prompt, F of them features of pictures, D LLM width, Q image tokens per picture.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from seedx_sdk.errors import InputError
from seedx_sdk.tokens import BOX_END, BOX_START, NUM_LOC_BINS, TokenIds, input_mask, loc_token

__all__ = [
    "BOXES",
    "MAX_TOKENS_BEFORE_IMAGE",
    "OPENED_BOXES",
    "Backbone",
    "StructuredOutput",
    "QueryStates",
    "Prompt",
    "SamplingParams",
    "TokenChunk",
]

MAX_TOKENS_BEFORE_IMAGE = 160
"""A reply that must hold a picture begins it after so many tokens at the latest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """What the language model reads: token ids, and rows of features where pictures stand."""

    token_ids: tuple[int, ...]
    """L ids, the start token first."""
    features: Tensor | None = None
    """(F, D) embeddings of the pictures' image tokens, in order; None without a picture."""

    def checked(self, tokens: TokenIds, *, vocab_size: int, width: int) -> Prompt:
        """Returns itself, with finite features in float32 on the CPU.

        Args:
            tokens: Ids of the image tokens.
            vocab_size: Number of token ids.
            width: D.

        Raises:
            InputError: If an id is unknown, the features are not (F, D) or hold a value that is not finite, or F is
                not the number of image tokens.
        """
        wrong = [i for i in self.token_ids if not 0 <= i < vocab_size]
        if wrong or not self.token_ids:
            raise InputError(f"token ids {wrong[:5] or '(none)'} cannot be read; allowed is 0..{vocab_size - 1}")
        if self.token_ids[-1] in tokens.image:
            raise InputError("the prompt ends inside a picture; end it with '<img>' to have one drawn, or close it")
        if self.features is None:
            return self
        places = sum(self.is_feature(tokens))
        if self.features.shape != (places, width):
            raise InputError(
                f"features have shape {tuple(self.features.shape)}; the {places} image tokens of the prompt need "
                f"({places}, {width})"
            )
        features = self.features.detach().to("cpu", torch.float32)
        if not features.isfinite().all():
            raise InputError("features hold values that are not finite; read the pictures again")
        return Prompt(token_ids=self.token_ids, features=features)

    def budget(self, wanted: int, *, max_length: int) -> int:
        """Returns how many tokens the answer may have: as many as wanted, or as there is room for.

        Args:
            wanted: `SamplingParams.max_new_tokens`.
            max_length: Longest prompt and answer together, in tokens.

        Raises:
            InputError: If there is no room for an answer.
        """
        room = max_length - len(self.token_ids)
        if room <= 0:
            raise InputError(
                f"the conversation takes {len(self.token_ids)} tokens and the model reads {max_length - 1}; "
                "shorten it or leave out pictures"
            )
        return min(wanted, room)

    def is_feature(self, tokens: TokenIds) -> list[bool]:
        """Returns for each token whether a row of features stands in its place."""
        return [self.features is not None and inside for inside in input_mask(self.token_ids, tokens)]


@dataclass(frozen=True, kw_only=True, slots=True)
class StructuredOutput:
    """A form that every token of an answer keeps to; an answer with a guide holds no pictures."""

    json_schema: str | None = None
    """The answer is JSON that fits this schema."""
    grammar: str | None = None
    """The answer fits this EBNF grammar."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingParams:
    """How to answer a prompt."""

    max_new_tokens: int
    """Budget; each image token counts as one, as in the reference."""
    temperature: float = 0.0
    """0 takes the likeliest token."""
    seed: int = 0
    """Of the random choices."""
    must_draw: bool = False
    """Do not end before a picture was drawn."""
    max_pictures: int | None = None
    """End after so many pictures; None leaves it to the model."""
    specialist: str | None = None
    """Whose adapter answers; None is the general model."""
    guide: StructuredOutput | None = None
    """What the answer must look like; None leaves it to the model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenChunk:
    """Tokens were written; `<img>` and `</img>` stand around a picture's hidden states."""

    token_ids: Sequence[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryStates:
    """A picture was written: all its image tokens at once."""

    hidden_states: Tensor
    """(Q, D) at the image tokens, after the final norm."""


def _boxes(root: str) -> StructuredOutput:
    rules = (
        f"root ::= {root}",
        "words ::= [^<]+",
        f'box ::= "{BOX_START}" inside',
        f'inside ::= loc loc loc loc "{BOX_END}"',
        "loc ::= " + " | ".join(f'"{loc_token(i)}"' for i in range(NUM_LOC_BINS)),
    )
    return StructuredOutput(grammar="\n".join(rules))


BOXES = _boxes("words? (box words?)*")
"""Words and whole boxes."""
OPENED_BOXES = _boxes("inside words? (box words?)*")
"""The same after a prompt that has opened the first box."""


class Backbone(Protocol):
    """A language model that answers many prompts at once."""

    @property
    def supports_structured_output(self) -> bool:
        """Whether `SamplingParams.guide` is honoured."""
        ...

    def generate(self, prompt: Prompt, sampling: SamplingParams) -> AsyncGenerator[TokenChunk | QueryStates, None]:
        """The answer as it is written, up to the end token or the budget. Closing the generator stops the work.

        A picture that the budget has no room for is written as the image tokens that fit, without states.

        Raises:
            InputError: The prompt cannot be read, or leaves no room for an answer; other prompts are not touched.
            ModelError: The backend has failed.
        """
        ...

    async def check(self) -> None:
        """Returns if the backend works.

        Raises:
            ModelError: It does not, and cannot recover by itself.
        """
        ...

    async def close(self) -> None:
        """Ends the backend and frees what it holds."""
        ...
