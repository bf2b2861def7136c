"""The loss of every stage at tiny sizes: finite, going down on one batch, and reaching what should be trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from einops import rearrange
from peft import PeftModel
from torch import Tensor, nn

from seedx_finetune.nano import autoencoder, detokenizer, language_model, lvlm, visual_encoder
from seedx_finetune.nano.config import UNET
from seedx_finetune.nano.corpus import Corpus
from seedx_finetune.nano.detokenizer import DenoisingData, DetokenizerParts
from seedx_finetune.nano.initialization import (
    look_across_at_own_place,
    look_at,
    look_at_own_feature,
    raster,
    read_as_words,
    read_what_covers,
    smooth_rows,
)
from seedx_finetune.nano.lvlm import Source
from seedx_finetune.nano.page_code import BACKGROUND, COLOR, COVER, KIND, THING_WIDTH, cell_labels, page_codes
from seedx_finetune.nano.sequences import Features
from seedx_finetune.nano.trainer import TrainConfig
from seedx_finetune.training.losses import predict
from seedx_finetune.world import BACKGROUNDS, Scene, Thing, box_around, sample_scene
from seedx_sdk.model.config import ResamplerConfig
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler
from seedx_sdk.model.lvlm import LVLM, POOL
from seedx_sdk.model.resampler import Resampler, resize_square_table
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.model.unet import COORDINATES, size_ids, widen_conv_in
from seedx_sdk.model.visual_encoder import VisualEncoder
from seedx_sdk.tokens import added_tokens

TINY_UNET = {
    "block_out_channels": (64, 96),
    "attention_head_dim": (2, 3),
    "cross_attention_dim": 96,
    "projection_class_embeddings_input_dim": 6 * 16 + 64,
}
CONFIG = TrainConfig(steps=10, batch_size=2, learning_rate=3e-3, seed=1)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def corpus(work: Path) -> Corpus:
    return Corpus(work, num_scenes=4, num_edits=3, seed=2, image_size=32)


@pytest.fixture
def features(corpus: Corpus) -> Features:
    return lambda indices: page_codes([corpus.pages[i] for i in indices]).repeat_interleave(POOL, dim=1)


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
        terms["loss"].backward()  # type: ignore[no-untyped-call]
        untouched -= {name for name, p in trainable.items() if p.grad is not None and p.grad.any()}
        optimizer.step()
        losses.append(terms["loss"].item())
    return losses, untouched


def test_the_visual_encoder_learns(
    make_encoder: Callable[[], VisualEncoder],
) -> None:
    model = visual_encoder.DensePretraining(make_encoder())
    losses, untouched = overfit(model, lambda: visual_encoder.loss(model, CONFIG, 0, patches_alone=False))
    assert losses[-1] < 0.9 * losses[0]
    assert untouched == set()


@pytest.mark.parametrize(("thing_weight", "latent_noise"), [(1.0, 0.0), (4.0, 0.4)])
def test_the_autoencoder_learns(
    make_vae: Callable[[], AutoencoderKL], thing_weight: float, latent_noise: float
) -> None:
    vae = make_vae()
    options = {"thing_weight": thing_weight, "latent_noise": latent_noise}
    losses, untouched = overfit(vae, lambda: autoencoder.loss(vae, CONFIG, 0, **options))
    assert losses[-1] < 0.9 * losses[0]
    assert untouched == set()


def test_the_language_model_learns(make_lvlm: Callable[[], LVLM], tokenizer: Tokenizer) -> None:
    llm = make_lvlm().llm
    losses, untouched = overfit(llm, lambda: language_model.loss(llm, tokenizer, CONFIG, 0))
    assert losses[-1] < 0.9 * losses[0]
    assert untouched == set()


@pytest.mark.parametrize("source", get_args(Source))
def test_the_multimodal_model_learns_from_every_source(
    make_lvlm: Callable[[], LVLM], tokenizer: Tokenizer, corpus: Corpus, features: Features, source: Source
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


def test_batches_follow_from_the_seed_and_the_step(tokenizer: Tokenizer, corpus: Corpus, features: Features) -> None:
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


def test_the_resampler_learns_to_tell_each_place_its_latents(corpus: Corpus) -> None:
    latents = np.random.default_rng(1).normal(size=(len(corpus.pages), 3, 16, 16)).astype(np.float16)
    data = DenoisingData(latents=latents, scenes=corpus.pages, scaling_factor=0.9, image_size=32, feature_noise=0.1)
    resampler = DetokenizerResampler(
        dim=32, depth=1, dim_head=8, heads=4, num_queries=256, embedding_dim=256, output1_dim=16, output2_dim=24
    )
    resampler.unet_attnpool.requires_grad_(False)  # it makes no tokens
    model = detokenizer.ResamplerPretraining(resampler, latent_channels=3, side=16)
    losses, untouched = overfit(model, lambda: detokenizer.resampler_loss(model, data, CONFIG, 3))
    assert losses[-1] < losses[0]
    assert untouched == set()


@pytest.mark.parametrize("stage", [1, 2])
def test_the_detokenizer_learns(
    make_unet: Callable[[], UNet2DConditionModel],
    make_resampler: Callable[[], DetokenizerResampler],
    corpus: Corpus,
    stage: int,
) -> None:
    latents = np.random.default_rng(1).normal(size=(len(corpus.pages), 3, 16, 16)).astype(np.float16)
    data = DenoisingData(latents=latents, scenes=corpus.pages, scaling_factor=0.9, image_size=32, feature_noise=0.1)
    unet = make_unet()
    if stage == 2:
        unet = widen_conv_in(unet)
        data.pairs = np.array([corpus.pair(i) for i in range(3)])
        data.predicted = dict(enumerate(page_codes(corpus.pages).numpy()))
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
) -> None:
    latents = np.ones((len(corpus.pages), 3, 16, 16), np.float16)
    pairs = np.array([corpus.pair(i) for i in range(3)])
    latents[pairs[:, 0]] = 5
    model = DetokenizerParts(widen_conv_in(make_unet()), make_resampler())
    seen: list[Tensor] = []
    model.unet.conv_in.register_forward_pre_hook(lambda _, args: seen.append(args[0][:, 3:].detach()))
    for share in (0.0, 1.0):
        data = DenoisingData(
            latents=latents,
            scenes=corpus.pages,
            scaling_factor=1.0,
            image_size=32,
            pairs=pairs,
            condition_share=share,
        )
        detokenizer.loss(model, DDPMScheduler(), data, CONFIG, 0)
    without, with_condition = seen
    assert (without == 0).all() and (with_condition == 5).all()


def attention_of(resampler: Resampler, x: Tensor) -> Tensor:
    """Return how much every query looks at each key with each head, averaged over a batch: (heads, Q, T)."""
    heads = resampler.attn.num_heads
    keys = resampler.ln_kv(resampler.kv_proj(x))
    keys = keys + resize_square_table(resampler.pos_embed, x.shape[1])
    queries = resampler.ln_q(resampler.query) + resampler.pos_embed
    to_q, to_k, _ = resampler.attn.in_proj_weight.chunk(3)
    q = rearrange(queries @ to_q.T, "q (h d) -> h q d", h=heads)
    k = rearrange(keys @ to_k.T, "b t (h d) -> b h t d", h=heads)
    looks: Tensor = (torch.einsum("hqd,bhtd->bhqt", q, k) / q.shape[-1] ** 0.5).softmax(-1).mean(0)
    return looks


def test_a_resampler_starts_by_looking_at_its_own_place() -> None:
    resampler = Resampler(ResamplerConfig(grid_size=8, embed_dim=256, num_heads=4, kv_dim=256))
    look_at(resampler, raster(8))
    looks = attention_of(resampler, torch.randn(8, 64, 256))
    assert looks.diagonal(dim1=1, dim2=2).mean() > 0.7


def test_a_resampler_starts_by_looking_at_what_says_its_own_number() -> None:
    rng = np.random.default_rng(0)
    features = page_codes([sample_scene(rng) for _ in range(120)])
    resampler = Resampler(ResamplerConfig(grid_size=8, embed_dim=256, num_heads=4, kv_dim=256))
    look_at_own_feature(resampler, features)
    looks = attention_of(resampler, features[:8].repeat_interleave(4, dim=1))
    groups = rearrange(looks, "h q (group four) -> h q group four", four=4).sum(-1)
    assert groups.diagonal(dim1=1, dim2=2).min() > 0.7


def test_the_heads_of_the_pool_start_on_the_four_cells_of_a_group() -> None:
    pool = Resampler(ResamplerConfig(grid_size=16, embed_dim=256, num_heads=4, kv_dim=192))
    cells = raster(16)
    cells[:, 0] -= cells[:, 0] % 4
    look_at(pool, cells, step=1.0)
    looks = attention_of(pool, torch.randn(8, 256, 192))
    first = torch.arange(256) // 4 * 4
    for head in range(4):
        assert looks[head, torch.arange(256), first + head].mean() > 0.6


def test_a_resampler_starts_by_saying_the_words_for_what_it_reads() -> None:
    rng = np.random.default_rng(0)
    features = page_codes([sample_scene(rng) for _ in range(120)])
    resampler = Resampler(ResamplerConfig(grid_size=8, embed_dim=256, num_heads=4, kv_dim=256))
    look_at_own_feature(resampler, features)
    words = {d: 0.03 * torch.randn(256) for d in range(KIND.start + 1, COLOR.stop)}
    words[KIND.start] = words[COLOR.start] = torch.zeros(256)
    read_as_words(resampler, features, words)
    with torch.no_grad():
        said = resampler(features[:40].repeat_interleave(4, dim=1))
    things = features[:40, :, KIND].argmax(-1) > 0
    for part in (KIND, COLOR):
        names = torch.stack([words[d] for d in range(part.start + 1, part.stop)])
        heard = (said[things] @ names.T).argmax(-1)
        assert (heard == features[:40][things][:, part].argmax(-1) - 1).float().mean() > 0.95


def _make_detokenizer_resampler(depth: int) -> DetokenizerResampler:
    resampler: DetokenizerResampler = DetokenizerResampler(
        dim=256, depth=depth, dim_head=64, heads=4, num_queries=256, embedding_dim=256, output1_dim=32, output2_dim=64
    )
    return resampler


def test_a_latent_of_the_detokenizer_starts_with_the_code_of_what_covers_it() -> None:
    rng = np.random.default_rng(0)
    scenes = [sample_scene(rng) for _ in range(24)]
    resampler, features = _make_detokenizer_resampler(2), page_codes(scenes)
    read_what_covers(resampler, features, cover=COVER, thing=slice(0, THING_WIDTH), page=BACKGROUND)
    layer = resampler.layers[0]
    assert isinstance(layer, nn.ModuleList)
    with torch.no_grad():
        told = layer[0](resampler.proj_in(features), resampler.latents.expand(len(scenes), -1, -1))
    told = told[..., COVER.stop - COVER.start :]
    for labels, part in zip(cell_labels(scenes), (KIND, COLOR), strict=True):
        names, covered = told[..., part.start + 1 : part.stop], labels > 0
        assert (names.argmax(-1) + 1 == labels)[covered].float().mean() > 0.98
        assert names.amax(-1)[covered].mean() > 20 * names.amax(-1)[~covered].mean().abs()
    backgrounds = torch.tensor([tuple(BACKGROUNDS).index(scene.background) for scene in scenes])
    page = told[..., THING_WIDTH : THING_WIDTH + len(BACKGROUNDS)]
    assert (page.argmax(-1) == backgrounds[:, None]).all()


@pytest.fixture
def scheduler() -> DDPMScheduler:
    scheduler: DDPMScheduler = DDPMScheduler(prediction_type="v_prediction")
    return scheduler


def test_the_canvas_starts_by_reading_the_token_of_its_own_place(scheduler: DDPMScheduler) -> None:
    rng = np.random.default_rng(0)
    features = page_codes([sample_scene(rng) for _ in range(96)])
    resampler = _make_detokenizer_resampler(1)
    unet = UNet2DConditionModel(**{**UNET, "in_channels": 3 + COORDINATES, "out_channels": 3} | TINY_UNET)
    with torch.no_grad():
        unet.conv_in.weight[:, -COORDINATES:] *= 4
    latents = torch.randn(16, 3, 16, 16)
    cat = Thing("cat", "red", "small", box_around("cat", (0.25, 0.3), 0.24))
    without, with_cat = (page_codes([Scene("snow", things)]).repeat(16, 1, 1) for things in ((), (cat,)))

    def moved() -> Tensor:
        """Return how much every cell of the prediction changes with the cat, (16, 16) and 1 in all."""
        times, size = torch.full((16,), 990), size_ids(128, 128, 16)
        with torch.no_grad():
            before, after = (predict(unet, resampler, latents, times, f, size) for f in (without, with_cat))
        power = (after - before).square().sum((0, 1))
        return power / power.sum()

    own = (slice(2, 8), slice(1, 7))
    assert moved()[own].sum() < 0.3
    read_what_covers(resampler, features, cover=COVER, thing=slice(0, THING_WIDTH), page=BACKGROUND)
    look_across_at_own_place(unet, resampler, scheduler, latents, features[:16])
    assert moved()[own].sum() > 0.6


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
