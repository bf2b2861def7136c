"""The corpus: which image is which, and features that are computed once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

from seedx_finetune.nano.corpus import Corpus
from seedx_finetune.nano.page_code import WIDTH
from seedx_finetune.nano.pixels import normalise, signed, to_bytes, to_pixels, to_signed
from seedx_finetune.world import render, sample_scene
from seedx_sdk.model.transforms import ImageTransform
from seedx_sdk.model.visual_encoder import VisualEncoder


def corpus(directory: Path, *, num_scenes: int = 3) -> Corpus:
    return Corpus(directory, num_scenes=num_scenes, num_edits=2, seed=5, image_size=32)


def test_pairs_point_at_the_pages_of_their_edit(work: Path) -> None:
    made = corpus(work)
    assert len(made.pages) == 3 + 2 * 2
    assert made.pages[:3] == made.scenes
    for number, edit in enumerate(made.edits):
        source, target = made.pair(number)
        assert (made.pages[source], made.pages[target]) == (edit.source, edit.target)
    assert corpus(work).pages == made.pages


def test_features_are_computed_once_and_read_again(work: Path, make_encoder: Callable[[], VisualEncoder]) -> None:
    encoder = make_encoder().eval()
    made = corpus(work)
    features = made.features(encoder)
    assert features.shape == (7, 256, WIDTH) and features.dtype == np.float16
    expected = encoder(to_pixels([made.pages[4]], 32)).detach().numpy()[0]
    # bfloat16 autocast holds eight bits of a value
    np.testing.assert_allclose(features[4].astype(np.float32), expected, atol=0.05, rtol=0.05)
    assert [path.name for path in work.iterdir()] == ["features.npy"]
    torch.nn.init.zeros_(encoder.proj)
    np.testing.assert_array_equal(corpus(work).features(encoder), features)


def test_latents_are_the_modes_of_the_vae(work: Path, make_vae: Callable[[], AutoencoderKL]) -> None:
    vae = make_vae().eval()
    made = corpus(work)
    latents = made.latents(vae)
    assert latents.shape == (7, 3, 16, 16)
    expected = vae.encode(to_signed([made.pages[0]], 32)).latent_dist.mode().detach().numpy()[0]
    np.testing.assert_allclose(latents[0].astype(np.float32), expected, atol=0.05, rtol=0.05)


def test_the_cache_of_another_corpus_is_refused(work: Path, make_encoder: Callable[[], VisualEncoder]) -> None:
    encoder = make_encoder().eval()
    corpus(work).features(encoder)
    with pytest.raises(ValueError, match="delete the file"):
        corpus(work, num_scenes=4).features(encoder)


def test_pages_are_normalised_as_the_engine_normalises_pictures() -> None:
    scene = sample_scene(np.random.default_rng(0))
    batch = to_bytes([scene], 64)
    assert batch.shape == (1, 3, 64, 64) and batch.dtype == torch.uint8
    torch.testing.assert_close(normalise(batch)[0], ImageTransform("clip", 64)(render(scene, 64)))
    torch.testing.assert_close(signed(batch)[0], ImageTransform("sd", 64)(render(scene, 64)))
