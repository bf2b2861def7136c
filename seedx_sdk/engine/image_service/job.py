"""An image to generate, with every setting resolved and validated before it is queued."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Self

import torch
from PIL import Image
from torch import Tensor

from seedx_sdk.checkpoints.directory import DirectoryConfig
from seedx_sdk.engine.fair_line import NOBODY, Share
from seedx_sdk.errors import ImageError, InputError, SizeError
from seedx_sdk.model.detokenizer import Detokenizer
from seedx_sdk.options import GenerationOptions, Sampler
from seedx_sdk.validation import check_fast

__all__ = ["ImageJob"]


@dataclass(kw_only=True, slots=True, frozen=True)
class ImageJob:
    """An image to generate, with every setting resolved."""

    features: Tensor
    """(1, Q, K) image features, as `LocalImageService.regress` gives them."""
    width: int
    """Pixels, a multiple of the VAE's factor (8 as released)."""
    height: int
    """Pixels, a multiple of the same factor."""
    num_inference_steps: int
    """Denoising steps; with the fast sampler, those of the model's fast mode."""
    guidance_scale: float
    """Weight of the features."""
    image_guidance_scale: float
    """Weight of the condition image."""
    seed: int
    """Seed of the noise; not negative."""
    condition: Image.Image | None = None
    """Image to edit."""
    sampler: Sampler = "reference"
    preview_every: int = 0
    """Steps between previews, each of which costs one decoding; 0 is none."""
    deadline: float | None = None
    """Value of `time.monotonic()` after which nobody waits for the image."""
    share: Share = NOBODY
    """For whom it is; those who share the device take turns."""

    @classmethod
    def resolve(
        cls,
        features: Tensor,
        options: GenerationOptions,
        config: DirectoryConfig,
        *,
        condition: Image.Image | None = None,
        deadline: float | None = None,
        share: Share = NOBODY,
    ) -> Self:
        """Return the job of a request, with the model's defaults where its options are None."""
        defaults, fast = config.generation, config.fast if options.sampler == "fast" else None
        steps = fast.num_inference_steps if fast is not None else defaults.num_inference_steps
        return cls(
            features=features,
            width=options.width or config.image_size,
            height=options.height or config.image_size,
            num_inference_steps=options.num_inference_steps or steps,
            guidance_scale=_or_default(options.guidance_scale, defaults.guidance_scale),
            image_guidance_scale=_or_default(options.image_guidance_scale, defaults.image_guidance_scale),
            seed=options.seed,
            condition=condition,
            sampler=options.sampler or "reference",
            preview_every=options.preview_every or 0,
            deadline=deadline,
            share=share,
        )

    @property
    def key(self) -> Hashable:
        """What must be equal for jobs to be denoised in one batch."""
        scales = (self.guidance_scale, self.image_guidance_scale)
        shape = tuple(self.features.shape)
        return (
            self.width,
            self.height,
            self.num_inference_steps,
            *scales,
            self.sampler,
            self.condition is not None,
            shape,
        )

    @property
    def cost(self) -> int:
        """What denoising it takes, in pixels times steps; equal for jobs with equal keys."""
        return self.width * self.height * self.num_inference_steps

    def most_together(self, max_batch: int, image_size: int) -> int:
        """Return how many such images a batch may have: no more pixels than `max_batch` of the model's own size."""
        return max(1, min(max_batch, max_batch * image_size**2 // (self.width * self.height)))

    def check(self, detokenizer: Detokenizer, config: DirectoryConfig) -> None:
        """Reject what would only fail later, together with its batch.

        Raises:
            SizeError: If the size is not a positive multiple of the VAE's factor.
            ImageError: If the condition image is damaged.
            InputError: If anything else is not allowed; the message says what.
        """
        dim, factor = detokenizer.resampler.config["embedding_dim"], detokenizer.vae_scale_factor
        shape = tuple(self.features.shape)
        if len(shape) != 3 or shape[0] != 1 or shape[1] < 1 or shape[2] != dim:
            raise InputError(f"features have shape {shape}; allowed is (1, tokens, {dim})")
        if not torch.isfinite(self.features).all():
            raise InputError("features hold NaN or infinite values; compute them again")
        if min(self.width, self.height) < factor or self.width % factor or self.height % factor:
            fixed = "x".join(str(max(factor, side // factor * factor)) for side in (self.width, self.height))
            raise SizeError(f"size {self.width}x{self.height} must be positive multiples of {factor}; use {fixed}")
        if not (math.isfinite(self.guidance_scale) and math.isfinite(self.image_guidance_scale)):
            raise InputError(
                f"guidance_scale {self.guidance_scale} and image_guidance_scale {self.image_guidance_scale} "
                "must be finite numbers"
            )
        if self.num_inference_steps < 1 or not 0 <= self.seed < 1 << 64 or self.preview_every < 0:
            raise InputError(
                f"num_inference_steps {self.num_inference_steps}, seed {self.seed} and preview_every "
                f"{self.preview_every} are not usable; num_inference_steps must be 1 or more, the others 0 or more, "
                "and the seed below 2**64"
            )
        if self.condition is not None:
            self._check_condition(self.condition, detokenizer, config)
        if self.sampler == "fast":
            measured = None if config.fast is None else config.fast.num_inference_steps
            check_fast(self.num_inference_steps, measured, f"{config.name} ({config.revision})")

    def _check_condition(self, image: Image.Image, detokenizer: Detokenizer, config: DirectoryConfig) -> None:
        if not detokenizer.takes_condition_image:
            raise InputError(f"{config.name} takes no condition image; load a model with a detokenizer_edit directory")
        try:
            image.load()  # the rest of a file that was only opened
        except OSError as error:
            raise ImageError(f"the condition image is damaged ({error}); open another one") from error


def _or_default(value: float | None, default: float) -> float:
    return default if value is None else value
