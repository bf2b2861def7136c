"""From the trained parts of nano to the checkpoint directory that ships."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from peft import PeftModel
from torch import nn

from seedx_finetune.nano import config, stages
from seedx_finetune.nano.run import Run
from seedx_finetune.nano.training_words import training_vocabulary
from seedx_finetune.world import render
from seedx_sdk.checkpoints.directory import DirectoryConfig, GenerationDefaults, load_directory, save_part, write_config
from seedx_sdk.engine.domain_check import reconstruction_psnr
from seedx_sdk.model.detokenizer import Detokenizer

SIZES = "it was trained on 128x128 pages only, and other sizes come out blurred or repeated"


def export_nano(run: Run, output: Path) -> DirectoryConfig:
    """Write everything that inference needs in bfloat16, and return the directory's config.

    Args:
        run: Its stages are trained if they are not yet.
        output: Replaced as a whole when everything is written.
    """
    partial = output.with_name(output.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    general, _ = stages.train_lvlm(run)
    nn.Module.to(general.llm, torch.bfloat16)
    general.llm.save_pretrained(partial / "llm")
    for name in ("tokenizer.model", "added_tokens.json", "special_tokens_map.json", "tokenizer_config.json"):
        shutil.copy(run.directory / "tokenizer" / name, partial / "llm" / name)
    save_part(_projectors(general), partial / "projectors" / "model.safetensors")
    save_part(stages.train_visual_encoder(run).state_dict(), partial / "visual_encoder" / "model.safetensors")

    edit = stages.train_edit(run)
    assert isinstance(edit.llm, PeftModel)
    adapter = partial / "specialists" / "edit"
    edit.llm.to(torch.bfloat16).save_pretrained(adapter)
    (adapter / "README.md").unlink(missing_ok=True)
    save_part(_projectors(edit), adapter / "projectors" / "model.safetensors")

    detokenizer = stages.train_edit_detokenizer(run)
    vae = stages.train_autoencoder(run)
    vae.register_to_config(scaling_factor=stages.scaling_factor(vae))
    Detokenizer(
        unet=detokenizer.unet,
        vae=vae,
        scheduler=EulerDiscreteScheduler(**config.NOISE_SCHEDULE),
        resampler=detokenizer.resampler,
    ).to(torch.bfloat16).save_pretrained(partial / "detokenizer_edit")

    described = DirectoryConfig(
        name="seed-x-nano",
        visual_encoder=config.VISUAL_ENCODER,
        lvlm=config.LVLM_CONFIG,
        read_grids=("1x1",),
        image_size=config.IMAGE_SIZE,
        sizes=SIZES,
        in_domain_psnr=0.0,
        files={},
        generation=GenerationDefaults(
            num_inference_steps=20,
            guidance_scale=1.0,
            image_guidance_scale=1.2,
            max_new_tokens=320,
            temperature=0.3,
            stop_repeats=True,
            edit_blending=True,
        ),
        vocabulary=training_vocabulary(),
    )
    write_config(partial, described)
    complete = write_config(partial, replace(described, in_domain_psnr=_in_domain_psnr(run, partial)))
    shutil.rmtree(output, ignore_errors=True)
    partial.replace(output)
    return complete


def _projectors(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value for name, value in model.state_dict().items() if not name.startswith("llm.")}


@torch.no_grad()
def _in_domain_psnr(run: Run, output: Path) -> float:
    """Return 2 dB less than the worst copy of 300 pages: below that an image is none of this world."""
    parts = load_directory(output)
    scenes = stages.make_corpus(run).scenes[:300]
    return round(float(np.min([reconstruction_psnr(render(s, config.IMAGE_SIZE), parts) for s in scenes])) - 2, 2)
