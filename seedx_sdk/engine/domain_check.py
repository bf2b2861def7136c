"""What a model of a small world can't know, checked before it answers anyway."""

from __future__ import annotations

import math
import re
from functools import cache

import numpy as np
from PIL import Image

from seedx_sdk.checkpoints.directory import DirectoryConfig, ModelParts
from seedx_sdk.types import Task

__all__ = ["out_of_domain_image", "out_of_domain_text", "reconstruction_psnr", "words_of"]

_CURE = "load the large model with SeedX(model=DIRECTORY) for anything else"
_WORD = re.compile(r"(?:[^\W\d_]+(?:'[^\W\d_]+)?(?: of\b)?)|\d+")
_ARTICLES = frozenset(("a", "an", "the"))
_COUNTS = {"two": 2, "three": 3, "four": 4}
_MOST_OBJECTS = 4
"""Objects of an image that the picture book holds at most."""


def out_of_domain_image(image: Image.Image, parts: ModelParts) -> str | None:
    """Return a warning if the image is unlike all that the model was trained on, such as a photograph."""
    threshold = parts.config.in_domain_psnr
    if threshold is None or reconstruction_psnr(image, parts) >= threshold:
        return None
    return (
        f"this doesn't look like a page of the picture book, the only images that {parts.config.name} knows, "
        f"so the answer is a guess; {_CURE}"
    )


def reconstruction_psnr(image: Image.Image, parts: ModelParts) -> float:
    """Return the PSNR in dB between an image and the VAE's copy of it, at the model's own size.

    The VAE has learned to copy only the world of its training: what it copies badly, the model has never seen.
    """
    detokenizer = parts.detokenizer
    small = image.convert("RGB").resize((parts.config.image_size,) * 2, Image.Resampling.BICUBIC)
    pixels = detokenizer.image_processor.preprocess(small)
    latents = detokenizer.encode_image(pixels) * detokenizer.vae.config.scaling_factor
    copy = detokenizer.image_processor.postprocess(detokenizer.decode_latents(latents), output_type="np")[0]
    error = float(np.mean((copy - np.asarray(small, dtype=np.float32) / 255) ** 2))
    return 10 * math.log10(1 / max(error, 1e-10))


def out_of_domain_text(text: str, task: Task, config: DirectoryConfig) -> str | None:
    """Return a warning that names the words and numbers that the model was never trained to read in such a request.

    Args:
        text: What the user wrote, as `prompting.normalized` writes it.
        task: What can be generated has a vocabulary of its own: "behind" can be asked about, not drawn. All other
            requests may use any word of the training.
        config: Holds the vocabulary; without one the model reads everything.
    """
    if config.vocabulary is None:
        return None
    known = _known(config.vocabulary[task] if task == "generate" else " ".join(config.vocabulary.values()))
    words = words_of(text)
    new = [f'"{word.replace("_", " ")}"' for word in dict.fromkeys(words) if word not in known | _ARTICLES]
    if new:
        return f"{config.name} doesn't know {', '.join(new[:8])} and can only guess; {_CURE}"
    if task == "generate" and sum(_COUNTS.get(word, 0) for word in words) > _MOST_OBJECTS:
        return f"{config.name} draws at most four objects in one image; ask for fewer, or {_CURE}"
    return None


def words_of(text: str) -> list[str]:
    """Return the words and numbers of a text in lower case; "left of" and the like are one word."""
    return [word.replace(" ", "_") for word in _WORD.findall(text.lower())]


@cache
def _known(vocabulary: str) -> frozenset[str]:
    return frozenset(vocabulary.split())
