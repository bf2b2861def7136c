"""Pre-training of the visual encoder by dense supervision: every output token says the code of its place.

The 256 output features come in groups of four that all look at the same four cells of the page, so that the averages
of four, which the language model learns to predict and the de-tokenizer to draw from, hold what the features hold.
They are regressed onto the code of the page. The patches before the pool learn what lies on them, and whether a
thing has its center there, through linear heads that are thrown away; this brings the transformer on its way much
sooner.

Shapes: B batch, Q output tokens (a square of cells), D feature width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seedx_finetune.nano.page_code import (
    BOX,
    COLOR,
    KIND,
    NUMBER,
    THING_WIDTH,
    cell_codes,
    cell_labels,
    cell_numbers,
    center_codes,
    page_codes,
)
from seedx_finetune.nano.pixels import random_scenes, to_pixels
from seedx_finetune.nano.trainer import TrainConfig
from seedx_finetune.world import Scene
from seedx_sdk.model.lvlm import POOL
from seedx_sdk.model.visual_encoder import VisualEncoder

_WEIGHTS = {"code": 40.0, "center_code": 40.0, "box": 1.0, "kind": 1.0, "color": 1.0, "number": 10.0}
"""Few features and few patches have a thing to tell, so their mean errors are small; and counting is learned last."""


class DensePretraining(nn.Module):
    """A visual encoder with its pre-training heads.

    Args:
        encoder: What is trained.
    """

    def __init__(self, encoder: VisualEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.config.width
        self.center_code = nn.Linear(width, THING_WIDTH)
        self.box = nn.Linear(width, BOX.stop - BOX.start)
        self.kind = nn.Linear(width, KIND.stop - KIND.start)
        self.color = nn.Linear(width, COLOR.stop - COLOR.start)
        self.number = nn.Linear(width, NUMBER.stop - NUMBER.start)

    def forward(self, pixels: Tensor, scenes: list[Scene], patches_alone: bool) -> dict[str, Tensor]:
        """Return the loss and its terms for images (B, 3, H, W), normalized as the encoder wants them."""
        (kinds, colors), cells = cell_labels(scenes), cell_codes(scenes)
        covered = kinds > 0
        patches = self.encoder.patch_features(pixels)
        terms = {"box": (self.box(patches).float() - cells[..., BOX])[covered].square().mean()}
        for name, labels in {"kind": kinds, "color": colors, "number": cell_numbers(scenes)}.items():
            terms[name] = F.cross_entropy(getattr(self, name)(patches).float().flatten(0, 1), labels.flatten())
        if not patches_alone:
            features, code = self.encoder.pool_patches(patches).float(), page_codes(scenes)
            terms["code"] = (features - code.repeat_interleave(POOL, dim=1)).square().mean()
            terms["center_code"] = (self.center_code(patches).float() - center_codes(scenes)).square().mean()
        return {"loss": torch.stack([_WEIGHTS[name] * term for name, term in terms.items()]).sum()} | terms


def loss(model: DensePretraining, config: TrainConfig, step: int, *, patches_alone: bool) -> dict[str, Tensor]:
    """Return the loss terms on the batch of this update.

    Args:
        model: The encoder with its heads.
        config: Gives the batch its size and seed.
        step: Number of the update.
        patches_alone: Teach the patches what lies on them, and nothing else.
    """
    scenes = random_scenes(config.batch_size, seed=(config.seed, step))
    with torch.autocast("cpu", torch.bfloat16):
        terms: dict[str, Tensor] = model(to_pixels(scenes, model.encoder.config.image_size), scenes, patches_alone)
    return terms
