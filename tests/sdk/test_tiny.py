"""The tiny model that is shipped for tests."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the model's libraries are not installed: pip install 'seedx-sdk[local]'")

from PIL import Image

from seedx_sdk import SeedX
from seedx_sdk.checkpoints.config import DirectoryConfig
from seedx_sdk.testing.tiny import tiny_model

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def checkpoint_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


def test_it_answers_with_a_word_and_generates_and_edits_images(checkpoint_dir: Path) -> None:
    image = Image.linear_gradient("L").convert("RGB")
    with SeedX(model=checkpoint_dir) as seedx:
        assert (seedx.info.name, seedx.info.image_size) == ("seed-x-tiny", 64)
        assert seedx.describe(image).text == "house"
        first, again, other = (seedx.generate("a boat", seed=seed).image for seed in (1, 1, 2))
        assert first == again != other
        wide = seedx.generate("a boat", width=72, height=64).image
        assert wide is not None and wide.size == (72, 64)
        assert seedx.edit(image, "make it red").image.size == (64, 64)


def test_the_seed_decides_its_weights(checkpoint_dir: Path, tmp_path: Path) -> None:
    revisions = [DirectoryConfig.read(tiny_model(tmp_path / str(seed), seed=seed)).revision for seed in (0, 1)]
    assert revisions[0] == DirectoryConfig.read(checkpoint_dir).revision != revisions[1]


def test_it_can_be_one_that_does_not_edit(tmp_path: Path) -> None:
    with SeedX(model=tiny_model(tmp_path / "model", edits=False)) as seedx:
        assert seedx.info.tasks == ("describe", "detect", "generate", "chat")
