from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from seedx_sdk import SeedX
from seedx_sdk.engine import NANO
from seedx_sdk.files import write_file
from seedx_sdk.testing import ScriptedEngine

TESTS = Path(__file__).parent
LONGEST = (
    "serve/ray/test_deploy.py",
    "engine/backbones/test_vllm.py",
    "serve/test_vllm_server.py",
    "serve/test_engine_failures.py",
    "serve/test_shutdown_and_exhaustion.py",
    "finetune/training/test_resume.py",
)
"""Files to begin with, so that the processes of pytest-xdist end at about the same time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that load a model, and put the files of LONGEST first."""
    for item in items:
        if isinstance(item, pytest.Function) and {"local", "nano", "quick_nano"}.intersection(item.fixturenames):
            item.add_marker("model")
    files = {item: item.path.relative_to(TESTS).as_posix() for item in items}
    items.sort(key=lambda item: LONGEST.index(files[item]) if files[item] in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def local() -> None:
    """Skip the test where the model's libraries are not installed."""
    pytest.importorskip("torch", reason="the model's libraries are not installed: pip install 'seedx-sdk[local]'")


@pytest.fixture(scope="session")
def nano(local: None) -> Iterator[SeedX]:  # noqa: ARG001
    """The client of the shipped model."""
    with SeedX() as seedx:
        yield seedx


@pytest.fixture(scope="session")
def quick_nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped checkpoint directory, whose own number of denoising steps is four."""
    directory = tmp_path_factory.mktemp("quick") / "nano"
    directory.mkdir()
    for part in NANO.iterdir():
        (directory / part.name).symlink_to(part)
    config = json.loads((NANO / "config.json").read_text(encoding="utf-8"))
    config["generation"]["num_inference_steps"] = 4
    (directory / "config.json").unlink()
    write_file(directory / "config.json", json.dumps(config).encode())
    return directory


@pytest.fixture
def picture() -> Image.Image:
    """A red rectangle on light blue, 64 wide and 48 high."""
    image = Image.new("RGB", (64, 48), (200, 230, 255))
    ImageDraw.Draw(image).rectangle((16, 12, 47, 35), fill=(220, 40, 40))
    return image


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def seedx(engine: ScriptedEngine) -> SeedX:
    """The real client over the shipped stand-in for a model."""
    return SeedX(engine=engine)
