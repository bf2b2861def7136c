"""Dialogues as ids, masks and labels, and their batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from seedx_finetune.nano import dialogues
from seedx_finetune.nano.dialogues import Segment
from seedx_finetune.nano.page_code import ALIAS, COLOR, drawn_codes, page_codes
from seedx_finetune.nano.sequences import IGNORE, Example, collate, encode
from seedx_finetune.world import COLORS, Scene, Thing, sample_edit, sample_scene
from seedx_sdk.model.lvlm import pool_features
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.tokens import image_block

EDIT = sample_edit(np.random.default_rng(0))


@pytest.fixture
def edit(tokenizer: Tokenizer) -> Example:
    return encode(dialogues.edit_request(1, EDIT), tokenizer)


def _numbered(indices: list[int]) -> torch.Tensor:
    """Features that say the number of their image."""
    return torch.tensor(indices).float()[:, None, None].expand(-1, 256, 256)


@pytest.fixture
def talk(tokenizer: Tokenizer) -> Example:
    rng = np.random.default_rng(1)
    return encode(dialogues.conversation(3, sample_scene(rng), rng, turns=3), tokenizer)


def test_a_read_picture_takes_128_places_and_a_drawn_one_64(edit: Example, talk: Example, tokenizer: Tokenizer) -> None:
    assert (sum(edit.reads), sum(edit.draws)) == (128, 64)
    assert (sum(talk.reads), sum(talk.draws)) == (128, 0)
    ids = np.array(edit.input_ids)
    image = list(tokenizer.ids.image)
    assert ids[edit.reads].tolist() == image * 2
    assert ids[edit.draws].tolist() == image
    assert not np.any(np.array(edit.reads) & np.array(edit.draws))


def test_pictures_stand_in_the_order_of_their_tokens(edit: Example, talk: Example) -> None:
    assert edit.images[:2] == [1, 1]  # a read image: its one cell, its global view
    assert edit.images[2:] == list(dialogues.drawing(EDIT.target).draws)
    assert talk.images == [3, 3]


def test_labels_are_the_learnt_text_the_opening_of_a_picture_and_eos(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.ids
    answer = "a meadow: red house<box_start><loc-1><loc-2><loc-3><loc-4><box_end>"
    example = encode(
        [
            Segment("[INST] draw it [/INST]\n"),
            Segment(answer, learn=True),
            Segment(image_block(0), draws=(EDIT.target,)),
        ],
        tokenizer,
    )
    learnt = [label for label in example.labels if label != IGNORE]
    assert learnt == [*tokenizer.encode(answer), tokens.begin_image, tokens.eos]
    for token, label in zip(example.input_ids, example.labels, strict=True):
        assert label in (IGNORE, token)
        if token in (*tokens.image, tokens.end_image, tokens.bos):
            assert label == IGNORE
    assert example.input_ids[0] == tokens.bos and example.input_ids[-1] == tokens.eos
    assert len(example.input_ids) == len(example.labels) == len(example.reads) == len(example.draws)


def test_nothing_of_a_request_is_learnt(talk: Example, tokenizer: Tokenizer) -> None:
    rng = np.random.default_rng(1)
    segments = dialogues.conversation(3, sample_scene(rng), rng, turns=3)
    # Every answer, and after each of them the end, which in the text stands only after the last.
    eos = tokenizer.ids.eos
    answers = [i for segment in segments if segment.learn for i in [*tokenizer.encode(segment.text), eos]]
    assert [label for label in talk.labels if label != IGNORE] == answers
    assert talk.input_ids.count(eos) == 1


def test_of_what_begins_the_first_token_is_learnt_and_no_end_before_it(tokenizer: Tokenizer) -> None:
    lesson = [
        Segment("[INST] find the cat [/INST]\n"),
        Segment("1: red house", begins=True),
        Segment("2: blue cat", begins=True),
        Segment(dialogues.MARK, learn=True),
        Segment("3: red cup", begins=True),
    ]
    learnt = [label for label in encode(lesson, tokenizer).labels if label != IGNORE]
    first, second, third = (tokenizer.encode(number)[0] for number in ("1:", "2:", "3:"))
    assert learnt == [first, second, *tokenizer.encode(dialogues.MARK), third, tokenizer.ids.eos]


def test_a_batch_holds_the_features_of_its_pictures_in_reading_order(
    edit: Example, talk: Example, tokenizer: Tokenizer
) -> None:
    batch = collate([edit, talk], _numbered, tokenizer.pad_id)
    assert batch.image_embeds is not None and batch.patch_positions is not None
    assert batch.embeds_cmp_mask is not None and batch.embeds_gen_mask is not None
    assert batch.image_embeds.shape == (5, 256, 256)
    assert batch.image_embeds[[0, 1, 3, 4], 7, 9].tolist() == [1, 1, 3, 3]
    drawn = [scene for scene in edit.images[2:] if isinstance(scene, Scene)]
    torch.testing.assert_close(pool_features(batch.image_embeds[2:3]), drawn_codes(drawn))
    assert batch.image_embeds.dtype == torch.float32
    assert batch.embeds_gen_mask.tolist() == [False, False, True, False, False]
    torch.testing.assert_close(batch.embeds_cmp_mask, ~batch.embeds_gen_mask)
    torch.testing.assert_close(batch.patch_positions, torch.full((5, 2), 0.5))
    assert batch.ids_cmp_mask.sum() == 64 * batch.embeds_cmp_mask.sum()
    assert batch.ids_gen_mask.sum() == 64 * batch.embeds_gen_mask.sum()


def test_short_rows_are_padded_on_the_right_and_nothing_is_learnt_there(tokenizer: Tokenizer) -> None:
    short, long = (encode([Segment("say", learn=False), Segment(text, learn=True)], tokenizer) for text in ("a", "b c"))
    batch = collate([short, long], _numbered, tokenizer.pad_id)
    end = len(short.input_ids)
    assert batch.input_ids.shape == (2, len(long.input_ids))
    assert batch.input_ids[0, end:].tolist() == [tokenizer.pad_id] * (len(long.input_ids) - end)
    assert (batch.labels[0, end:] == IGNORE).all()
    assert not batch.ids_cmp_mask.any() and not batch.ids_gen_mask.any()
    assert batch.image_embeds is None and batch.embeds_gen_mask is None and batch.patch_positions is None


def test_pictures_that_are_read_show_the_stand_ins_of_their_dialogue(tokenizer: Tokenizer) -> None:
    picture = Segment(dialogues.IMAGE, reads=(0,), renames=(("red", "book"),))
    plain = Segment(dialogues.IMAGE, reads=(0,))
    drawn = dialogues.drawing(EDIT.target)
    cat = Thing("cat", "red", "small", (0.1, 0.1, 0.3, 0.3))

    def features(indices: list[int]) -> torch.Tensor:
        return page_codes([Scene("snow", (cat,)) for _ in indices]).repeat_interleave(4, dim=1)

    batch = collate([encode([picture, drawn], tokenizer), encode([plain], tokenizer)], features, tokenizer.pad_id)
    assert batch.image_embeds is not None
    assert batch.image_embeds[..., ALIAS].any(-1).sum(-1).tolist() == [4, 4, 0, 0, 0]
    red = COLOR.start + 1 + tuple(COLORS).index("red")
    assert (batch.image_embeds[..., red] > 0).sum(-1)[[0, 1, 3, 4]].tolist() == [0, 0, 4, 4]
