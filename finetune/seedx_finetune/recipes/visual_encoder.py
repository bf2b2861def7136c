"""Pre-training of the visual encoder by dense supervision: every output token says the code of what it looks at.

The 256 output features come in groups of four that all look at the same four cells of the page, so that the averages
of four, which the language model learns to predict and the de-tokenizer to draw from, hold what the features hold.
They are regressed onto the code of the page. The patches before the pool are taught the codes of their own cells as
well, through linear heads that are thrown away, which brings the transformer on its way much sooner.

Shapes: B batch, Q output tokens (a square of cells), D feature width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seedx_finetune.data import random_scenes, to_pixels
from seedx_finetune.page_code import BOX, CELL_WIDTH, CENTER, COLOR, KIND, WIDTH, cell_codes, page_codes
from seedx_finetune.trainer import TrainConfig
from seedx_finetune.world import Scene
from seedx_sdk.model.lvlm import POOL, pool_features
from seedx_sdk.model.visual_encoder import VisualEncoder


class DensePretraining(nn.Module):
    """A visual encoder with its pre-training heads.

    Args:
        encoder: What is trained.
    """

    def __init__(self, encoder: VisualEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.config.width
        self.code = nn.Linear(width, CELL_WIDTH)
        self.kind = nn.Linear(width, KIND.stop - KIND.start)
        self.color = nn.Linear(width, COLOR.stop - COLOR.start)

    def forward(self, pixels: Tensor, scenes: list[Scene], box_weight: float) -> dict[str, Tensor]:
        """Returns the loss and its terms for pictures (B, 3, H, W), normalised as the encoder wants them."""
        cells, code = cell_codes(scenes), page_codes(scenes)
        kind, color = cells[..., KIND].argmax(-1), cells[..., COLOR].argmax(-1)
        patches = self.encoder.patch_features(pixels)
        features = self.encoder.pool_patches(patches).float()
        weights = torch.ones(CELL_WIDTH)
        weights[BOX], weights[CENTER] = box_weight, box_weight**2
        feature_weights = torch.ones(WIDTH)
        feature_weights[: POOL * CELL_WIDTH] = weights.repeat(POOL)
        error, patch_error = features - code.repeat_interleave(POOL, dim=1), self.code(patches).float() - cells
        terms = {
            "code": (feature_weights * error.square()).mean(),
            "patch_code": (weights * patch_error.square()).mean(),
            "patch_kind": F.cross_entropy(self.kind(patches).float().flatten(0, 1), kind.flatten()),
            "patch_color": F.cross_entropy(self.color(patches).float().flatten(0, 1), color.flatten()),
        }
        loss = 4 * terms["code"] + 2 * terms["patch_code"] + terms["patch_kind"] + terms["patch_color"]
        with torch.no_grad():
            said = pool_features(features)[..., : POOL * CELL_WIDTH].reshape(cells.shape)
            covered = kind > 0
            hits = {
                f"{name}_accuracy": (said[..., part].argmax(-1) == label)[covered].float().mean()
                for name, part, label in (("kind", KIND, kind), ("color", COLOR, color))
            }
        return {"loss": loss} | terms | hits


def loss(model: DensePretraining, config: TrainConfig, step: int, *, box_weight: float = 1.0) -> dict[str, Tensor]:
    """Returns the loss terms on the batch of this update.

    Args:
        model: The encoder with its heads.
        config: Gives the batch its size and seed.
        step: Number of the update.
        box_weight: How much more the errors of boxes count; those of centres count by its square.
    """
    scenes = random_scenes(config.batch_size, seed=(config.seed, step))
    with torch.autocast("cpu", torch.bfloat16):
        terms: dict[str, Tensor] = model(to_pixels(scenes, model.encoder.config.image_size), scenes, box_weight)
    return terms
