"""A tiny copy of the released files: their directories, file kinds and tensor names, with every size reduced."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM

from seedx_sdk.model.detokenizer import Detokenizer
from seedx_sdk.model.lvlm import LVLM
from seedx_sdk.model.visual_encoder import VisualEncoder
from seedx_sdk.testing.tiny import (
    tiny_detokenizer,
    tiny_lvlm,
    tiny_resampler,
    tiny_unet,
    tiny_vae,
    tiny_visual_encoder,
)

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
VISUAL_ENCODER: dict[str, Any] = {  # what the released sizes have in common with these
    "image_size": 448,
    "patch_size": 56,
    "width": 32,
    "layers": LAYERS,
    "heads": 16,
    "mlp_ratio": 4.9375,
    "output_dim": 128,
    "pool_heads": 1,
}


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


def _write_sharded(state: dict[str, Tensor], directory: Path, count: int) -> None:
    names = list(state)
    weight_map: dict[str, str] = {}
    for number in range(count):
        file = f"pytorch_model-{number + 1:05}-of-{count:05}.bin"
        shard = {name: state[name] for name in names[number::count]}
        torch.save(shard, directory / file)
        weight_map |= dict.fromkeys(shard, file)
    index = {"metadata": {"total_size": 0}, "weight_map": weight_map}
    (directory / "pytorch_model.bin.index.json").write_text(json.dumps(index))


def _detokenizers() -> dict[str, Detokenizer]:
    unet = tiny_unet(sample_size=128, in_channels=4, out_channels=4)
    vae = tiny_vae(
        latent_channels=4, block_out_channels=(4, 4, 8, 8), norm_num_groups=2, sample_size=1024, scaling_factor=0.13025
    )
    pipelines = {}
    for stage, name in enumerate(("first_stage", "second_stage"), start=1):
        resampler = tiny_resampler(depth=LAYERS, dim_head=64, heads=1, num_queries=8, embedding_dim=128)
        pipelines[name] = tiny_detokenizer(stage=stage, unet=unet, vae=vae, resampler=resampler)
        for part in ("unet", "vae", "resampler"):
            _half(getattr(pipelines[name], part))
    return pipelines


def build_tree(path: Path, variant: str = "seed_x_i") -> Tree:
    """Write the released files of one variant."""
    torch.manual_seed(7)
    llm = LlamaForCausalLM(LlamaConfig(**LLM))
    lvlm = tiny_lvlm(llm, feature_dim=128, num_heads=32)
    encoder, pipelines = tiny_visual_encoder(**VISUAL_ENCODER), _detokenizers()
    for module in (lvlm, encoder):
        _half(module)
    llm_dir = path / variant / "llm"
    llm_dir.mkdir(parents=True)
    (llm_dir / "config.json").write_text(json.dumps(LLM))
    buffers = {f"model.layers.{i}.self_attn.rotary_emb.inv_freq": torch.ones(8) for i in range(LAYERS)}
    _write_sharded({**_half_state(llm), **buffers}, llm_dir, 3)
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
    torch.save(dict(state), path)


def rewrite(path: Path, edit: Callable[[dict[str, Tensor]], object]) -> None:
    """Change the tensors of a torch file."""
    state = torch.load(path, weights_only=True)
    edit(state)
    torch.save(state, path)
