"""The language model as a reply sees it: a prompt in, tokens and hidden states of images out.

Two backends implement it, transformers.py and vllm.py. They give the same greedy answers, and the same hidden states up
to rounding.

Shapes: L tokens of a prompt, F of them features of images, D LLM width.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from seedx_sdk.errors import InputError
from seedx_sdk.model.events import QueryStates, TokenChunk
from seedx_sdk.tokens import BOX_END, BOX_START, NUM_LOC_BINS, TokenIds, input_mask, loc_token

__all__ = [
    "MAX_TOKENS_BEFORE_IMAGE",
    "Backbone",
    "Prompt",
    "QueryStates",
    "SamplingParams",
    "StructuredOutput",
    "TokenChunk",
    "boxes",
    "repeated_tokens",
]

MAX_TOKENS_BEFORE_IMAGE = 160
"""A reply that must hold an image begins it after this many tokens at the latest."""

_LONGEST_RUN = 12
"""Text tokens of a run that may not be repeated without end: a name with its number takes four."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """What the language model reads: token ids, and rows of features in place of the image tokens."""

    token_ids: tuple[int, ...]
    """L ids, the start token first."""
    features: Tensor | None = None
    """(F, D) embeddings of the image tokens, in order; None without an image."""

    def validated(self, tokens: TokenIds, *, vocab_size: int, width: int) -> Prompt:
        """Return the prompt itself, with finite features in float32 on the CPU.

        Args:
            tokens: Ids of the image tokens.
            vocab_size: Number of token ids.
            width: D.

        Raises:
            InputError: If an id is unknown, the features are not (F, D) or hold a value that is not finite, or F is
                not the number of image tokens.
        """
        unknown = [i for i in self.token_ids if not 0 <= i < vocab_size]
        if unknown or not self.token_ids:
            raise InputError(f"token ids {unknown[:5] or '(none)'} cannot be read; allowed is 0..{vocab_size - 1}")
        if self.token_ids[-1] in tokens.image:
            raise InputError("the prompt ends inside an image; end it with '<img>' to generate one, or close it")
        if self.features is None:
            return self
        count = sum(self.feature_mask(tokens))
        if self.features.shape != (count, width):
            raise InputError(
                f"features have shape {tuple(self.features.shape)}; the {count} image tokens of the prompt need "
                f"({count}, {width})"
            )
        features = self.features.detach().to("cpu", torch.float32)
        if not features.isfinite().all():
            raise InputError("features hold values that are not finite; encode the images again")
        return Prompt(token_ids=self.token_ids, features=features)

    def budget(self, max_new_tokens: int, *, max_length: int) -> int:
        """Return how many tokens the answer may have: those requested, or as many as fit.

        Args:
            max_new_tokens: Tokens requested.
            max_length: Longest prompt and answer together, in tokens.

        Raises:
            InputError: If there is no room for an answer.
        """
        room = max_length - len(self.token_ids)
        if room <= 0:
            raise InputError(
                f"the conversation takes {len(self.token_ids)} tokens and the model reads {max_length - 1}; "
                "shorten it or leave out images"
            )
        return min(max_new_tokens, room)

    def feature_mask(self, tokens: TokenIds) -> list[bool]:
        """Return for each token whether a row of features stands in its place."""
        return [self.features is not None and inside for inside in input_mask(self.token_ids, tokens)]


@dataclass(frozen=True, kw_only=True, slots=True)
class StructuredOutput:
    """What every answer must conform to; a structured answer holds no images."""

    json_schema: str | None = None
    """The answer is JSON that conforms to this schema."""
    grammar: str | None = None
    """The answer conforms to this grammar, in llguidance's variant of Lark."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingParams:
    """How to answer a prompt."""

    max_new_tokens: int
    """Budget; each image token counts as one, as in the reference."""
    temperature: float = 0.0
    """0 takes the likeliest token."""
    seed: int = 0
    """Seed of the random choices."""
    force_image: bool = False
    """Do not end before an image was written."""
    max_images: int | None = None
    """End after this many images; None leaves it to the model."""
    specialist: str | None = None
    """Whose adapter answers; None is the general model."""
    structured_output: StructuredOutput | None = None
    """What the answer must conform to; None leaves it to the model."""
    stop_repeats: bool = False
    """End the text before it writes the same run of tokens a third time in a row."""


def repeated_tokens(written: Sequence[int], tokens: TokenIds) -> frozenset[int]:
    """Return the tokens that would begin the third copy, in a row, of a run of text tokens; empty if none is doubled.

    Boxes and images are no text: their numbers may well be equal.
    """
    return frozenset(
        written[-length]
        for length in range(1, min(_LONGEST_RUN, len(written) // 2) + 1)
        if written[-length:] == written[-2 * length : -length] and max(written[-length:]) < tokens.image[0]
    )


def boxes(token_to_id: Callable[[str], int], *, opened: bool) -> StructuredOutput:
    """Return the structure of text with whole boxes in it.

    Args:
        token_to_id: Id of a token, such as `Tokenizer.token_to_id`.
        opened: Whether the prompt has opened the first box.
    """
    bins = ",".join(str(token_to_id(loc_token(i))) for i in range(NUM_LOC_BINS))
    rules = (
        f"start: {'inside text? ' if opened else 'text? '}(box text?)*",
        "text: /[^<]+/",
        f"box: <[{token_to_id(BOX_START)}]> inside",
        f"inside: bin bin bin bin <[{token_to_id(BOX_END)}]>",
        f"bin: <[{bins}]>",
    )
    return StructuredOutput(grammar="\n".join(rules))


class Backbone(Protocol):
    """A language model that answers many prompts at once."""

    @property
    def supports_structured_output(self) -> bool:
        """Whether `SamplingParams.structured_output` is honored."""
        ...

    def generate(self, prompt: Prompt, sampling: SamplingParams) -> AsyncGenerator[TokenChunk | QueryStates, None]:
        """Yield the answer as it is written, up to the end token or the budget. Closing the generator stops the work.

        An image that the budget has no room for is written as the image tokens that fit, without states.

        Raises:
            InputError: If the prompt cannot be read or leaves no room for an answer; other prompts are unaffected.
            ModelError: If the backend has failed.
        """
        ...

    async def check(self) -> None:
        """Return if the backend works.

        Raises:
            ModelError: If it does not, and cannot recover by itself.
        """
        ...

    async def close(self) -> None:
        """Stop the backend and free what it holds."""
        ...
