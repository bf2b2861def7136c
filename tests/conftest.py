from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from seedx_sdk import SeedX
from seedx_sdk.engine import NANO
from seedx_sdk.files import write_file
from seedx_sdk.testing import ScriptedEngine

TESTS = Path(__file__).parent
OF_PROCESSES = (
    "engine/backbones/test_vllm.py",
    "serve/ray/",
    "serve/test_engine_failures.py",
    "serve/test_shutdown_and_exhaustion.py",
    "serve/test_vllm_server.py",
)
"""Files whose tests start engines and servers of their own, kill them and look for what they leave."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep each file in one of the processes of pytest-xdist; the files of OF_PROCESSES share one, and come first."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    groups = {}
    for item in items:
        file = item.path.relative_to(TESTS).as_posix()
        groups[item] = "processes" if file.startswith(OF_PROCESSES) else file
        item.add_marker(pytest.mark.xdist_group(groups[item]))
    items.sort(key=lambda item: groups[item] != "processes")


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
