"""A tiny model with random weights, for tests of code that needs a real one: every part, every file, in seconds.

    from seedx_sdk.testing.tiny import tiny_model

    seedx = SeedX(model=tiny_model(tmp_path / "tiny"))

It runs the same code as a trained model, on any device. It answers everything with one word, generates an image where
one is asked for, and its images are noise; for scripted answers without torch take `ScriptedEngine`. Needs the extra
`local`. The functions below make its parts; each takes other sizes by the
names that the part's own constructor or config uses. The sizes all differ, so that a mixed-up axis shows.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from transformers import LlamaForCausalLM

    from seedx_sdk.model.detokenizer import Detokenizer
    from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler
    from seedx_sdk.model.lvlm import LVLM
    from seedx_sdk.model.tokenizer import Tokenizer
    from seedx_sdk.model.visual_encoder import VisualEncoder

__all__ = [
    "tiny_detokenizer",
    "tiny_llm",
    "tiny_lvlm",
    "tiny_model",
    "tiny_resampler",
    "tiny_unet",
    "tiny_vae",
    "tiny_visual_encoder",
]

FEATURE_DIM = 20
"""Width of image features."""
IMAGE_SIZE = 64
"""Side in pixels of the images that `tiny_model` reads and generates."""
ANSWER = "house"
"""A word that is one token."""
TOKENIZER_FILES = ("tokenizer.model", "added_tokens.json", "special_tokens_map.json", "tokenizer_config.json")


def tiny_model(checkpoint_dir: str | os.PathLike[str], *, edits: bool = True, seed: int = 0) -> Path:
    """Write a checkpoint directory with random weights, about 1 MB, and return its path.

    Args:
        checkpoint_dir: The directory to write; it must not exist.
        edits: Whether its de-tokenizer takes a condition image, which `edit` needs.
        seed: The same seed gives the same weights.

    Raises:
        MissingExtraError: If the libraries of the extra `local` are not installed.
        FileExistsError: If the directory exists.
    """
    from seedx_sdk.errors import needs_extra

    with needs_extra("local"):
        import torch

        from seedx_sdk.checkpoints.directory import quiet_libraries, save_part, write_config
        from seedx_sdk.model.tokenizer import Tokenizer
    from seedx_sdk.checkpoints.config import DirectoryConfig, GenerationDefaults
    from seedx_sdk.engine import NANO

    path = Path(checkpoint_dir)
    path.mkdir(parents=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tokenizer = Tokenizer.from_pretrained(NANO / "llm")
        lvlm = tiny_lvlm(tiny_llm(len(tokenizer), initializer_range=0.02))
        _answer_with_one_word(lvlm, tokenizer)
        encoder = tiny_visual_encoder()
        detokenizer = tiny_detokenizer(stage=2 if edits else 1)
    with quiet_libraries():
        lvlm.causal_lm.save_pretrained(path / "llm")
        detokenizer.save_pretrained(path / ("detokenizer_edit" if edits else "detokenizer"))
    for name in TOKENIZER_FILES:
        shutil.copy(NANO / "llm" / name, path / "llm" / name)
    projectors = {name: value for name, value in lvlm.state_dict().items() if not name.startswith("llm.")}
    save_part(projectors, path / "projectors" / "model.safetensors", dtype=torch.float32)
    save_part(encoder.state_dict(), path / "visual_encoder" / "model.safetensors", dtype=torch.float32)
    config = DirectoryConfig(
        name="seed-x-tiny",
        visual_encoder=encoder.config,
        lvlm=lvlm.config,
        read_grids=("1x1", "2x1"),
        image_size=IMAGE_SIZE,
        sizes="its weights are random, so all sizes are alike",
        in_domain_psnr=None,
        generation=GenerationDefaults(
            num_inference_steps=2, guidance_scale=2.0, image_guidance_scale=1.5, max_new_tokens=80, temperature=0.0
        ),
        files={},
    )
    write_config(path, config)
    return path


def _answer_with_one_word(lvlm: LVLM, tokenizer: Tokenizer) -> None:
    """Set weights so that ANSWER follows any text, and the end follows it, or where that is not allowed an image.

    Channel 0 is on after every token, channel 1 after the answer alone.
    """
    import torch

    (answer,) = tokenizer.encode(ANSWER)
    with torch.no_grad():
        embeddings, head = lvlm.causal_lm.model.embed_tokens.weight, lvlm.causal_lm.lm_head.weight
        embeddings[:, 0] = embeddings[answer, 1] = 1
        head[answer, 0], head[tokenizer.ids.begin_image, 1], head[tokenizer.eos_id, 1] = 2, 3, 4


def tiny_llm(vocab_size: int, **sizes: Any) -> LlamaForCausalLM:
    """Return a language model with random weights; `sizes` are those of `LlamaConfig`."""
    from transformers import LlamaConfig, LlamaForCausalLM

    defaults: dict[str, Any] = {
        "hidden_size": 40,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 64,
        "initializer_range": 0.3,
        "max_position_embeddings": 2048,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    llm: LlamaForCausalLM = LlamaForCausalLM(LlamaConfig(vocab_size=vocab_size, **(defaults | sizes))).eval()
    return llm


def tiny_lvlm(
    llm: LlamaForCausalLM, *, num_image_tokens: int = 64, feature_dim: int = FEATURE_DIM, num_heads: int = 4
) -> LVLM:
    """Return a language model with its resamplers.

    Args:
        llm: The language model, such as `tiny_llm`'s.
        num_image_tokens: Tokens of an image, a square number.
        feature_dim: Width of image features.
        num_heads: Attention heads of both resamplers.
    """
    import math

    from seedx_sdk.model.config import LVLMConfig, ResamplerConfig
    from seedx_sdk.model.lvlm import LVLM

    width, grid = llm.config.hidden_size, math.isqrt(num_image_tokens)
    config = LVLMConfig(
        input_resampler=ResamplerConfig(grid_size=grid, embed_dim=width, num_heads=num_heads, kv_dim=feature_dim),
        output_resampler=ResamplerConfig(grid_size=grid, embed_dim=feature_dim, num_heads=num_heads, kv_dim=width),
        add_patch_pos=True,
        vit_down=True,
        rec_loss="mse",
        lm_loss_scale=1.0,
        rec_loss_scale=6.0,
    )
    return LVLM(llm, config).eval()


def tiny_visual_encoder(**sizes: Any) -> VisualEncoder:
    """Return a visual encoder of 256 features; `sizes` are those of `VisualEncoderConfig`."""
    from seedx_sdk.model.config import VisualEncoderConfig
    from seedx_sdk.model.visual_encoder import VisualEncoder

    defaults: dict[str, Any] = {
        "image_size": IMAGE_SIZE,
        "patch_size": 4,
        "width": 24,
        "layers": 1,
        "heads": 2,
        "mlp_ratio": 2.0,
        "n_queries": 256,
        "output_dim": FEATURE_DIM,
        "pool_heads": 4,
    }
    return VisualEncoder(VisualEncoderConfig(**(defaults | sizes))).eval()


def tiny_unet(**sizes: Any) -> UNet2DConditionModel:
    """Return an SDXL-style U-Net of two levels; `sizes` are the arguments of `UNet2DConditionModel`."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    defaults: dict[str, Any] = {
        "sample_size": 8,
        "in_channels": 3,
        "out_channels": 3,
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "attention_head_dim": (2, 4),
        "norm_num_groups": 4,
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 24 + 6 * 8,
        "cross_attention_dim": 16 + 24,
    }
    unet: UNet2DConditionModel = UNet2DConditionModel(**(defaults | sizes)).eval()
    return unet


