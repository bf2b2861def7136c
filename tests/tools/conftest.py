from __future__ import annotations

from pathlib import Path

import pytest

import seedx_sdk
from seedx_sdk import SeedX
from seedx_sdk.testing import ScriptedEngine

SHIPPED = Path(seedx_sdk.__file__).parent / "nano" / "config.json"


@pytest.fixture(scope="session")
def real_seedx() -> SeedX:
    """The shipped model, where the checkout has its weights; else the stand-in."""
    return SeedX() if SHIPPED.exists() else SeedX(engine=ScriptedEngine())
