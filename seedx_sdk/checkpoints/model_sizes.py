"""The sizes of a model that decide how much memory it takes. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from seedx_sdk.checkpoints.memory import EDIT_BRANCHES, GENERATE_BRANCHES, kv_numbers, unet_numbers

__all__ = ["RELEASED", "ModelSizes"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSizes:
    """What of a model decides how much memory it takes. Numbers are parameters, not bytes."""

    llm: int
    """All of the language model."""
    llm_matrices: int
    """Those of its layers, which quantization stores in 8 bits."""
    llm_bytes: int
    """Bytes of a number in its weight files."""
    llm_width: int
    llm_mlp: int
    kv_numbers: int
    """Numbers kept for a token."""
    max_tokens: int
    """Length of the longest conversation."""
    lora_numbers: int
    """Parameters of an adapter of rank 1 on all matrices, for which vLLM makes room."""
    ranks: tuple[int, ...]
    """Ranks of the specialists' adapters."""
    visual_encoder: int
    projectors: int
    """Parameters of the general model's projectors; each specialist has as many."""
    unet: int
    resampler: int
    """The de-tokenizer's."""
    vae: int
    unet_activations: int
    """Numbers that the U-Net holds for one image and one branch of guidance, at the model's image size."""
    branches: int
    vae_channels: Mapping[str, Any]
    """The VAE's config, as `vae_numbers` reads it."""
    image_size: int
    """Side in pixels."""

    @classmethod
    def of(
        cls,
        parameters: Mapping[str, int],
        *,
        llm: Mapping[str, Any],
        unet: Mapping[str, Any],
        vae: Mapping[str, Any],
        image_size: int,
        llm_bytes: int = 2,
        ranks: tuple[int, ...] = (),
    ) -> Self:
        """Return the sizes of a checkpoint directory.

        Args:
            parameters: Numbers of parameters by subdirectory.
            llm: The language model's config.json.
            unet: The U-Net's config.json.
            vae: The VAE's config.json.
            image_size: Side of an image in pixels.
            llm_bytes: Bytes of a number in the language model's files.
            ranks: Ranks of the specialists' adapters.
        """
        edits = "detokenizer_edit/unet" in parameters
        detokenizer = "detokenizer_edit" if edits else "detokenizer"
        width, mlp, layers = llm["hidden_size"], llm["intermediate_size"], llm["num_hidden_layers"]
        outside = (1 if llm.get("tie_word_embeddings") else 2) * llm["vocab_size"] * width
        return cls(
            llm=parameters["llm"],
            llm_matrices=parameters["llm"] - outside - (2 * layers + 1) * width,
            llm_bytes=llm_bytes,
            llm_width=width,
            llm_mlp=mlp,
            kv_numbers=kv_numbers(llm),
            max_tokens=llm["max_position_embeddings"],
            lora_numbers=layers * (4 * 2 * width + 3 * (width + mlp)),
            ranks=ranks,
            visual_encoder=parameters["visual_encoder"],
            projectors=parameters["projectors"],
            unet=parameters[f"{detokenizer}/unet"],
            resampler=parameters[f"{detokenizer}/resampler"],
            vae=parameters[f"{detokenizer}/vae"],
            unet_activations=unet_numbers(unet, image_size // 2 ** (len(vae["block_out_channels"]) - 1)),
            branches=EDIT_BRANCHES if edits else GENERATE_BRANCHES,
            vae_channels=vae,
            image_size=image_size,
        )


RELEASED = ModelSizes.of(
    {
        "llm": 13_019_243_520,
        "visual_encoder": 1_935_610_624,
        "projectors": 126_500_000 + 88_600_000,
        "detokenizer_edit/unet": 2_567_475_204,
        "detokenizer_edit/resampler": 61_200_000,
        "detokenizer_edit/vae": 83_653_863,
    },
    llm={
        "hidden_size": 5120,
        "intermediate_size": 13824,
        "num_hidden_layers": 40,
        "num_attention_heads": 40,
        "vocab_size": 32330,
        "max_position_embeddings": 4096,
    },
    unet={
        "block_out_channels": (320, 640, 1280),
        "layers_per_block": 2,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    },
    vae={"block_out_channels": (128, 256, 512, 512)},
    image_size=1024,
)
"""The released model: parameters and configs of the reference's modules (SDXL base with the eight input channels of the
second stage, Qwen-VL's visual encoder, Llama 2 13B with 32,330 tokens)."""
