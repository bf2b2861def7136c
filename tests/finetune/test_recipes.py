"""The loss of every stage at tiny sizes: finite, going down on one batch, and reaching what should be trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from peft import PeftModel
from torch import Tensor, nn

from seedx_finetune.corpus import Corpus
from seedx_finetune.recipes import autoencoder, detokenizer, language_model, lvlm, visual_encoder
from seedx_finetune.recipes.detokenizer import DenoisingData, DetokenizerParts
from seedx_finetune.recipes.lvlm import Source
from seedx_finetune.recipes.start import look_at_own_place, smooth_rows
from seedx_finetune.trainer import TrainConfig
from seedx_sdk.model.config import ResamplerConfig
from seedx_sdk.model.denoising import widen_conv_in
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler
from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.model.resampler import Resampler
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.model.visual_encoder import VisualEncoder
from seedx_sdk.tokens import added_tokens

CONFIG = TrainConfig(steps=10, batch_size=2, learning_rate=3e-3, seed=1)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def corpus(work: Path) -> Corpus:
    return Corpus(work, num_scenes=4, num_edits=3, seed=2, image_size=32)


@pytest.fixture
def features(corpus: Corpus) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(len(corpus.pages), 256, 16)).astype(np.float16)


def overfit(module: nn.Module, loss: Callable[[], dict[str, Tensor]]) -> tuple[list[float], set[str]]:
    """Ten updates on one batch: the losses, and the trainable parameters that no gradient ever reached."""
    module.train()
    trainable = {name: p for name, p in module.named_parameters() if p.requires_grad}
    optimizer = torch.optim.Adam(trainable.values(), lr=CONFIG.learning_rate)
    losses, untouched = [], set(trainable)
    for _ in range(CONFIG.steps):
        torch.manual_seed(7)  # the same noise each time
        terms = loss()
        assert all(torch.isfinite(value) for value in terms.values()), terms
        optimizer.zero_grad()
        terms["loss"].backward()
        untouched -= {name for name, p in trainable.items() if p.grad is not None and p.grad.any()}
        optimizer.step()
        losses.append(terms["loss"].item())
    return losses, untouched


def test_the_visual_encoder_learns(make_encoder: Callable[[], VisualEncoder]) -> None:
    model = visual_encoder.DensePretraining(make_encoder())
    losses, untouched = overfit(model, lambda: visual_encoder.loss(model, CONFIG, 0))
    assert losses[-1] < 0.9 * losses[0]
    assert untouched == set()


@pytest.mark.parametrize("thing_weight", [1.0, 4.0])
def test_the_autoencoder_learns(make_vae: Callable[[], AutoencoderKL], thing_weight: float) -> None:
    vae = make_vae()
    losses, untouched = overfit(vae, lambda: autoencoder.loss(vae, CONFIG, 0, thing_weight=thing_weight))
    assert losses[-1] < 0.9 * losses[0]
    assert untouched == set()


def test_the_language_model_learns(make_lvlm: Callable[[], LVLM], tokenizer: Tokenizer) -> None:
    llm = make_lvlm().llm
    losses, untouched = overfit(llm, lambda: language_model.loss(llm, tokenizer, CONFIG, 0))
    assert losses[-1] < 0.9 * losses[0]
    assert untouched == set()


@pytest.mark.parametrize("source", get_args(Source))
def test_the_multimodal_model_learns_from_every_source(
    make_lvlm: Callable[[], LVLM], tokenizer: Tokenizer, corpus: Corpus, features: np.ndarray, source: Source
) -> None:
    model = make_lvlm()
    model.llm = lvlm.with_lora(model.llm, rank=4, full=True)
    drawn, batch = lvlm.sample_batch(corpus, features, tokenizer, {source: 1.0}, CONFIG, 1)
    assert drawn == source
    losses, untouched = overfit(model, lambda: lvlm.loss(model, source, batch))
    assert losses[-1] < losses[0]
    draws = batch.embeds_gen_mask is not None and bool(batch.embeds_gen_mask.any())
    assert (f"{source}_rec" in lvlm.loss(model, source, batch)) == draws
    # a batch that only reads, or only draws, leaves the other resampler alone
    assert {name.split(".")[0] for name in untouched} <= {"input_resampler", "output_resampler", "patch_pos_embed"}
    if source == "edit":
        assert untouched == set()


def test_batches_follow_from_the_seed_and_the_step(tokenizer: Tokenizer, corpus: Corpus, features: np.ndarray) -> None:
    mixture: dict[Source, float] = {"conversation": 0.4, "drawing": 0.3, "edit": 0.3}

    def batch(step: int) -> tuple[Source, Tensor]:
        source, made = lvlm.sample_batch(corpus, features, tokenizer, mixture, CONFIG, step)
        return source, made.input_ids

    assert batch(3)[0] == batch(3)[0] and torch.equal(batch(3)[1], batch(3)[1])
    assert {batch(step)[0] for step in range(12)} == set(mixture)


def test_lora_alone_holds_no_full_copies_and_trains_nothing_else(make_lvlm: Callable[[], LVLM]) -> None:
    alone = lvlm.with_lora(make_lvlm().llm, rank=4, full=False)
    assert isinstance(alone, PeftModel)
    assert alone.peft_config["default"].modules_to_save is None
    assert all("lora_" in name for name, p in alone.named_parameters() if p.requires_grad)
    full = lvlm.with_lora(make_lvlm().llm, rank=4, full=True)
    saved = {name.split(".modules_to_save")[0].split(".")[-1] for name, p in full.named_parameters() if p.requires_grad}
    assert {"embed_tokens", "lm_head", "norm", "input_layernorm", "post_attention_layernorm"} <= saved


@pytest.mark.parametrize("full", [True, False])
def test_merging_lora_keeps_the_outputs(make_lvlm: Callable[[], LVLM], full: bool) -> None:
    llm = make_lvlm().llm
    plain_names = set(llm.state_dict())
    wrapped = lvlm.with_lora(llm, rank=4, full=full).eval()
    for name, parameter in wrapped.named_parameters():
        if parameter.requires_grad:
            nn.init.normal_(parameter, std=0.2 if "lora_" in name else 1.0)
    ids = torch.arange(12)[None]
    with torch.no_grad():
        before = wrapped(input_ids=ids).logits
        merged = lvlm.merge_lora(wrapped)
        after = merged(input_ids=ids).logits
    # W x + s B (A x) against (W + s B A) x: the same sums in another order
    torch.testing.assert_close(after, before, atol=1e-3, rtol=1e-3)
    assert set(merged.state_dict()) == plain_names


@pytest.mark.parametrize("stage", [1, 2])
def test_the_detokenizer_learns(
    make_unet: Callable[[], UNet2DConditionModel],
    make_resampler: Callable[[], DetokenizerResampler],
    corpus: Corpus,
    features: np.ndarray,
    stage: int,
) -> None:
    latents = np.random.default_rng(1).normal(size=(len(corpus.pages), 3, 16, 16)).astype(np.float16)
    data = DenoisingData(latents=latents, features=features, scaling_factor=0.9, image_size=32, feature_noise=0.1)
    unet = make_unet()
    if stage == 2:
        unet = widen_conv_in(unet)
        data.pairs = np.array([corpus.pair(i) for i in range(3)])
        data.predicted = {i: features[i].reshape(64, 4, 16).mean(1) for i in range(len(corpus.pages))}
        data.pages = np.arange(4)
    model = DetokenizerParts(unet, make_resampler())
    scheduler = DDPMScheduler(prediction_type="v_prediction")
    losses, untouched = overfit(model, lambda: detokenizer.loss(model, scheduler, data, CONFIG, 3))
    assert losses[-1] < losses[0]
    assert untouched == set()


def test_stage_2_sees_the_condition_image_and_nothing_where_there_is_none(
    make_unet: Callable[[], UNet2DConditionModel],
    make_resampler: Callable[[], DetokenizerResampler],
    corpus: Corpus,
    features: np.ndarray,
) -> None:
    latents = np.ones((len(corpus.pages), 3, 16, 16), np.float16)
    pairs = np.array([corpus.pair(i) for i in range(3)])
    latents[pairs[:, 0]] = 5
    model = DetokenizerParts(widen_conv_in(make_unet()), make_resampler())
    seen: list[Tensor] = []
    model.unet.conv_in.register_forward_pre_hook(lambda _, args: seen.append(args[0][:, 3:].detach()))
    for share in (0.0, 1.0):
        data = DenoisingData(
            latents=latents, features=features, scaling_factor=1.0, image_size=32, pairs=pairs, condition_share=share
        )
        detokenizer.loss(model, DDPMScheduler(), data, CONFIG, 0)
    without, with_condition = seen
    assert (without == 0).all() and (with_condition == 5).all()


def test_a_resampler_starts_by_looking_at_its_own_place() -> None:
    resampler = Resampler(ResamplerConfig(grid_size=8, embed_dim=64, num_heads=2, kv_dim=64))
    look_at_own_place(resampler)
    keys = (0.1 * torch.randn(1, 256, 64)).requires_grad_()
    row, column = 2, 5
    resampler(keys)[0, row * 8 + column].square().sum().backward()
    assert keys.grad is not None
    power = keys.grad[0].square().sum(-1).reshape(16, 16)
    near = power[2 * row - 1 : 2 * row + 3, 2 * column - 1 : 2 * column + 3]
    assert near.mean() > 3 * power.mean()


def test_neighbouring_locations_start_alike() -> None:
    rows = smooth_rows(torch.arange(224) / 224, 256)
    similarity = torch.cosine_similarity(rows[100:101], rows)
    assert similarity[101] > 0.9 > 0.5 > similarity[10].abs()


def test_the_tokenizer_holds_every_token_and_gives_text_back(tokenizer: Tokenizer) -> None:
    names = added_tokens()
    start = tokenizer.pieces.get_piece_size()
    assert [tokenizer.token_to_id(name) for name in names] == list(range(start, start + len(names)))
    assert len(tokenizer) == start + 330
    text = "A snowy field with 2 red houses; is it \u00e9t\u00e9?"
    assert tokenizer.decode(tokenizer.encode(text)) == text
