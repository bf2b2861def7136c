from __future__ import annotations

import pytest
from PIL import Image, ImageDraw

from seedx_sdk import SeedX
from seedx_sdk.testing import ScriptedEngine


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
