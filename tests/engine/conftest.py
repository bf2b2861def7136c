from __future__ import annotations

import pytest

from seedx_sdk.checkpoints.directory import ModelParts, load_directory
from seedx_sdk.engine import NANO


@pytest.fixture(scope="session")
def parts() -> ModelParts:
    """The shipped model's parts, loaded once; a test that changes them puts them back."""
    return load_directory(NANO)
