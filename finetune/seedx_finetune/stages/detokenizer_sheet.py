"""A sheet of samples: what a de-tokenizer draws, beside what it should."""

from __future__ import annotations

from pathlib import Path

import torch
from einops import rearrange
from PIL import Image
from torch import Tensor

from seedx_finetune.data.batches import DenoisingBatch
from seedx_finetune.stages.denoising import DenoisingStage
from seedx_finetune.stages.detokenizer_model import DetokenizerModel

__all__ = ["draw_sheet"]

ROWS = 8
"""Images drawn, at most."""
SIDE = 256
"""Largest side of an image on the sheet, in pixels."""


@torch.no_grad()
def draw_sheet(
    stage: DenoisingStage,
    model: DetokenizerModel,
    batch: DenoisingBatch,
    features: Tensor,
    path: Path,
    seed: int,
) -> None:
    """Write a row for each image: the condition image, if the U-Net takes one, the target, and what is drawn.

    Args:
        stage: Says steps and guidance.
        model: With all weights outside its blocks whole.
        batch: Targets and condition images.
        features: (B, N, D) to draw from.
        path: The .png file.
        seed: Of the noise; each image has its own.
    """
    pipeline, config = stage.pipeline(model), stage.config
    height, width = batch.target.shape[-2:]
    rows = []
    for row in range(min(ROWS, len(batch.names))):
        condition = batch.condition[row : row + 1]
        with model.precision():
            drawn = pipeline(
                features[row : row + 1],
                model.null_features,
                condition_image=condition / 127.5 - 1 if batch.has_condition[row] and model.takes_condition else None,
                height=height,
                width=width,
                num_inference_steps=config.sheet_steps,
                guidance_scale=config.sheet_guidance,
                image_guidance_scale=config.sheet_condition_guidance,
                generator=torch.Generator().manual_seed(seed + row),
                output_type="pt",
                return_dict=False,
            )[0]
        shown = [batch.target[row : row + 1], (drawn.cpu().float() * 255).round().to(torch.uint8)]
        rows.append(torch.cat([condition, *shown] if model.takes_condition else shown, dim=-1))
    sheet = Image.fromarray(rearrange(torch.cat(rows), "n c h w -> (n h) w c").numpy())
    scale = min(1.0, SIDE / height)
    sheet.resize((round(sheet.width * scale), round(sheet.height * scale))).save(path)
