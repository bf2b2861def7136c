"""Image transforms: PIL image to normalized tensor, in the four variants of the reference, without torchvision.

Shapes: S image_size pixels.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch
from PIL import Image
from torch import Tensor

__all__ = ["CLIP_MEAN", "CLIP_STD", "ImageTransform", "TransformKind"]

TransformKind = Literal["clip", "clipa", "clipb", "sd"]

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
"""Mean of red, green and blue, 0..1, that the visual encoder's input is normalized with. Source: transforms.py."""
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Standard deviation likewise."""
_NORMS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "clip": (CLIP_MEAN, CLIP_STD),
    "clipa": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "clipb": (CLIP_MEAN, CLIP_STD),
    "sd": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}


class ImageTransform:
    """Resizes to S x S and normalizes (get_transform in transforms.py).

    Args:
        kind: "clip" for the visual encoder; "clipa" the same with ImageNet's mean and deviation; "clipb" pads to a
            square when keeping the ratio; "sd" for the VAE, -1..1 and bicubic.
        image_size: S.
        keep_ratio: False squeezes; True crops the center (or pads, for "clipb").

    Raises:
        ValueError: If the kind is unknown.
    """

    def __init__(self, kind: TransformKind, image_size: int, *, keep_ratio: bool = False) -> None:
        if kind not in _NORMS:
            raise ValueError(f"transform {kind!r} is unknown; use one of {get_args(TransformKind)}")
        self.kind, self.image_size, self.keep_ratio = kind, image_size, keep_ratio
        mean, std = _NORMS[kind]
        self._mean, self._std = torch.tensor(mean)[:, None, None], torch.tensor(std)[:, None, None]

    def __call__(self, image: Image.Image) -> Tensor:
        """Return the (3, S, S) float32 tensor of an image."""
        pixels = torch.from_numpy(np.array(self.resize(image.convert("RGB"))))
        scaled = pixels.permute(2, 0, 1).contiguous().float() / 255
        return (scaled - self._mean) / self._std

    def resize(self, image: Image.Image) -> Image.Image:
        """Return the S x S image before normalization."""
        size = self.image_size
        method = Image.Resampling.BICUBIC if self.kind == "sd" else Image.Resampling.BILINEAR
        if not self.keep_ratio:
            return image.resize((size, size), method)
        if self.kind == "clipb":
            return _pad_to_square(image).resize((size, size), method)
        width, height = image.size
        new = (size, int(size * height / width)) if width <= height else (int(size * width / height), size)
        left, top = round((new[0] - size) / 2), round((new[1] - size) / 2)
        return image.resize(new, method).crop((left, top, left + size, top + size))


def _pad_to_square(image: Image.Image) -> Image.Image:
    side = max(image.size)
    red, green, blue = (int(channel * 255) for channel in CLIP_MEAN)
    square = Image.new("RGB", (side, side), (red, green, blue))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square
