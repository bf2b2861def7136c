"""The training corpus: pages and edits, with what the frozen visual encoder and VAE make of their images.

Both are frozen while everything else trains, so their outputs are computed once and kept in memory-mapped files.
Image i < num_scenes belongs to scene i; then come the pairs (source, target) of the edits.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from tqdm import tqdm

from seedx_finetune.nano.pixels import normalise, signed, to_bytes
from seedx_finetune.world import EditPair, Scene, sample_edit, sample_scene
from seedx_sdk.model.visual_encoder import VisualEncoder

_CHUNK = 50


class Corpus:
    """Pages, edits and their cached features, the same for the same seed.

    Args:
        directory: Where the arrays are kept.
        num_scenes: Single pages.
        num_edits: Edits, each with two pages.
        seed: Everything follows from it.
        image_size: Side of the images in pixels.

    `features` and `latents` raise ValueError when the directory holds those of another corpus.
    """

    def __init__(self, directory: Path, *, num_scenes: int, num_edits: int, seed: int, image_size: int) -> None:
        self.directory, self.image_size = directory, image_size
        rng = np.random.default_rng(seed)
        self.scenes: list[Scene] = [sample_scene(rng) for _ in range(num_scenes)]
        self.edits: list[EditPair] = [sample_edit(rng) for _ in range(num_edits)]

    @functools.cached_property
    def pages(self) -> list[Scene]:
        """The scene of every image."""
        return self.scenes + [page for edit in self.edits for page in (edit.source, edit.target)]

    def pair(self, edit: int) -> tuple[int, int]:
        """Return the image indices of an edit's source and target."""
        first = len(self.scenes) + 2 * edit
        return first, first + 1

    @torch.no_grad()
    def features(self, encoder: VisualEncoder) -> np.ndarray:
        """Return the visual features of every image, (images, Q, D) float16, computing what is missing."""
        queries, width = encoder.config.n_queries, encoder.config.output_dim
        return self._cached("features.npy", (queries, width), lambda pixels: encoder(normalise(pixels)))

    @torch.no_grad()
    def latents(self, vae: AutoencoderKL) -> np.ndarray:
        """Return the VAE's posterior mode for every image, (images, C, H, W) float16, unscaled."""
        side = self.image_size // 2 ** (len(vae.config["block_out_channels"]) - 1)

        def encode(pixels: Tensor) -> Tensor:
            mode: Tensor = vae.encode(signed(pixels)).latent_dist.mode()
            return mode

        return self._cached("latents.npy", (vae.config["latent_channels"], side, side), encode)

    def _cached(self, name: str, shape: tuple[int, ...], compute: Callable[[Tensor], Tensor]) -> np.ndarray:
        path = self.directory / name
        if not path.exists():
            self.directory.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            array = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float16, shape=(len(self.pages), *shape))  # type: ignore[no-untyped-call, unused-ignore]  # NumPy of late
            for start in tqdm(range(0, len(self.pages), _CHUNK), name, mininterval=5):
                pixels = to_bytes(self.pages[start : start + _CHUNK], self.image_size)
                with torch.autocast("cpu", torch.bfloat16):
                    array[start : start + _CHUNK] = compute(pixels).float().numpy()
            array.flush()
            partial.replace(path)
        cached: np.ndarray = np.load(path, mmap_mode="r")
        if cached.shape != (len(self.pages), *shape):
            raise ValueError(f"{path} is {cached.shape}, the corpus needs {(len(self.pages), *shape)}; delete the file")
        return cached
