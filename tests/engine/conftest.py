from __future__ import annotations

import pytest

from seedx_sdk.engine import NANO
from seedx_sdk.model.directory import ModelParts, load_directory


@pytest.fixture(scope="session")
def parts() -> ModelParts:
    """The shipped model's parts, loaded once; a test that changes them puts them back."""
    return load_directory(NANO)
