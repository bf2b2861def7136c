"""Generation of interleaved text and image features.

When `<img>` comes, the image tokens that follow are known, so they are read in one forward pass over the cached prefix
(`query_states`) instead of one by one; the result is the same.

Shapes: L tokens, D LLM width, V vocabulary, Q image tokens per image, K feature width. Batch size is 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import Cache

from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.tokens import TokenIds

__all__ = [
    "Generated",
    "ImageEvent",
    "ImageTokenRule",
    "QueryStates",
    "TokenEvent",
    "generate",
    "generate_one_by_one",
    "query_states",
    "stream",
]


@dataclass(kw_only=True, slots=True, frozen=True)
class TokenEvent:
    """A token was written."""

    token_id: int
    """Its id; `<img>` and `</img>` come as tokens around an image."""


@dataclass(kw_only=True, slots=True, frozen=True)
class ImageEvent:
    """An image was written: all image tokens between `<img>` and `</img>` at once."""

    features: Tensor
    """(Q, K) image features for the de-tokenizer."""
    hidden_states: Tensor
    """(Q, D) hidden states at the image tokens, after the final norm."""


@dataclass(kw_only=True, slots=True)
class Generated:
    """A finished answer."""

    token_ids: list[int]
    """All ids, image tokens included."""
    text_mask: list[bool]
    """False for `<img>` and for the image tokens of finished images, which are not part of the text."""
    images: list[ImageEvent] = field(default_factory=list)
    """The images, in order."""

    @property
    def text_ids(self) -> list[int]:
        """The ids that make the text."""
        return [token for token, is_text in zip(self.token_ids, self.text_mask, strict=True) if is_text]


@dataclass(kw_only=True, slots=True, frozen=True)
class QueryStates:
    """What one pass over the image tokens gives."""

    hidden_states: Tensor
    """(Q, D) after the final norm."""
    features: Tensor
    """(Q, K) image features."""
    next_logits: Tensor
    """(V,) logits of the token after `</img>`."""


class ImageTokenRule:
    """Logits processor that makes image tokens come as whole images and never elsewhere (generation.py).

    Args:
        tokens: Ids of the image tokens.
        blocked: Logit of image tokens and `</img>` outside of an image. The reference writes 0.0, so that they win
            when every other logit is negative; minus infinity really forbids them.
    """

    def __init__(self, tokens: TokenIds, *, blocked: float = float("-inf")) -> None:
        self.tokens, self.blocked = tokens, blocked
        chain = (tokens.begin_image, *tokens.image, tokens.end_image)
        self.next_of = dict(zip(chain, chain[1:], strict=False))

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Returns the new (B, V) logits for sequences (B, L); only the last id of each counts."""
        scores = scores.clone()
        for row, last in enumerate(input_ids[:, -1].tolist()):
            self._apply(last, scores[row])
        return scores

    def _apply(self, last: int, row: Tensor) -> None:
        if last in self.next_of:
            row[self.next_of[last]] = row.max() + 10.0
        else:
            row[[*self.tokens.image, self.tokens.end_image]] = self.blocked

    def remaining(self, last: int) -> list[int]:
        """Returns the ids that must follow the last one, up to and including `</img>`; empty outside of an image."""
        ids: list[int] = []
        while last in self.next_of:
            last = self.next_of[last]
            ids.append(last)
        return ids


def query_states(model: LVLM, past_key_values: Cache, tokens: TokenIds, *, pending: Sequence[int] = ()) -> QueryStates:
    """Reads all image tokens and `</img>` in one forward pass over a cached prefix, and extends the cache by them.

    Args:
        model: The model.
        past_key_values: Cache of everything before `pending`.
        tokens: Ids of the image tokens.
        pending: Ids that are decided but not yet in the cache, such as `<img>`.
    """
    device = model.input_resampler.query.device
    ids = torch.tensor([[*pending, *tokens.image, tokens.end_image]], device=device)
    hidden = model.decode(ids, past_key_values)
    states = hidden[:, -1 - len(tokens.image) : -1]
    return QueryStates(
        hidden_states=states[0], features=model.regress(states)[0], next_logits=model.logits(hidden[0, -1])
    )


