"""seed-x-nano: the sizes of its parts and how each stage is trained.

Every stage is a function of a work folder: it does nothing when its output is there, resumes when it was cut off, and
otherwise trains. `python -m seedx_finetune nano` runs them in order.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from safetensors.torch import load_file, save_file
from tqdm import tqdm
from transformers import LlamaForCausalLM

from seedx_finetune import dialogues
from seedx_finetune.corpus import Corpus
from seedx_finetune.data import random_scenes, to_signed
from seedx_finetune.recipes import autoencoder, detokenizer, language_model, lvlm, visual_encoder
from seedx_finetune.recipes.detokenizer import DenoisingData, DetokenizerParts
from seedx_finetune.recipes.lvlm import Source
from seedx_finetune.recipes.start import copy_own_feature, look_across_at_own_place, look_at_own_place
from seedx_finetune.sequences import collate, encode
from seedx_finetune.trainer import TrainConfig, load_weights, save_weights, train
from seedx_sdk.model.config import LVLMConfig, ResamplerConfig, VisualEncoderConfig
from seedx_sdk.model.denoising import COORDINATES, widen_conv_in
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler
from seedx_sdk.model.lvlm import LVLM, POOL, pool_features
from seedx_sdk.model.tokenizer import Tokenizer
from seedx_sdk.model.visual_encoder import VisualEncoder

IMAGE_SIZE = 128

VISUAL_ENCODER = VisualEncoderConfig(
    image_size=IMAGE_SIZE,
    patch_size=8,
    width=192,
    layers=5,
    heads=6,
    mlp_ratio=4.0,
    n_queries=256,
    output_dim=256,
    pool_heads=8,
)
VAE = {
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 8,
    "block_out_channels": (16, 32, 64, 96),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 1,
    "norm_num_groups": 1,
    "mid_block_add_attention": False,
    "sample_size": IMAGE_SIZE,
}
LLM = {"hidden_size": 256, "layers": 6, "heads": 4, "mlp": 704}
LVLM_CONFIG = LVLMConfig(
    input_resampler=ResamplerConfig(grid_size=8, embed_dim=256, num_heads=4, kv_dim=256),
    output_resampler=ResamplerConfig(grid_size=8, embed_dim=256, num_heads=4, kv_dim=256),
    add_patch_pos=True,
    vit_down=True,
    rec_loss="mse",
    lm_loss_scale=1.0,
    rec_loss_scale=6.0,
)
UNET = {
    "sample_size": IMAGE_SIZE // 8,
    "in_channels": 8 + COORDINATES,
    "out_channels": 8,
    "block_out_channels": (96, 128),
    "down_block_types": ("CrossAttnDownBlock2D",) * 2,
    "up_block_types": ("CrossAttnUpBlock2D",) * 2,
    "layers_per_block": 1,
    "attention_head_dim": (3, 4),
    "transformer_layers_per_block": 1,
    "norm_num_groups": 16,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 16,
    "projection_class_embeddings_input_dim": 6 * 16 + 192,
    "cross_attention_dim": 256,
}
DETOKENIZER_RESAMPLER = {
    "dim": 256,
    "depth": 1,
    "dim_head": 64,
    "heads": 4,
    "num_queries": 64,
    "embedding_dim": 256,
    "output1_dim": 64,
    "output2_dim": 192,
}
DETOKENIZER_TRAINING = TrainConfig(
    steps=1,
    batch_size=24,
    learning_rate=1.5e-3,
    weight_decay=0.01,
    ema_decay=0.997,
    slow=("attn2.to_q", "attn2.to_k", "resampler."),
)
"""What the stages of the de-tokenizer share; each says its own steps and seed."""
NOISE_SCHEDULE = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
}


def train_autoencoder(work: Path) -> AutoencoderKL:
    """Returns the trained VAE: first on all pixels alike, then with the things counting more."""
    torch.manual_seed(12)
    vae: AutoencoderKL = AutoencoderKL(**VAE).to(memory_format=torch.channels_last)
    settings = partial(TrainConfig, batch_size=8, learning_rate=1.5e-3, weight_decay=0.01, ema_decay=0.995)
    stages = [
        ("vae", 1.0, settings(steps=3000, seed=12)),
        ("vae_things", 4.0, settings(steps=900, seed=21)),
    ]
    for name, thing_weight, config in stages:
        done = work / f"{name}.safetensors"
        if not done.exists():
            train(name, vae, partial(autoencoder.loss, vae, config, thing_weight=thing_weight), config, work / name)
            save_weights(vae, done)
        load_weights(vae, done)
    return vae.eval().requires_grad_(False)


def train_visual_encoder(work: Path) -> VisualEncoder:
    """Returns the pre-trained visual encoder."""
    config = TrainConfig(steps=1600, batch_size=16, learning_rate=1e-3, ema_decay=0.995, seed=11)
    torch.manual_seed(config.seed)
    vae = train_autoencoder(work)
    model = visual_encoder.DensePretraining(VisualEncoder(VISUAL_ENCODER), vae.config["latent_channels"])
    look_at_own_place(model.encoder.attn_pool, shared=POOL)
    done = work / "visual_encoder.safetensors"
    if not done.exists():
        scale = scaling_factor(vae)
        train("visual encoder", model, partial(visual_encoder.loss, model, vae, scale, config), config, work / "vit")
        save_weights(model, done)
    load_weights(model, done)
    return model.encoder.eval().requires_grad_(False)


def train_language_model(work: Path) -> tuple[LlamaForCausalLM, Tokenizer]:
    """Returns the language model, pre-trained on text alone, and its tokenizer."""
    config = TrainConfig(steps=1200, batch_size=32, learning_rate=2e-3, ema_decay=0.98, seed=13)
    folder = work / "tokenizer"
    if not (folder / "tokenizer_config.json").exists():
        language_model.train_tokenizer(folder, vocab_size=768, seed=config.seed)
    tokenizer = Tokenizer.from_pretrained(folder)
    torch.manual_seed(config.seed)
    llm = language_model.new_language_model(tokenizer, **LLM)
    done = work / "language_model.safetensors"
    if not done.exists():
        train(
            "language model", llm, lambda step: language_model.loss(llm, tokenizer, config, step), config, work / "llm"
        )
        save_weights(llm, done)
    load_weights(llm, done)
    return llm, tokenizer


def make_corpus(work: Path) -> Corpus:
    """Returns the corpus that all multimodal stages share."""
    return Corpus(work / "corpus", num_scenes=12000, num_edits=6000, seed=14, image_size=IMAGE_SIZE)


def train_lvlm(work: Path) -> tuple[LVLM, Tokenizer]:
    """Returns the general multimodal model: stage I, then instruction tuning, each a LoRA merged at its end."""
    llm, tokenizer = train_language_model(work)
    corpus = make_corpus(work)
    features = corpus.features(train_visual_encoder(work))
    torch.manual_seed(15)
    model = LVLM(llm, LVLM_CONFIG)
    for resampler in (model.input_resampler, model.output_resampler):
        look_at_own_place(resampler)
    stages: list[tuple[str, dict[Source, float], TrainConfig]] = [
        (
            "pretrain",
            {"grounded_caption": 1.0},
            TrainConfig(steps=900, batch_size=16, learning_rate=2e-3, min_lr_ratio=0.3, ema_decay=None, seed=15),
        ),
        (
            "instruct",
            {"conversation": 0.33, "drawing": 0.52, "edit": 0.15},
            TrainConfig(steps=1900, batch_size=16, learning_rate=2e-3, min_lr_ratio=0.02, ema_decay=0.995, seed=16),
        ),
    ]
    for name, mixture, config in stages:
        done = work / f"lvlm_{name}.safetensors"
        if not done.exists():
            model.llm = lvlm.with_lora(model.llm, rank=64, full=True)
            _train_lvlm(name, model, corpus, features, tokenizer, mixture, config, work)
            model.llm = lvlm.merge_lora(model.llm)
            save_weights(model, done)
        load_weights(model, done)
        model.requires_grad_(True)
    return model.eval().requires_grad_(False), tokenizer


def _train_lvlm(
    name: str,
    model: LVLM,
    corpus: Corpus,
    features: np.ndarray,
    tokenizer: Tokenizer,
    mixture: dict[Source, float],
    config: TrainConfig,
    work: Path,
) -> None:
    def step_loss(step: int) -> dict[str, torch.Tensor]:
        return lvlm.loss(model, *lvlm.sample_batch(corpus, features, tokenizer, mixture, config, step))

    train(name, model, step_loss, config, work / f"lvlm_{name}")


def train_edit(work: Path) -> LVLM:
    """Returns the general model with the edit specialist's LoRA on it (not merged)."""
    general, tokenizer = train_lvlm(work)
    config = TrainConfig(steps=300, batch_size=16, learning_rate=1.5e-3, ema_decay=0.99, seed=17)
    corpus = make_corpus(work)
    features = corpus.features(train_visual_encoder(work))
    general.llm = lvlm.with_lora(general.llm, rank=32, full=False)
    for resampler in (general.input_resampler, general.output_resampler):
        resampler.requires_grad_(True)
    done = work / "edit.safetensors"
    if not done.exists():
        _train_lvlm("edit", general, corpus, features, tokenizer, {"edit": 1.0}, config, work)
        save_weights(general, done)
    load_weights(general, done)
    return general.eval().requires_grad_(False)


