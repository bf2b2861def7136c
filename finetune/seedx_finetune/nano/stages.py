"""seed-x-nano: how each stage is trained.

Every stage is a function of a run: it does nothing when its output is in the run's directory, resumes when it was
interrupted, and otherwise trains. `python -m seedx_finetune nano` runs them in order.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from safetensors.torch import load_file, save_file
from tqdm import tqdm
from transformers import LlamaForCausalLM

from seedx_finetune.nano import autoencoder, detokenizer, dialogues, language_model, lvlm, visual_encoder
from seedx_finetune.nano.config import (
    AUTOENCODER_TRAINING,
    DETOKENIZER_RESAMPLER,
    DETOKENIZER_TRAINING,
    IMAGE_SIZE,
    LATENT_CHANNELS,
    LATENT_SIDE,
    LLM,
    LVLM_CONFIG,
    LVLM_TRAINING,
    NOISE_SCHEDULE,
    UNET,
    VAE,
    VISUAL_ENCODER,
)
from seedx_finetune.nano.corpus import Corpus
from seedx_finetune.nano.detokenizer import DenoisingData, DetokenizerParts, ResamplerPretraining
from seedx_finetune.nano.dialogues import ALIASES
from seedx_finetune.nano.initialization import (
    look_across_at_own_place,
    look_at,
    look_at_own_feature,
    raster,
    read_as_words,
    read_what_covers,
)
from seedx_finetune.nano.lvlm import Source
from seedx_finetune.nano.page_code import (
    ALIAS,
    BACKGROUND,
    COLOR,
    COVER,
    KIND,
    NAMED,
    NUMBER,
    THING_WIDTH,
    drawn_codes,
    page_codes,
    rename,
)
from seedx_finetune.nano.pixels import random_scenes, to_signed
from seedx_finetune.nano.run import Run
from seedx_finetune.nano.sequences import Features, collate, encode
from seedx_finetune.nano.trainer import Loss, TrainConfig, load_weights, save_weights
from seedx_finetune.world import BACKGROUNDS, COLORS, KINDS
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler
from seedx_sdk.model.lvlm import LVLM, POOL
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.model.unet import COORDINATES, widen_conv_in
from seedx_sdk.model.visual_encoder import VisualEncoder
from seedx_sdk.tokens import NUM_IMAGE_TOKENS, image_token


def train_autoencoder(run: Run) -> AutoencoderKL:
    """Return the trained VAE, frozen.

    First all pixels count alike, then those of things count more, and finally the decoder learns to tolerate
    latents that are not exact.
    """
    torch.manual_seed(12)
    vae: AutoencoderKL = AutoencoderKL(**VAE).to(memory_format=torch.channels_last)
    plain, careful, noisy = (
        replace(AUTOENCODER_TRAINING, steps=steps, seed=seed) for steps, seed in ((3000, 12), (900, 21), (2800, 41))
    )
    run.stage("vae", vae, lambda: partial(autoencoder.loss, vae, plain), plain)
    run.stage("vae_things", vae, lambda: partial(autoencoder.loss, vae, careful, thing_weight=4.0), careful)
    hardened = partial(autoencoder.loss, vae, noisy, thing_weight=4.0, latent_noise=0.5)
    run.stage("vae_noisy", vae, lambda: hardened, noisy)
    return vae.eval().requires_grad_(False)


def train_visual_encoder(run: Run) -> VisualEncoder:
    """Return the pre-trained visual encoder: its patches learn first what lies on them, then all learns the code."""
    config = TrainConfig(steps=5000, batch_size=16, learning_rate=1e-3, ema_decay=0.995, seed=11)
    torch.manual_seed(config.seed)
    model = visual_encoder.DensePretraining(VisualEncoder(VISUAL_ENCODER))
    cells = raster(math.isqrt(VISUAL_ENCODER.n_queries))
    cells[:, 0] -= cells[:, 0] % POOL
    look_at(model.encoder.attn_pool, cells, step=1.0)  # each head looks at one of the cells of a group
    blocks = ("in_proj", "out_proj", "mlp")
    stages = {
        "visual_encoder_patches": config,
        "visual_encoder_code": replace(config, steps=1500, seed=29),
        "visual_encoder": replace(config, steps=1900, learning_rate=1.5e-3, muon=blocks, ema_decay=0.99, seed=30),
    }

    def make_loss(name: str) -> Loss:
        patches_alone = name == "visual_encoder_patches"
        return partial(visual_encoder.loss, model, stages[name], patches_alone=patches_alone)

    for name, stage in stages.items():
        run.stage(name, model, partial(make_loss, name), stage)
    return model.encoder.eval().requires_grad_(False)


def train_language_model(run: Run) -> tuple[LlamaForCausalLM, Tokenizer]:
    """Return the language model, pre-trained on text alone, and its tokenizer."""
    matrices = ("self_attn", "mlp")
    config = TrainConfig(steps=1000, batch_size=32, learning_rate=2e-3, ema_decay=0.98, muon=matrices, seed=13)
    directory = run.directory / "tokenizer"
    if not (directory / "tokenizer_config.json").exists():
        language_model.train_tokenizer(directory, vocab_size=768, seed=config.seed)
    tokenizer = Tokenizer.from_pretrained(directory)
    torch.manual_seed(config.seed)
    llm = language_model.new_language_model(tokenizer, **LLM)
    run.stage("language_model", llm, lambda: partial(language_model.loss, llm, tokenizer, config), config)
    return llm, tokenizer


def make_corpus(run: Run) -> Corpus:
    """Return the corpus that all multimodal stages share."""
    scenes, edits = run.count(10_000, least=64), run.count(5_000, least=16)
    return Corpus(run.directory / "corpus", num_scenes=scenes, num_edits=edits, seed=14, image_size=IMAGE_SIZE)


def train_lvlm(run: Run) -> tuple[LVLM, Tokenizer]:
    """Return the general multimodal model: stage I, instruction tuning, and finding things.

    All stages but the last two are LoRAs that are merged at their end.
    """
    llm, tokenizer = train_language_model(run)
    torch.manual_seed(15)
    model = LVLM(llm, LVLM_CONFIG)
    corpus = make_corpus(run)
    some = page_codes(corpus.scenes[:400])
    _show_aliases(some)
    look_at_own_feature(model.input_resampler, some)
    read_as_words(model.input_resampler, some, _words(llm, tokenizer))
    look_at(model.output_resampler, raster(LVLM_CONFIG.output_resampler.grid_size))
    _ask_for_things(llm, tokenizer)
    stages: list[tuple[str, dict[Source, float], TrainConfig]] = [
        (
            "lvlm_pretrain",
            {"grounded_caption": 0.4, "conversation": 0.2, "drawing": 0.2, "words": 0.2},
            replace(LVLM_TRAINING, steps=600, min_lr_ratio=0.5, ema_decay=None, seed=15),
        ),
        (
            "lvlm_instruct",
            {"conversation": 0.5, "grounded_caption": 0.15, "drawing": 0.1, "edit": 0.25},
            replace(LVLM_TRAINING, steps=1900, seed=16),
        ),
        (
            "lvlm_questions",
            {"questions": 0.5, "grounded_caption": 0.1, "drawing": 0.15, "edit": 0.25},
            replace(LVLM_TRAINING, steps=1900, learning_rate=1e-3, seed=36),
        ),
    ]
    for name, mixture, config in stages:
        if not run.weights(name).exists():
            model.llm = lvlm.with_lora(model.llm, rank=64, full=True)
            run.train(name, model, _multimodal_loss(run, model, tokenizer, mixture, config), config)
            model.llm = lvlm.merge_lora(model.llm)
            save_weights(model, run.weights(name))
        load_weights(model, run.weights(name))
        model.requires_grad_(True)
    _learn_to_find(run, model, tokenizer)
    return model.eval().requires_grad_(False), tokenizer


def _learn_to_find(run: Run, model: LVLM, tokenizer: Tokenizer) -> None:
    """Train all weights on which things a phrase means, in text and on images; then on that and all the rest."""
    stages: list[tuple[str, dict[Source, float], TrainConfig]] = [
        (
            "lvlm_finding",
            {
                "matching": 0.3,
                "finding": 0.35,
                "edit": 0.15,
                "drawing": 0.1,
                "questions": 0.05,
                "grounded_caption": 0.05,
            },
            replace(LVLM_TRAINING, steps=2490, muon=("self_attn", "mlp"), seed=38),
        ),
        (
            "lvlm_settled",
            {
                "questions": 0.33,
                "drawing": 0.18,
                "edit": 0.17,
                "matching": 0.12,
                "finding": 0.11,
                "grounded_caption": 0.09,
            },
            replace(LVLM_TRAINING, steps=5200, learning_rate=9e-4, muon=("self_attn", "mlp"), seed=42),
        ),
    ]
    for name, mixture, config in stages:
        run.stage(name, model, partial(_multimodal_loss, run, model, tokenizer, mixture, config), config)


def _ask_for_things(llm: LlamaForCausalLM, tokenizer: Tokenizer) -> None:
    """Start the image tokens of column n as the number n.

    The language model has learned what follows the number of a thing, so it has at hand what these tokens are to draw.
    """
    embeddings = llm.model.embed_tokens.weight
    numbers = [tokenizer.encode(number)[-1] for number in _numbers()]
    images = [tokenizer.token_to_id(image_token(i)) for i in range(NUM_IMAGE_TOKENS)]
    with torch.no_grad():
        embeddings[images] = embeddings[numbers].repeat(NUM_IMAGE_TOKENS // len(numbers), 1)


def _show_aliases(features: torch.Tensor) -> None:
    """Rename colors and kinds in half of the features of pages, so that every alias is there to be read."""
    rng = np.random.default_rng(15)
    for page in features[::2]:
        names, aliases = rng.permutation([*COLORS, *KINDS]), rng.permutation(ALIASES)
        rename(page, dict(zip(names.tolist(), aliases.tolist(), strict=False)))


def _numbers() -> list[str]:
    """Return how a layout writes the numbers of things."""
    return [f"{number}:" for number in range(1, NUMBER.stop - NUMBER.start)]


def _words(llm: LlamaForCausalLM, tokenizer: Tokenizer) -> dict[int, torch.Tensor]:
    """Return the word embedding for each dimension of the code that has a word."""
    names = (
        *NAMED,
        (BACKGROUND.start, [b.noun for b in BACKGROUNDS.values()]),
        (NUMBER.start + 1, _numbers()),
        (ALIAS.start, ALIASES),
    )
    embeddings = llm.model.embed_tokens.weight
    nothing = torch.zeros_like(embeddings[0])
    words = {part.start: nothing for part in (KIND, COLOR, NUMBER)}
    for start, part in names:
        words |= {start + i: embeddings[tokenizer.encode(name)[-1]] for i, name in enumerate(part)}
    return words


def train_edit(run: Run) -> LVLM:
    """Return the general model with the edit specialist's LoRA on it (not merged)."""
    model, tokenizer = train_lvlm(run)
    config = replace(LVLM_TRAINING, steps=1000, seed=17)
    model.llm = lvlm.with_lora(model.llm, rank=32, full=False)
    for resampler in (model.input_resampler, model.output_resampler):
        resampler.requires_grad_(True)

    def make_loss() -> Loss:
        return _multimodal_loss(run, model, tokenizer, {"edit": 1.0}, config)

    run.stage("edit", model, make_loss, config)
    return model.eval().requires_grad_(False)


