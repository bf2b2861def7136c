from __future__ import annotations

from functools import partial

import pytest
import torch
from transformers import DynamicCache

from seedx_sdk.model.events import QueryStates, TokenChunk
from seedx_sdk.model.generation import ImageTokenRule, query_pass, stream
from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.tokens import TokenIds
from tests.support.generation import generate, generate_one_by_one

# Both ways add the same float32 numbers in another order.
assert_close = partial(torch.testing.assert_close, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def _prompt(lvlm: LVLM, tokenizer: Tokenizer, text: str) -> tuple[torch.Tensor, int]:
    ids = torch.tensor([[tokenizer.bos_id, *tokenizer.encode(text)]])
    return lvlm.embed(ids), int(ids[0, -1])


def test_one_pass_over_image_tokens_equals_one_by_one(lvlm: LVLM, tokenizer: Tokenizer, tokens: TokenIds) -> None:
    embeds, last = _prompt(lvlm, tokenizer, "a red house<img>")
    fast = generate(lvlm, embeds, tokens, max_new_tokens=40, last_id=last)
    slow = generate_one_by_one(lvlm, embeds, tokens, max_new_tokens=40, last_id=last)
    assert fast.token_ids == slow.token_ids
    assert fast.token_ids[:17] == [*tokens.image, tokens.end_image]
    assert fast.text_mask == slow.text_mask
    assert_close(fast.images[0].hidden_states, slow.images[0].hidden_states)
    assert_close(fast.images[0].features, slow.images[0].features)


@torch.no_grad()
def test_a_query_pass_leaves_the_cache_as_stepping_would(lvlm: LVLM, tokenizer: Tokenizer, tokens: TokenIds) -> None:
    embeds, _ = _prompt(lvlm, tokenizer, "two boats")
    one, many = DynamicCache(), DynamicCache()
    for cache in (one, many):
        lvlm.run_llm(embeds, cache)
    _, next_logits = query_pass(lvlm, one, tokens, pending=[tokens.begin_image])
    for token in (tokens.begin_image, *tokens.image, tokens.end_image):
        hidden = lvlm.decode(torch.tensor([[token]]), many)
    assert_close(next_logits, lvlm.logits(hidden[0, -1]))
    assert one.get_seq_length() == many.get_seq_length()
    after = torch.tensor([[tokens.eos]])
    assert_close(lvlm.decode(after, one), lvlm.decode(after, many))


def test_image_that_does_not_fit_is_cut_without_features(lvlm: LVLM, tokenizer: Tokenizer, tokens: TokenIds) -> None:
    embeds, last = _prompt(lvlm, tokenizer, "a red house<img>")
    for budget in (1, 16):
        answer = generate(lvlm, embeds, tokens, max_new_tokens=budget, last_id=last)
        assert answer.token_ids == list(tokens.image[:budget])
        assert answer.images == []


def test_stray_image_token_of_the_lenient_rule_draws_like_the_reference(
    lvlm: LVLM, tokenizer: Tokenizer, tokens: TokenIds
) -> None:
    lvlm.causal_lm.lm_head.weight.data.zero_()  # every logit is 0, so the blocked value decides
    lvlm.causal_lm.lm_head.weight.data[: tokens.image[0]] = 0.0
    embeds, last = _prompt(lvlm, tokenizer, "a red house")
    hidden = lvlm.run_llm(embeds)[0, -1].detach()
    lvlm.causal_lm.lm_head.weight.data[:] = -hidden / hidden.norm()  # now every logit is negative at the first step
    rule = ImageTokenRule(tokens, blocked=0.0)
    for budget in (5, 30):
        fast = generate(lvlm, embeds, tokens, max_new_tokens=budget, last_id=last, rule=rule)
        slow = generate_one_by_one(lvlm, embeds, tokens, max_new_tokens=budget, last_id=last)
        assert slow.token_ids[0] == tokens.image[0]
        assert fast.token_ids == slow.token_ids
        assert len(fast.images) == len(slow.images) == (1 if budget > 16 else 0)
        for ours, theirs in zip(fast.images, slow.images, strict=True):
            assert_close(ours.hidden_states, theirs.hidden_states)
    strict = generate(lvlm, embeds, tokens, max_new_tokens=5, last_id=last)
    assert not set(strict.token_ids) & set(tokens.image)


def test_stream_gives_image_between_its_tokens(lvlm: LVLM, tokenizer: Tokenizer, tokens: TokenIds) -> None:
    embeds, last = _prompt(lvlm, tokenizer, "<img>")
    events = stream(lvlm, embeds, tokens, max_new_tokens=18, last_id=last)
    image, end = next(events), next(events)
    assert isinstance(image, QueryStates)
    assert image.hidden_states.shape == (16, 40)
    assert not image.hidden_states.requires_grad
    assert end == TokenChunk(token_ids=[tokens.end_image])
    events.close()


def test_sampling_repeats_with_its_seed(lvlm: LVLM, tokenizer: Tokenizer, tokens: TokenIds) -> None:
    embeds, last = _prompt(lvlm, tokenizer, "hello")

    def sample(seed: int) -> list[int]:
        source = torch.Generator().manual_seed(seed)
        return generate(
            lvlm, embeds, tokens, max_new_tokens=12, last_id=last, temperature=1.0, generator=source
        ).token_ids

    assert sample(1) == sample(1)
    assert len({tuple(sample(seed)) for seed in range(4)}) > 1


def test_prompt_that_ends_inside_an_image_is_refused(lvlm: LVLM, tokenizer: Tokenizer, tokens: TokenIds) -> None:
    embeds, _ = _prompt(lvlm, tokenizer, "hello")
    with pytest.raises(ValueError, match="ends inside an image"):
        generate(lvlm, embeds, tokens, max_new_tokens=5, last_id=tokens.image[3])
