from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from seedx_sdk.checkpoints.state_dicts import grow_vocabulary
from seedx_sdk.model.lvlm import LVLM, pool_features
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.tokens import TokenIds, image_block, input_mask


def _batch(tokenizer: Tokenizer, tokens: TokenIds) -> dict[str, torch.Tensor]:
    """One sequence that reads a picture (patch and global view) and draws another."""
    prompt = [tokenizer.bos_id, *tokenizer.encode(f"[INST] {image_block(1, 16)}draw it [/INST]\n")]
    answer = [*tokenizer.encode(f"here{image_block(0, 16)}"), tokenizer.eos_id]
    ids = torch.tensor([prompt + answer])
    reads = torch.tensor([input_mask(prompt, tokens) + [False] * len(answer)])
    draws = torch.isin(ids, torch.tensor(tokens.image)) & ~reads
    labels = ids.where(torch.arange(ids.shape[1]) >= len(prompt), -100).where(~draws, -100)
    return {
        "input_ids": ids,
        "labels": labels,
        "ids_cmp_mask": reads,
        "ids_gen_mask": draws,
        "image_embeds": torch.randn(3, 64, 20, generator=torch.Generator().manual_seed(0)),
        "embeds_cmp_mask": torch.tensor([True, True, False]),
        "embeds_gen_mask": torch.tensor([False, False, True]),
        "patch_positions": torch.tensor([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]),
    }


def test_losses_are_those_of_the_full_logits(lvlm: LVLM, tokenizer: Tokenizer, tokens: TokenIds) -> None:
    batch = _batch(tokenizer, tokens)
    output = lvlm(**batch)
    logits = lvlm.logits(output.hidden_states)
    expected = F.cross_entropy(logits[0, :-1], batch["labels"][0, 1:], ignore_index=-100)
    torch.testing.assert_close(output.lm_loss, expected)
    target = pool_features(batch["image_embeds"][2:])
    torch.testing.assert_close(output.rec_loss, F.mse_loss(output.recon_image_embeds, target))
    torch.testing.assert_close(output.total_loss, output.lm_loss + 6.0 * output.rec_loss)
    assert output.num_tokens == int((batch["labels"] != -100).sum())
    assert output.num_images == 1


def test_text_only_step_gives_every_parameter_a_gradient(lvlm: LVLM, tokenizer: Tokenizer) -> None:
    ids = torch.tensor([[tokenizer.bos_id, *tokenizer.encode("only words here")]])
    output = lvlm.train()(ids, ids)
    assert output.rec_loss == 0
    output.total_loss.backward()
    assert [name for name, p in lvlm.named_parameters() if p.grad is None] == []
    query_grad = lvlm.output_resampler.query.grad
    assert query_grad is not None and float(query_grad.abs().max()) == 0  # a graph edge, not a push


def test_padding_on_the_right_changes_nothing(lvlm: LVLM, tokenizer: Tokenizer, tokens: TokenIds) -> None:
    batch = _batch(tokenizer, tokens)
    fill = {"input_ids": tokenizer.pad_id, "labels": -100, "ids_cmp_mask": False, "ids_gen_mask": False}
    padded = batch | {name: F.pad(batch[name], (0, 9), value=value) for name, value in fill.items()}
    torch.testing.assert_close(lvlm(**padded).total_loss, lvlm(**batch).total_loss)


def test_bfloat16_autocast_trains(lvlm: LVLM, tokenizer: Tokenizer, tokens: TokenIds) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        output = lvlm.train()(**_batch(tokenizer, tokens))
    assert output.total_loss.dtype == torch.float32
    output.total_loss.backward()
    query_grad = lvlm.input_resampler.query.grad
    assert query_grad is not None and torch.isfinite(query_grad).all()


def test_wrong_number_of_image_tokens_is_refused(lvlm: LVLM, tokenizer: Tokenizer, tokens: TokenIds) -> None:
    batch = _batch(tokenizer, tokens)
    batch["ids_cmp_mask"][0, batch["ids_cmp_mask"][0].nonzero()[0]] = False
    with pytest.raises(ValueError, match="marks 31 tokens but 2 input images give 32"):
        lvlm(**batch)


def test_config_survives_json(lvlm: LVLM) -> None:
    assert type(lvlm.config).from_dict(lvlm.config.to_dict()) == lvlm.config
    with pytest.raises(ValueError, match="unknown fields"):
        type(lvlm.config).from_dict(lvlm.config.to_dict() | {"colour": 1})


def test_vocabulary_does_not_shrink(lvlm: LVLM) -> None:
    with pytest.raises(ValueError, match="cannot shrink"):
        grow_vocabulary(lvlm.causal_lm, 5)