@torch.no_grad()
def stream(
    model: LVLM,
    inputs_embeds: Tensor,
    tokens: TokenIds,
    *,
    max_new_tokens: int,
    last_id: int,
    rule: ImageTokenRule | None = None,
    temperature: float = 0.0,
    generator: torch.Generator | None = None,
) -> Iterator[TokenEvent | ImageEvent]:
    """Yields tokens and images as they are written, until the end token or the budget.

    Each image token counts as one token of the budget, as in the reference. An image that does not fit any more is
    written as the image tokens that fit, without an ImageEvent.

    Args:
        model: The model, in eval mode.
        inputs_embeds: (1, L, D) embeddings of the prompt, from `LVLM.embed`.
        tokens: Ids of the special tokens.
        max_new_tokens: Budget.
        last_id: Last id of the prompt; after `<img>` the answer starts with an image.
        rule: Which tokens may follow which; None forbids image tokens outside of images.
        temperature: 0 takes the likeliest token.
        generator: Source of randomness when sampling.

    Raises:
        ValueError: If the prompt ends inside an image.
    """
    if last_id in tokens.image:
        raise ValueError("the prompt ends inside an image; end it with '<img>' to have one drawn, or close it")
    rule = rule or ImageTokenRule(tokens)
    cache = DynamicCache()
    logits = model.logits(model.run_llm(inputs_embeds, cache)[0, -1])
    pending: list[int] = []  # written, but not in the cache yet
    budget, last = max_new_tokens, last_id
    while budget > 0:
        rest = rule.remaining(last)
        if rest:
            if len(rest) > budget:
                yield from (TokenEvent(token_id=token) for token in rest[:budget])
                return
            # A stray first image token (only a lenient rule lets one through) is itself the first query.
            opening = pending[:-1] if last in tokens.image else pending
            states = query_states(model, cache, tokens, pending=opening)
            yield ImageEvent(features=states.features, hidden_states=states.hidden_states)
            yield TokenEvent(token_id=tokens.end_image)
            logits, pending, last = states.next_logits, [], tokens.end_image
            budget -= len(rest)
            continue
        if pending:
            ids = torch.tensor([pending], device=inputs_embeds.device)
            logits, pending = model.logits(model.decode(ids, cache)[0, -1]), []
        rule._apply(last, logits)
        last = _pick(logits, temperature, generator)
        pending.append(last)
        budget -= 1
        if last not in tokens.image or len(rule.remaining(last)) > budget:
            yield TokenEvent(token_id=last)
        if last == tokens.eos:
            return


def generate(
    model: LVLM,
    inputs_embeds: Tensor,
    tokens: TokenIds,
    *,
    max_new_tokens: int,
    last_id: int,
    rule: ImageTokenRule | None = None,
    temperature: float = 0.0,
    generator: torch.Generator | None = None,
) -> Generated:
    """Returns the whole answer; arguments as `stream`."""
    events = stream(
        model,
        inputs_embeds,
        tokens,
        max_new_tokens=max_new_tokens,
        last_id=last_id,
        rule=rule,
        temperature=temperature,
        generator=generator,
    )
    answer = Generated(token_ids=[], text_mask=[])
    for event in events:
        if isinstance(event, ImageEvent):
            answer.images.append(event)
            answer.token_ids.extend(tokens.image)
            answer.text_mask.extend(False for _ in tokens.image)
        else:
            answer.token_ids.append(event.token_id)
            answer.text_mask.append(event.token_id != tokens.begin_image)
    return answer


@torch.no_grad()
def generate_one_by_one(
    model: LVLM, inputs_embeds: Tensor, tokens: TokenIds, *, max_new_tokens: int, last_id: int
) -> Generated:
    """Returns the greedy answer exactly as the reference makes it: one forward pass per token, image tokens too.

    Slow; it is what `generate` is held against. Source: ContinuousLVLM.generate in seed_x.py.
    """
    rule = ImageTokenRule(tokens, blocked=0.0)
    cache = DynamicCache()
    hidden = model.run_llm(inputs_embeds, cache)[0, -1]
    ids: list[int] = []
    states: list[Tensor] = []  # states[j] belongs to ids[j]
    last = last_id
    while len(ids) < max_new_tokens:
        logits = model.logits(hidden)
        rule._apply(last, logits)
        last = int(logits.argmax())
        ids.append(last)
        if last == tokens.eos:
            break
        hidden = model.decode(torch.tensor([[last]], device=inputs_embeds.device), cache)[0, -1]
        states.append(hidden)
    answer = Generated(token_ids=ids, text_mask=[token != tokens.begin_image for token in ids])
    count = len(tokens.image)
    for end in (position for position, token in enumerate(ids) if token == tokens.end_image and position >= count):
        answer.text_mask[end - count : end] = [False] * count
        image_states = torch.stack(states[end - count : end])
        answer.images.append(ImageEvent(features=model.regress(image_states[None])[0], hidden_states=image_states))
    return answer


def _pick(logits: Tensor, temperature: float, generator: torch.Generator | None) -> int:
    if temperature <= 0:
        return int(logits.argmax())
    return int(torch.multinomial((logits / temperature).softmax(dim=-1), 1, generator=generator))
