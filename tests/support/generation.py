"""Whole answers of a language model: ours, and the reference's one token at a time that ours is held against."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import DynamicCache

from seedx_sdk.model.events import QueryStates
from seedx_sdk.model.generation import ImageTokenRule, stream
from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.tokens import TokenIds


@dataclass(kw_only=True, slots=True, frozen=True)
class GeneratedFeatures:
    """One image of an answer."""

    features: Tensor
    """(Q, K) for the de-tokenizer."""
    hidden_states: Tensor
    """(Q, D) at the image tokens."""


@dataclass(kw_only=True, slots=True)
class Generated:
    """A finished answer."""

    token_ids: list[int]
    """All ids, image tokens included."""
    text_mask: list[bool]
    """False for `<img>` and for the image tokens of finished images, which are not part of the text."""
    images: list[GeneratedFeatures] = field(default_factory=list)
    """The images, in order."""

    @property
    def text_ids(self) -> list[int]:
        """The ids that make the text."""
        return [token for token, is_text in zip(self.token_ids, self.text_mask, strict=True) if is_text]


@torch.no_grad()
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
    """Return the whole answer; arguments as `stream`."""
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
        if isinstance(event, QueryStates):
            answer.images.append(_regressed(model, event.hidden_states))
            answer.token_ids.extend(tokens.image)
            answer.text_mask.extend(False for _ in tokens.image)
        else:
            answer.token_ids.extend(event.token_ids)
            answer.text_mask.extend(token != tokens.begin_image for token in event.token_ids)
    return answer


@torch.no_grad()
def generate_one_by_one(
    model: LVLM, inputs_embeds: Tensor, tokens: TokenIds, *, max_new_tokens: int, last_id: int
) -> Generated:
    """Return the greedy answer exactly as the reference makes it: one forward pass per token, image tokens too.

    Source: ContinuousLVLM.generate in seed_x.py.
    """
    rule = ImageTokenRule(tokens, blocked=0.0)
    cache = DynamicCache()
    hidden = model.run_llm(inputs_embeds, cache)[0, -1]
    ids: list[int] = []
    states: list[Tensor] = []  # states[j] belongs to ids[j]
    last = last_id
    while len(ids) < max_new_tokens:
        logits = model.logits(hidden)
        rule.apply(last, logits)
        last = int(logits.argmax())
        ids.append(last)
        if last == tokens.eos:
            break
        hidden = model.decode(torch.tensor([[last]]), cache)[0, -1]
        states.append(hidden)
    answer = Generated(token_ids=ids, text_mask=[token != tokens.begin_image for token in ids])
    count = len(tokens.image)
    for end in (position for position, token in enumerate(ids) if token == tokens.end_image and position >= count):
        answer.text_mask[end - count : end] = [False] * count
        answer.images.append(_regressed(model, torch.stack(states[end - count : end])))
    return answer


def _regressed(model: LVLM, hidden_states: Tensor) -> GeneratedFeatures:
    return GeneratedFeatures(features=model.regress(hidden_states[None])[0], hidden_states=hidden_states)