def _seen_features(run: Run) -> Features:
    return lvlm.encoder_features(make_corpus(run).features(train_visual_encoder(run)))


def _multimodal_loss(
    run: Run,
    model: LVLM,
    tokenizer: Tokenizer,
    mixture: dict[Source, float],
    config: TrainConfig,
) -> Loss:
    corpus, features = make_corpus(run), _seen_features(run)
    return lambda step: lvlm.loss(model, *lvlm.sample_batch(corpus, features, tokenizer, mixture, config, step))


def train_detokenizer_resampler(run: Run) -> DetokenizerResampler:
    """Return the de-tokenizer's resampler, which tells each place of the canvas its latents."""
    config = TrainConfig(steps=700, batch_size=32, learning_rate=1.5e-3, weight_decay=0.01, ema_decay=0.99, seed=26)
    torch.manual_seed(config.seed)
    resampler: DetokenizerResampler = DetokenizerResampler(**DETOKENIZER_RESAMPLER)
    model = ResamplerPretraining(resampler, LATENT_CHANNELS, LATENT_SIDE)
    model.resampler.unet_attnpool.requires_grad_(False)

    def make_loss() -> Loss:
        data = _denoising_data(run)
        some = drawn_codes(make_corpus(run).scenes[:800])
        read_what_covers(resampler, some, cover=COVER, thing=slice(0, THING_WIDTH), page=BACKGROUND)
        return partial(detokenizer.resampler_loss, model, data, config)

    run.stage("detokenizer_resampler", model, make_loss, config)
    return model.resampler.requires_grad_(True)


