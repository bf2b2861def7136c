"""What a model of a small world can't know, said before it answers anyway."""

from __future__ import annotations

import math
import re

import numpy as np
from PIL import Image

from seedx_sdk.checkpoints.directory import DirectoryConfig, ModelParts
from seedx_sdk.model.tokenizer import Tokenizer

__all__ = ["reconstruction_psnr", "out_of_domain_image", "out_of_domain_words"]

_CURE = "load the large model with SeedX(model=DIRECTORY) for anything else"


def out_of_domain_image(picture: Image.Image, parts: ModelParts) -> str | None:
    """Returns a warning when the picture is unlike all that the model was trained on, such as a photograph."""
    threshold = parts.config.in_domain_psnr
    if threshold is None or reconstruction_psnr(picture, parts) >= threshold:
        return None
    return (
        f"this doesn't look like a page of the picture book, the only pictures that {parts.config.name} knows, "
        f"so the answer is a guess; {_CURE}"
    )


def reconstruction_psnr(picture: Image.Image, parts: ModelParts) -> float:
    """Returns the PSNR in dB between a picture and the VAE's copy of it, at the model's own size.

    The VAE has learnt to copy only the world of its training: what it copies badly, the model has never seen.
    """
    detokenizer = parts.detokenizer
    small = picture.convert("RGB").resize((parts.config.image_size,) * 2, Image.Resampling.BICUBIC)
    pixels = detokenizer.image_processor.preprocess(small)
    latents = detokenizer.encode_image(pixels) * detokenizer.vae.config.scaling_factor
    copy = detokenizer.image_processor.postprocess(detokenizer.decode_latents(latents), output_type="np")[0]
    error = float(np.mean((copy - np.asarray(small, dtype=np.float32) / 255) ** 2))
    return 10 * math.log10(1 / max(error, 1e-10))


def out_of_domain_words(text: str, config: DirectoryConfig, tokenizer: Tokenizer) -> str | None:
    """Returns a warning that lists the words that the model has never read.

    The tokenizer of a small world holds its words whole; a word that it must take apart is new to the model.
    """
    words = dict.fromkeys(re.findall(r"[^\W\d_]{2,}", text.lower()))
    new = [word for word in words if len(tokenizer.encode(word)) > 1]
    if not new:
        return None
    return f"{config.name} doesn't know {', '.join(new[:8])} and can only guess; {_CURE}"