def train_detokenizer(work: Path) -> DetokenizerParts:
    """Returns the stage-1 de-tokenizer, trained on the visual encoder's own features."""
    config = replace(DETOKENIZER_TRAINING, steps=1900, seed=18)
    torch.manual_seed(config.seed)
    model = DetokenizerParts(UNet2DConditionModel(**UNET), DetokenizerResampler(**DETOKENIZER_RESAMPLER))
    done = work / "detokenizer_1.safetensors"
    if not done.exists():
        data = _denoising_data(work)
        data.noisy_updates = 400
        _start_detokenizer(model, data)
        _train_detokenizer("de-tokenizer 1", model, data, config, work / "detok_1")
        save_weights(model, done)
    load_weights(model, done)
    return model


def train_edit_detokenizer(work: Path) -> DetokenizerParts:
    """Returns the stage-2 de-tokenizer, which also looks at a condition image in half of its samples.

    It is trained on the visual encoder's features first, then adapted to those that the language models predict.
    """
    first = train_detokenizer(work)
    model = DetokenizerParts(widen_conv_in(first.unet), first.resampler)
    stages = [
        ("detokenizer_2", replace(DETOKENIZER_TRAINING, steps=1100, seed=19)),
        ("detokenizer_adapted", replace(DETOKENIZER_TRAINING, steps=500, learning_rate=6e-4, seed=24)),
    ]
    for name, config in stages:
        done = work / f"{name}.safetensors"
        if not done.exists():
            data, corpus = _denoising_data(work), make_corpus(work)
            pairs = [corpus.pair(i) for i in range(len(corpus.edits))]
            if name == "detokenizer_adapted":
                data.predicted = predicted_features(work)
                data.pages = np.array([page for page in data.predicted if page < len(corpus.scenes)])
                pairs = [pair for pair in pairs if pair[1] in data.predicted]
            data.pairs = np.array(pairs)
            _train_detokenizer(name, model, data, config, work / name)
            save_weights(model, done)
        load_weights(model, done)
    return model