def train_detokenizer(run: Run) -> DetokenizerParts:
    """Return the stage-1 de-tokenizer, trained on the codes of drawn pages."""
    config = replace(DETOKENIZER_TRAINING, steps=2200, seed=18)
    resampler = train_detokenizer_resampler(run)
    torch.manual_seed(config.seed)
    model = DetokenizerParts(UNet2DConditionModel(**UNET), resampler)

    def make_loss() -> Loss:
        data = _denoising_data(run)
        data.noisy_updates = run.count(100)
        _start_unet(model, data)
        return _detokenizer_loss(model, data, config)

    run.stage("detokenizer_1", model, make_loss, config)
    return model


def train_edit_detokenizer(run: Run) -> DetokenizerParts:
    """Return the stage-2 de-tokenizer, which also looks at a condition image in half of its samples.

    At last it meets the features that the general model predicts, too, so it learns to draw from what it will be
    given.
    """
    first = train_detokenizer(run)
    model = DetokenizerParts(widen_conv_in(first.unet), first.resampler)
    config = replace(DETOKENIZER_TRAINING, steps=1000, learning_rate=1e-3, seed=19)
    run.stage("detokenizer_2", model, lambda: _detokenizer_loss(model, _editing_data(run), config), config)
    last = replace(config, steps=1700, learning_rate=5e-4, seed=31)
    run.stage("detokenizer_2_predicted", model, lambda: _detokenizer_loss(model, _predicted_data(run), last), last)
    return model


