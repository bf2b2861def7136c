"""Text that would repeat itself without end is ended; boxes with equal numbers and all other text are left alone."""

from __future__ import annotations

import re

import numpy as np
import torch

from seedx_finetune.world import render, sample_scene
from seedx_sdk import SeedX
from seedx_sdk.checkpoints.directory import ModelParts
from seedx_sdk.engine.backbones.base import SamplingParams, repeated_tokens
from seedx_sdk.engine.backbones.transformers import _AnswerRule
from seedx_sdk.tokens import loc_token


def test_the_third_copy_of_a_run_of_text_is_foreseen(parts: ModelParts) -> None:
    ids, encode = parts.tokenizer.ids, parts.tokenizer.encode
    brown, night, sky = encode("brown")[-1], *encode("night sky")[-2:]
    assert repeated_tokens([brown, brown], ids) == {brown}
    assert repeated_tokens([brown, night, sky, night, sky], ids) == {night}
    assert repeated_tokens([brown, night, sky, night], ids) == set()
    assert repeated_tokens([], ids) == set()
    place = parts.tokenizer.token_to_id(loc_token(48))
    assert repeated_tokens([place, place, place], ids) == set()


def test_a_repeat_is_replaced_by_the_end_or_by_the_image_that_must_come(parts: ModelParts) -> None:
    ids = parts.tokenizer.ids
    for force_image, end in ((False, ids.eos), (True, ids.begin_image)):
        sampling = SamplingParams(max_new_tokens=9, stop_repeats=True, force_image=force_image)
        rule = _AnswerRule(ids, sampling)
        for last, expected in ((7, 5), (5, 5), (5, end)):
            logits = torch.zeros(len(parts.tokenizer))
            logits[5] = 1.0
            rule.apply(last, logits)
            assert int(logits.argmax()) == expected


def test_an_answer_without_repeats_is_not_touched(parts: ModelParts) -> None:
    ids = parts.tokenizer.ids
    rule = _AnswerRule(ids, SamplingParams(max_new_tokens=9))
    for last in (7, 5, 5, 5):
        logits = torch.zeros(len(parts.tokenizer))
        logits[5] = 1.0
        rule.apply(last, logits)
        assert int(logits.argmax()) == 5


def test_the_shipped_model_never_says_the_same_three_times() -> None:
    page = render(sample_scene(np.random.default_rng(1), num_things=1))
    with SeedX() as seedx:
        answer = seedx.describe(page, "list the objects")
    assert answer.finish_reason == "stop"
    assert not re.search(r"\b(\w+(?: \w+)*)(?:\W+\1\b){2}", answer.text)
