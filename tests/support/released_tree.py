"""A tiny copy of the released files: their folders, file kinds and tensor names, with every size reduced."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM

from seedx_sdk.model.config import LVLMConfig, ResamplerConfig, VisualEncoderConfig
from seedx_sdk.model.detokenizer import Detokenizer
from seedx_sdk.model.detokenizer_resampler import DetokenizerResampler
from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.model.unet import widen_conv_in
from seedx_sdk.model.visual_encoder import VisualEncoder

TOKENIZER = Path(__file__).resolve().parents[1] / "parity" / "golden" / "tokenizer"
LAYERS = 2
ModuleT = TypeVar("ModuleT", bound=nn.Module)

LLM: dict[str, Any] = {  # as transformers 4.30 wrote it
    "architectures": ["LlamaForCausalLM"],
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "hidden_act": "silu",
    "hidden_size": 64,
    "initializer_range": 0.1,
    "intermediate_size": 96,
    "max_position_embeddings": 2048,
    "model_type": "llama",
    "num_attention_heads": 4,
    "num_hidden_layers": LAYERS,
    "num_key_value_heads": 4,
    "pretraining_tp": 1,
    "rms_norm_eps": 1e-5,
    "rope_scaling": None,
    "tie_word_embeddings": False,
    "torch_dtype": "float16",
    "transformers_version": "4.30.2",
    "use_cache": False,
    "vocab_size": 700,
}
VISUAL_ENCODER = VisualEncoderConfig(
    image_size=448,
    patch_size=56,
    width=32,
    layers=LAYERS,
    heads=16,
    mlp_ratio=4.9375,
    n_queries=256,
    output_dim=128,
    pool_heads=1,
)
LVLM_CONFIG = LVLMConfig(
    input_resampler=ResamplerConfig(grid_size=8, embed_dim=64, num_heads=32, kv_dim=128),
    output_resampler=ResamplerConfig(grid_size=8, embed_dim=128, num_heads=32, kv_dim=64),
    add_patch_pos=True,
    vit_down=True,
    rec_loss="mse",
    lm_loss_scale=1.0,
    rec_loss_scale=6.0,
)


@dataclass
class Tree:
    """The files and, with the same weights, the modules that they are read into."""

    path: Path
    lvlm: LVLM
    visual_encoder: VisualEncoder
    detokenizers: dict[str, Detokenizer]


def _half(module: ModuleT) -> ModuleT:
    """Round the weights to float16, which is what the files hold; position tables are computed and stay."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.half())
    return module.eval()


def _half_state(module: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    learned = {name for name, _ in module.named_parameters()}
    return {prefix + k: v.half() if k in learned else v.clone() for k, v in module.state_dict().items()}


def _write_sharded(state: dict[str, Tensor], folder: Path, count: int) -> None:
    names = list(state)
    weight_map: dict[str, str] = {}
    for number in range(count):
        file = f"pytorch_model-{number + 1:05}-of-{count:05}.bin"
        shard = {name: state[name] for name in names[number::count]}
        torch.save(shard, folder / file)
        weight_map |= dict.fromkeys(shard, file)
    index = {"metadata": {"total_size": 0}, "weight_map": weight_map}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))


def _detokenizers() -> dict[str, Detokenizer]:
    unet = UNet2DConditionModel(
        sample_size=128,
        in_channels=4,
        out_channels=4,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4),
        norm_num_groups=4,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=24 + 6 * 8,
        cross_attention_dim=16 + 24,
    )
    vae = AutoencoderKL(
        latent_channels=4,
        block_out_channels=(4, 4, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=2,
        sample_size=1024,
        scaling_factor=0.13025,
    )
    wide = widen_conv_in(unet)
    nn.init.normal_(wide.conv_in.weight[:, 4:], std=0.1)
    scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1, timestep_spacing="leading"
    )
    pipelines = {}
    for stage, one in {"first_stage": unet, "second_stage": wide}.items():
        resampler = DetokenizerResampler(
            dim=32, depth=LAYERS, dim_head=64, heads=1, num_queries=8, embedding_dim=128, output1_dim=16, output2_dim=24
        )
        pipelines[stage] = Detokenizer(_half(one), _half(vae), scheduler, _half(resampler))
        pipelines[stage].set_progress_bar_config(disable=True)
    return pipelines


def build_tree(path: Path, variant: str = "seed_x_i") -> Tree:
    """Write the released files of one variant."""
    torch.manual_seed(7)
    llm = LlamaForCausalLM(LlamaConfig(**LLM))
    lvlm, encoder, pipelines = LVLM(llm, LVLM_CONFIG), VisualEncoder(VISUAL_ENCODER), _detokenizers()
    for module in (lvlm, encoder):
        _half(module)
    folder = path / variant / "llm"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(LLM))
    buffers = {f"model.layers.{i}.self_attn.rotary_emb.inv_freq": torch.ones(8) for i in range(LAYERS)}
    _write_sharded({**_half_state(llm), **buffers}, folder, 3)
    agent = {name: value for name, value in _half_state(lvlm).items() if not name.startswith("llm.")}
    save(agent, path / variant / "agent" / "pytorch_model.bin")
    save(_half_state(encoder), path / "QwenViT" / "qwen_vit_G.pt")
    sdxl = path / "stable-diffusion-xl-base-1.0"
    for stage, pipeline in pipelines.items():
        weights = {**_half_state(pipeline.unet, "unet."), **_half_state(pipeline.resampler, "resampler.")}
        save(weights, path / "seed_detokenizer" / stage / "pytorch_model.bin")
    first = pipelines["first_stage"]
    first.unet.save_config(sdxl / "unet")
    first.scheduler.save_pretrained(sdxl / "scheduler")
    first.vae.half().save_pretrained(sdxl / "vae")
    first.vae.float()
    shutil.copytree(TOKENIZER, path / "cvlm_llama2_tokenizer_100img_and_224loc_addpatch")
    return Tree(path, lvlm, encoder, pipelines)


def save(state: Mapping[str, object], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, path)


def rewrite(path: Path, edit: Callable[[dict[str, Tensor]], object]) -> None:
    """Change the tensors of a torch file."""
    state = torch.load(path, weights_only=True)
    edit(state)
    torch.save(state, path)