def _start_detokenizer(model: DetokenizerParts, data: DenoisingData) -> None:
    """Sets the first weights so that every place on the canvas reads the feature of the same place."""
    with torch.no_grad():
        model.unet.conv_in.weight[:, -COORDINATES:] *= 4  # where a cell is counts from the first update
    features = pool_features(torch.from_numpy(data.features[:1500].astype(np.float32)))
    latents = torch.from_numpy(data.latents[:64].astype(np.float32)) * data.scaling_factor
    copy_own_feature(model.resampler, features)
    look_across_at_own_place(
        model.unet, model.resampler, DDPMScheduler(**NOISE_SCHEDULE), latents, features[: len(latents)]
    )


def _train_detokenizer(
    name: str, model: DetokenizerParts, data: DenoisingData, config: TrainConfig, folder: Path
) -> None:
    scheduler = DDPMScheduler(**NOISE_SCHEDULE)
    train(name, model, partial(detokenizer.loss, model, scheduler, data, config), config, folder)


def _denoising_data(work: Path) -> DenoisingData:
    corpus = make_corpus(work)
    features = corpus.features(train_visual_encoder(work))
    vae = train_autoencoder(work)
    return DenoisingData(
        latents=corpus.latents(vae),
        features=features,
        scaling_factor=scaling_factor(vae),
        image_size=IMAGE_SIZE,
        feature_noise=0.25,
    )


@torch.no_grad()
def scaling_factor(vae: AutoencoderKL) -> float:
    """Returns what brings the latents to unit variance, measured on some pages."""
    pixels = to_signed(random_scenes(256, seed=(22,)), IMAGE_SIZE)
    return float(1 / vae.encode(pixels).latent_dist.mode().std())


@torch.no_grad()
def predicted_features(work: Path, *, num_pages: int = 5000, num_edits: int = 3000) -> dict[int, np.ndarray]:
    """Returns the language models' predicted features of corpus pictures, (64, D) float16 by picture index."""
    done = work / "predicted.safetensors"
    if not done.exists():
        _, tokenizer = train_lvlm(work)
        corpus, rng = make_corpus(work), np.random.default_rng(20)
        features = corpus.features(train_visual_encoder(work))
        drawings = [(i, dialogues.drawing_request(i, corpus.scenes[i], rng)) for i in range(num_pages)]
        edits = [
            (corpus.pair(i)[1], dialogues.edit_request(*corpus.pair(i), corpus.edits[i])) for i in range(num_edits)
        ]
        found: dict[str, torch.Tensor] = {}
        for model, tasks in ((train_lvlm(work)[0], drawings), (train_edit(work), edits)):
            for start in tqdm(range(0, len(tasks), 25), "predicted features", mininterval=5):
                part = tasks[start : start + 25]
                batch = collate([encode(task, tokenizer) for _, task in part], features, tokenizer.pad_id)
                drawn = lvlm.forward(model, batch).recon_image_embeds
                for (index, _), row in zip(part, drawn, strict=True):
                    found[str(index)] = row.to(torch.float16).contiguous()
        save_file(found, done)
    return {int(name): value.numpy() for name, value in load_file(done).items()}
