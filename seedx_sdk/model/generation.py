"""Generation of interleaved text and images by the language model.

When `<img>` comes, the image tokens that follow are known, so they are read in one forward pass over the cached prefix
(`query_pass`) instead of one by one; the result is the same.

Shapes: L tokens, D LLM width, V vocabulary, Q image tokens per image. Batch size is 1.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import Cache

from seedx_sdk.model.events import QueryStates, TokenChunk
from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.tokens import TokenIds

__all__ = ["ImageTokenRule", "query_pass", "stream"]


class ImageTokenRule:
    """Logits processor that allows image tokens only as whole images (generation.py).

    Args:
        tokens: Ids of the image tokens.
        blocked: Logit of image tokens and `</img>` outside of an image. The reference writes 0.0, so they win when
            every other logit is negative; minus infinity really forbids them.
    """

    def __init__(self, tokens: TokenIds, *, blocked: float = float("-inf")) -> None:
        self.tokens, self.blocked = tokens, blocked
        chain = (tokens.begin_image, *tokens.image, tokens.end_image)
        self.next_of = dict(zip(chain, chain[1:], strict=False))

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the new (B, V) logits for sequences (B, L); only the last id of each counts."""
        scores = scores.clone()
        for row, last in enumerate(input_ids[:, -1].tolist()):
            self.apply(last, scores[row])
        return scores

    def apply(self, last: int, logits: Tensor) -> None:
        """Change the (V,) logits of the token after `last`, in place."""
        if last in self.next_of:
            logits[self.next_of[last]] = logits.max() + 10.0
        else:
            logits[[*self.tokens.image, self.tokens.end_image]] = self.blocked

    def remaining(self, last: int) -> list[int]:
        """Return the ids that must follow the last one, up to and including `</img>`; empty outside of an image."""
        ids: list[int] = []
        while last in self.next_of:
            last = self.next_of[last]
            ids.append(last)
        return ids


def query_pass(
    model: LVLM, past_key_values: Cache, tokens: TokenIds, *, pending: Sequence[int] = ()
) -> tuple[Tensor, Tensor]:
    """Read all image tokens and `</img>` in one forward pass over a cached prefix, and extend the cache by them.

    Args:
        model: The model.
        past_key_values: Cache of everything before `pending`.
        tokens: Ids of the image tokens.
        pending: Ids that are decided but not yet in the cache, such as `<img>`.

    Returns:
        The (Q, D) hidden states at the image tokens, after the final norm, and the (V,) logits of the token after
        `</img>`.
    """
    ids = torch.tensor([[*pending, *tokens.image, tokens.end_image]], device=model.device)
    hidden = model.decode(ids, past_key_values)[0]
    return hidden[-1 - len(tokens.image) : -1], model.logits(hidden[-1])


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
) -> Generator[TokenChunk | QueryStates, None, None]:
    """Yield tokens and images as they are written, until the end token or the budget.

    Each image token counts as one token of the budget, as in the reference. An image that no longer fits is written as
    the image tokens that fit, without QueryStates.

    Args:
        model: The model, in eval mode, on any device.
        inputs_embeds: (1, L, D) embeddings of the prompt, from `LVLM.embed`, on the model's device.
        tokens: Ids of the special tokens.
        max_new_tokens: Budget.
        last_id: Last id of the prompt; after `<img>` the answer starts with an image.
        rule: Which tokens may follow which; None forbids image tokens outside of images.
        temperature: 0 takes the likeliest token.
        generator: Source of randomness when sampling, on the CPU.

    Raises:
        ValueError: If the prompt ends inside an image.
    """
    if last_id in tokens.image:
        raise ValueError("the prompt ends inside an image; end it with '<img>' to generate one, or close it")
    rule = rule or ImageTokenRule(tokens)
    cache = DynamicCache()
    logits = model.logits(model.run_llm(inputs_embeds, cache)[0, -1])
    pending: list[int] = []  # written, but not in the cache yet
    budget, last = max_new_tokens, last_id
    while budget > 0:
        rest = rule.remaining(last)
        if rest:
            if len(rest) > budget:
                yield TokenChunk(token_ids=rest[:budget])
                return
            # A stray first image token (only a lenient rule lets one through) is itself the first query.
            opening = pending[:-1] if last in tokens.image else pending
            states, logits = query_pass(model, cache, tokens, pending=opening)
            yield QueryStates(hidden_states=states)
            yield TokenChunk(token_ids=[tokens.end_image])
            pending, last = [], tokens.end_image
            budget -= len(rest)
            continue
        if pending:
            ids = torch.tensor([pending], device=model.device)
            logits, pending = model.logits(model.decode(ids, cache)[0, -1]), []
        # The next token is chosen on the CPU: a seed chooses the same one whatever the device.
        logits = logits.cpu()
        rule.apply(last, logits)
        last = _choose(logits, temperature, generator)
        pending.append(last)
        budget -= 1
        if last not in tokens.image or len(rule.remaining(last)) > budget:
            yield TokenChunk(token_ids=[last])
        if last == tokens.eos:
            return


def _choose(logits: Tensor, temperature: float, generator: torch.Generator | None) -> int:
    if temperature <= 0:
        return int(logits.argmax())
    return int(torch.multinomial((logits / temperature).softmax(dim=-1), 1, generator=generator))