def _start_unet(model: DetokenizerParts, data: DenoisingData) -> None:
    """Set the first weights so that every place on the canvas reads the token of the same place."""
    with torch.no_grad():
        model.unet.conv_in.weight[:, -COORDINATES:] *= 4  # where a cell is counts from the first update
    some, scheduler = slice(64), DDPMScheduler(**NOISE_SCHEDULE)
    latents, features = data.scaled_latents(some), data.features(np.arange(64))
    look_across_at_own_place(model.unet, model.resampler, scheduler, latents, features)


def _detokenizer_loss(model: DetokenizerParts, data: DenoisingData, config: TrainConfig) -> Loss:
    return partial(detokenizer.loss, model, DDPMScheduler(**NOISE_SCHEDULE), data, config)


def _denoising_data(run: Run) -> DenoisingData:
    corpus, vae = make_corpus(run), train_autoencoder(run)
    return DenoisingData(
        latents=corpus.latents(vae),
        scenes=corpus.pages,
        scaling_factor=scaling_factor(vae),
        image_size=IMAGE_SIZE,
        feature_noise=0.3,
    )


def _editing_data(run: Run) -> DenoisingData:
    """Return the data of all images, with condition images."""
    data, corpus = _denoising_data(run), make_corpus(run)
    data.pairs = np.array([corpus.pair(i) for i in range(len(corpus.edits))])
    return data


def _predicted_data(run: Run) -> DenoisingData:
    """Return the data of those images that have predicted features, with condition images."""
    data, predicted, num_scenes = _editing_data(run), predicted_features(run), len(make_corpus(run).scenes)
    assert data.pairs is not None
    data.predicted = predicted
    data.pages = np.array([page for page in predicted if page < num_scenes])
    data.pairs = data.pairs[np.isin(data.pairs[:, 1], list(predicted))]
    return data


@torch.no_grad()
def scaling_factor(vae: AutoencoderKL) -> float:
    """Return what brings the latents to unit variance, measured on some pages."""
    pixels = to_signed(random_scenes(256, seed=(22,)), IMAGE_SIZE)
    return float(1 / vae.encode(pixels).latent_dist.mode().std())


def predicted_features(run: Run) -> dict[int, np.ndarray]:
    """Return the general model's predicted features of corpus images, (64, D) float16 by image index."""
    done = run.directory / "predicted.safetensors"
    if not done.exists():
        general, tokenizer = train_lvlm(run)
        corpus, rng = make_corpus(run), np.random.default_rng(20)
        features = _seen_features(run)
        pages, edits = range(len(corpus.scenes) * 3 // 20), range(len(corpus.edits) // 5)
        drawn = [(i, dialogues.drawing_request(corpus.scenes[i], rng)) for i in pages]
        edited = [(corpus.pair(i)[1], dialogues.edit_request(corpus.pair(i)[0], corpus.edits[i])) for i in edits]
        found: dict[str, torch.Tensor] = {}
        for tasks in (drawn, edited):
            for start in tqdm(range(0, len(tasks), 25), "predicted features", mininterval=5):
                part = tasks[start : start + 25]
                batch = collate([encode(task, tokenizer) for _, task in part], features, tokenizer.pad_id)
                with torch.no_grad():
                    rows = lvlm.forward(general, batch).recon_image_embeds
                for (index, _), row in zip(part, rows, strict=True):
                    found[str(index)] = row.to(torch.float16).contiguous()
        save_file(found, done)
    return {int(name): value.numpy() for name, value in load_file(done).items()}
