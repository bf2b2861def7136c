"""The visual encoder and the language model as one module, whose forward pass computes the losses of a packed row.

Everything is inside of one forward pass, because only there do sharded weights exist as a whole. What depends on the
data is decided on the CPU, from the batch: no step waits for the device, and none has other operations on another rank.

Shapes: as in `data.batches`, and S supervised tokens, T features of a cell, Q image tokens of a block, K feature width,
D width of hidden states.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor, nn

from seedx_finetune.data.batches import PackedBatch
from seedx_finetune.data.examples import IGNORE
from seedx_finetune.training.losses import next_token_losses, regression_losses
from seedx_finetune.training.precision import autocast
from seedx_sdk.model.lvlm import LVLM, pool_features
from seedx_sdk.model.transforms import CLIP_MEAN, CLIP_STD
from seedx_sdk.model.visual_encoder import VisualEncoder

__all__ = ["MultimodalModel", "Outputs", "drawn_positions", "supervised_positions"]

CELLS = 32
"""Cells that the visual encoder reads at a time."""


class Outputs(NamedTuple):
    """What the forward pass gives."""

    token_losses: Tensor
    """(S) cross-entropies, in the order of `supervised_positions`."""
    image_losses: Tensor
    """(G) distances between regressed and true features."""
    features: Tensor | None
    """(C, T, K) features of the cells, without gradients; None if there are no cells."""
    tokens: Tensor | None
    """(S) the most probable token in the place of each supervised one; None unless gradients are off."""
    drawn: Tensor | None
    """(G, Q, K) regressed features, without gradients; None if there are none."""


class MultimodalModel(nn.Module):
    """The language model, which is trained, and the visual encoder, which is not.

    Args:
        lvlm: Reads packed rows.
        visual_encoder: Frozen.
        dtype: Of the computation.
    """

    def __init__(self, lvlm: LVLM, visual_encoder: VisualEncoder, dtype: torch.dtype) -> None:
        super().__init__()
        self.lvlm, self.visual_encoder, self.dtype = lvlm, visual_encoder, dtype

    def forward(self, batch: PackedBatch) -> Outputs:
        """Return the losses of a batch that is on the CPU."""
        device = self.lvlm.device
        supervised = supervised_positions(batch)
        with autocast(device, self.dtype):
            features = self._features(batch, device)
            hidden = self._hidden(batch, features, device)
            before = hidden[(supervised - 1).to(device)]
            tokens = None if torch.is_grad_enabled() else self.lvlm.logits(before).argmax(dim=-1)
            drawn = self._draw(hidden, batch)
            touched = self.lvlm.touch_all() if self.training else 0.0
        head = self.lvlm.causal_lm.lm_head.weight
        token_losses = next_token_losses(before, head, batch.labels[0, supervised].to(device)) + 0.0 * touched
        image_losses = hidden.new_zeros(0, dtype=torch.float32)
        if drawn is not None and features is not None:
            image_losses = regression_losses(drawn, self._targets(features, batch), self.lvlm.config.rec_loss)
        return Outputs(token_losses, image_losses, features, tokens, None if drawn is None else drawn.detach())

    @torch.no_grad()
    def regressed(self, batch: PackedBatch) -> Tensor | None:
        """Return the (G, Q, K) features that the model regresses for the images to draw; None if there are none."""
        device = self.lvlm.device
        with autocast(device, self.dtype):
            return self._draw(self._hidden(batch, self._features(batch, device), device), batch)

    def _hidden(self, batch: PackedBatch, features: Tensor | None, device: torch.device) -> Tensor:
        """Return the (L, D) last hidden states."""
        embeds, positions = self._embed(batch, features, device), batch.position_ids.to(device)
        if torch.is_grad_enabled() and not embeds.requires_grad:
            embeds.requires_grad_()  # as where images are read: ranks must finish the layers in the same order
        return self.lvlm.run_llm(embeds, position_ids=positions, boundaries=batch.boundaries.cpu())[0]

    @torch.no_grad()
    def _features(self, batch: PackedBatch, device: torch.device) -> Tensor | None:
        """Return the features of the cells, each encoded once."""
        if batch.features is not None:
            return batch.features.to(device, self.dtype)
        if batch.pixels is None:
            return None
        mean, std = (torch.tensor(c, device=device)[:, None, None] for c in (CLIP_MEAN, CLIP_STD))
        return torch.cat(
            [
                self.visual_encoder(((cells.to(device).float() / 255 - mean) / std).to(self.dtype))
                for cells in torch.split(batch.pixels, CELLS)
            ]
        )

    def _embed(self, batch: PackedBatch, features: Tensor | None, device: torch.device) -> Tensor:
        """Return the (1, L, D) input embeddings, images put in where they are read."""
        words: Tensor = self.lvlm.causal_lm.get_input_embeddings()(batch.input_ids.to(device)).to(self.dtype)
        if features is None or not len(batch.read_cells):
            return words
        read = self.lvlm.embed_images(features[batch.read_cells.to(device)], batch.read_positions.to(device))
        places = batch.read_mask[0].nonzero()[:, 0].to(device)
        return words.index_copy(1, places, rearrange(read, "r q d -> 1 (r q) d").to(self.dtype))

    def _draw(self, hidden: Tensor, batch: PackedBatch) -> Tensor | None:
        """Return the (G, Q, K) features regressed from hidden states (L, D)."""
        if not len(batch.draw_cells):
            return None
        states = hidden[drawn_positions(batch).to(hidden.device)]
        return self.lvlm.regress(rearrange(states, "(g q) d -> g q d", g=len(batch.draw_cells)))

    def _targets(self, features: Tensor, batch: PackedBatch) -> Tensor:
        """Return what is to be regressed: the features (G, Q, K) of the cells to draw."""
        target, config = features[batch.draw_cells.to(features.device)], self.lvlm.config
        if not config.vit_down:
            return target
        return pool_features(target, target.shape[1] // config.output_resampler.num_queries)


def supervised_positions(batch: PackedBatch) -> Tensor:
    """Return the (S) positions of the row whose token is learned."""
    return (batch.labels[0] != IGNORE).nonzero()[:, 0]


def drawn_positions(batch: PackedBatch) -> Tensor:
    """Return the (G * Q) positions of the image tokens whose hidden states are regressed."""
    return batch.draw_mask[0].nonzero()[:, 0]
