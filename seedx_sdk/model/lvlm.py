"""The language model with its two resamplers: reads image features, writes text and image features.

Shapes: B batch, L tokens, D LLM width, V vocabulary, N images, T features per image, K feature width,
Q image tokens per image, S supervised tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from einops import rearrange, reduce
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import LlamaForCausalLM
from transformers.cache_utils import Cache

from seedx_sdk.model.config import LVLMConfig
from seedx_sdk.model.resampler import Resampler

__all__ = ["LVLM", "LVLMOutput", "pool_features"]

POOL = 4
"""Features averaged into one regression target. Source: AvgPool1d(kernel_size=4, stride=4) in seed_x.py."""


@dataclass(kw_only=True, slots=True)
class LVLMOutput:
    """What a training forward gives."""

    total_loss: Tensor
    """lm_loss_scale * lm_loss + rec_loss_scale * rec_loss, a scalar."""
    lm_loss: Tensor
    """Mean cross-entropy over the S supervised tokens; 0 if there are none."""
    rec_loss: Tensor
    """Mean distance between regressed and true image features; 0 if no image is to be generated."""
    num_tokens: int
    """S, to weigh losses over several batches."""
    num_images: int
    """Images to generate, likewise."""
    logits: Tensor
    """(S, V) float32: the prediction of each supervised token, in reading order."""
    recon_image_embeds: Tensor
    """(N generated, Q, K) regressed features."""
    hidden_states: Tensor
    """(B, L, D) last hidden states, after the final norm."""


class LVLM(nn.Module):
    """LLM, input resampler and output resampler (ContinuousLVLM in seed_x.py), with its state-dict names.

    `llm` may also be a PEFT wrapper of the LlamaForCausalLM.
    """

    def __init__(self, llm: LlamaForCausalLM, config: LVLMConfig) -> None:
        super().__init__()
        self.config = config
        self.llm = llm
        self.input_resampler = Resampler(config.input_resampler)
        self.output_resampler = Resampler(config.output_resampler)
        dim = config.input_resampler.embed_dim
        self.patch_pos_embed = nn.Parameter(dim**-0.5 * torch.randn(4, dim)) if config.add_patch_pos else None

    @property
    def causal_lm(self) -> LlamaForCausalLM:
        """The LlamaForCausalLM itself, under a PEFT wrapper if there is one."""
        unwrap = getattr(self.llm, "get_base_model", None)
        causal_lm: LlamaForCausalLM = unwrap() if unwrap is not None else self.llm
        return causal_lm

    @property
    def device(self) -> torch.device:
        """Where the language model computes, and so where token ids must be."""
        return next(self.causal_lm.get_input_embeddings().parameters()).device

    def forward(
        self,
        input_ids: Tensor,
        labels: Tensor,
        *,
        image_embeds: Tensor | None = None,
        ids_cmp_mask: Tensor | None = None,
        ids_gen_mask: Tensor | None = None,
        embeds_cmp_mask: Tensor | None = None,
        embeds_gen_mask: Tensor | None = None,
        patch_positions: Tensor | None = None,
    ) -> LVLMOutput:
        """Return the losses of a batch; padding is on the right, so the causal mask alone suffices.

        Args:
            input_ids: (B, L).
            labels: (B, L), -100 where nothing is predicted.
            image_embeds: (N, T, K) features of all images of the batch, in reading order.
            ids_cmp_mask: (B, L) true where an input image's feature replaces the word embedding.
            ids_gen_mask: (B, L) true at the image tokens of images to generate.
            embeds_cmp_mask: (N,) true for input images; None means all.
            embeds_gen_mask: (N,) true for images to generate; None means none.
            patch_positions: (N, 2) center of each image in the whole one, 0..1.

        Source: ContinuousLVLM.forward in seed_x.py.
        """
        hidden = self.run_llm(self.embed(input_ids, image_embeds, ids_cmp_mask, embeds_cmp_mask, patch_positions))
        lm_loss, logits = self._next_token_loss(hidden, labels)
        rec_loss, recon = self._regression_loss(hidden, image_embeds, ids_gen_mask, embeds_gen_mask)
        total = self.config.lm_loss_scale * lm_loss + self.config.rec_loss_scale * rec_loss
        if self.training:
            total = total + 0.0 * self.touch_all()
        return LVLMOutput(
            total_loss=total,
            lm_loss=lm_loss,
            rec_loss=rec_loss,
            num_tokens=logits.shape[0],
            num_images=recon.shape[0],
            logits=logits,
            recon_image_embeds=recon,
            hidden_states=hidden,
        )

    def embed(
        self,
        input_ids: Tensor,
        image_embeds: Tensor | None = None,
        ids_cmp_mask: Tensor | None = None,
        embeds_cmp_mask: Tensor | None = None,
        patch_positions: Tensor | None = None,
    ) -> Tensor:
        """Return the (B, L, D) input embeddings, image features put in where ids_cmp_mask says; as `forward`.

        Raises:
            ValueError: If the masks ask for another number of image tokens than the images give.
        """
        embeds: Tensor = self.causal_lm.get_input_embeddings()(input_ids)
        if image_embeds is None or ids_cmp_mask is None:
            return embeds
        if embeds_cmp_mask is not None:
            image_embeds = image_embeds[embeds_cmp_mask]
            patch_positions = patch_positions[embeds_cmp_mask] if patch_positions is not None else None
        if image_embeds.shape[0] == 0:
            return embeds
        features = self.embed_images(image_embeds, patch_positions)
        places, given = int(ids_cmp_mask.sum()), features.shape[0] * features.shape[1]
        if places != given:
            raise ValueError(
                f"ids_cmp_mask marks {places} tokens but {features.shape[0]} input images give {given}; "
                f"mark {features.shape[1]} tokens for each image"
            )
        return embeds.masked_scatter(ids_cmp_mask[..., None], features.to(embeds.dtype))

    def embed_images(self, image_embeds: Tensor, patch_positions: Tensor | None = None) -> Tensor:
        """Return the (N, Q, D) input embeddings of image features (N, T, K), at positions (N, 2) in 0..1 if given."""
        features: Tensor = self.input_resampler(image_embeds)
        if self.patch_pos_embed is None or patch_positions is None:
            return features
        positions = torch.cat([patch_positions, 1 - patch_positions], dim=-1).to(self.patch_pos_embed.dtype) / 2
        return features + (positions @ self.patch_pos_embed)[:, None]

    def run_llm(
        self,
        inputs_embeds: Tensor,
        past_key_values: Cache | None = None,
        *,
        position_ids: Tensor | None = None,
        **options: Any,
    ) -> Tensor:
        """Return the (B, L, D) last hidden states, after the final norm.

        Args:
            inputs_embeds: (B, L, D).
            past_key_values: Extended in place; None keeps no cache.
            position_ids: (B, L) position of each token in its document; None is 0, 1, ... after the cache.
            options: Further arguments of the model's attention function.
        """
        output = self.causal_lm.model(
            inputs_embeds=inputs_embeds,
            position_ids=position_ids,
            past_key_values=past_key_values,
            use_cache=past_key_values is not None,
            **options,
        )
        hidden: Tensor = output.last_hidden_state
        return hidden

    def decode(self, input_ids: Tensor, past_key_values: Cache) -> Tensor:
        """Return the (B, L, D) hidden states of tokens that follow a cached prefix, and extends the cache."""
        return self.run_llm(self.embed(input_ids), past_key_values)

    def logits(self, hidden_states: Tensor) -> Tensor:
        """Return the (..., V) float32 next-token logits."""
        scores: Tensor = self.causal_lm.lm_head(hidden_states)
        return scores.float()

    def regress(self, hidden_states: Tensor) -> Tensor:
        """Return the (N, Q, K) image features of the hidden states (N, Q, D) at the image tokens."""
        features: Tensor = self.output_resampler(hidden_states)
        return features

    def _next_token_loss(self, hidden: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Compute logits only where a token is supervised, which saves most of the V-wide memory."""
        supervised = labels[:, 1:] != -100
        logits = self.logits(hidden[:, :-1][supervised])
        if logits.shape[0] == 0:
            return hidden.new_zeros((), dtype=torch.float32), logits
        return F.cross_entropy(logits, labels[:, 1:][supervised]), logits

    def _regression_loss(
        self, hidden: Tensor, image_embeds: Tensor | None, ids_gen_mask: Tensor | None, embeds_gen_mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        count = int(embeds_gen_mask.sum()) if embeds_gen_mask is not None else 0
        if count == 0 or image_embeds is None or embeds_gen_mask is None or ids_gen_mask is None:
            config = self.config.output_resampler
            return hidden.new_zeros((), dtype=torch.float32), hidden.new_zeros(
                (0, config.num_queries, config.embed_dim)
            )
        target = image_embeds[embeds_gen_mask].detach().float()
        if self.config.vit_down:
            target = pool_features(target, target.shape[1] // self.config.output_resampler.num_queries)
        selected = hidden[ids_gen_mask]
        if selected.shape[0] % count:
            raise ValueError(
                f"ids_gen_mask marks {selected.shape[0]} tokens, not a multiple of the {count} images to generate"
            )
        recon = self.regress(rearrange(selected, "(n q) d -> n q d", n=count))
        if self.config.rec_loss == "mse":
            return F.mse_loss(recon.float(), target), recon
        return (1 - F.cosine_similarity(recon.float(), target, dim=-1)).mean(), recon

    def touch_all(self) -> Tensor:
        """Return a scalar to add with factor 0: distributed training needs a gradient of every parameter in every step.

        Both resamplers run on zeros for it.
        """
        touched = next(self.input_resampler.parameters()).new_zeros((), dtype=torch.float32)
        for resampler in (self.input_resampler, self.output_resampler):
            config = resampler.config
            zeros = resampler.query.new_zeros((1, config.num_queries, config.input_dim))
            touched = touched + resampler(zeros).float().sum()
        return touched if self.patch_pos_embed is None else touched + self.patch_pos_embed.float().sum()


def pool_features(features: Tensor, pool: int = POOL) -> Tensor:
    """Return (N, T / pool, K): means of consecutive image features (N, T, K), as the regression targets are."""
    return reduce(features, "n (t pool) k -> n t k", "mean", pool=pool)