def tiny_vae(**sizes: Any) -> AutoencoderKL:
    """Return a VAE that halves the side at each level after the first; `sizes` are `AutoencoderKL`'s arguments."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    levels = len(sizes.get("block_out_channels", (8, 8)))
    defaults: dict[str, Any] = {
        "latent_channels": 3,
        "block_out_channels": (8, 8),
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "norm_num_groups": 4,
        "sample_size": 16,
        "scaling_factor": 0.5,
    }
    vae: AutoencoderKL = AutoencoderKL(**(defaults | sizes)).eval()
    return vae


def tiny_resampler(**sizes: Any) -> DetokenizerResampler:
    """Return the de-tokenizer's resampler for `tiny_unet`; `sizes` are its arguments."""
    from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler

    defaults: dict[str, Any] = {
        "dim": 32,
        "depth": 1,
        "dim_head": 8,
        "heads": 4,
        "num_queries": 9,
        "embedding_dim": FEATURE_DIM,
        "output1_dim": 16,
        "output2_dim": 24,
    }
    resampler: DetokenizerResampler = DetokenizerResampler(**(defaults | sizes)).eval()
    return resampler


def tiny_detokenizer(
    *,
    stage: int,
    unet: UNet2DConditionModel | None = None,
    vae: AutoencoderKL | None = None,
    resampler: DetokenizerResampler | None = None,
) -> Detokenizer:
    """Return a de-tokenizer with SDXL's noise schedule, of the parts given and else the tiny ones.

    Args:
        stage: 2 takes a condition image, 1 takes none.
        unet: A U-Net of stage 1, which stage 2 widens.
        vae: The VAE.
        resampler: The resampler.

    Source of the schedule: scheduler_config.json of stable-diffusion-xl-base-1.0.
    """
    from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
    from torch import nn

    from seedx_sdk.model.detokenizer import Detokenizer
    from seedx_sdk.model.unet import widen_conv_in

    unet = tiny_unet() if unet is None else unet
    channels = unet.config["in_channels"]
    if stage == 2:
        unet = widen_conv_in(unet).eval()
        nn.init.normal_(unet.conv_in.weight[:, channels:], std=0.1)
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1, timestep_spacing="leading"
    )
    vae = tiny_vae() if vae is None else vae
    resampler = tiny_resampler() if resampler is None else resampler
    pipeline = Detokenizer(unet, vae, scheduler, resampler)
    pipeline.set_progress_bar_config(disable=True)  # type: ignore[no-untyped-call]
    return pipeline
