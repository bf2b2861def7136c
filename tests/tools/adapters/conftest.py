from __future__ import annotations

from pathlib import Path

import pytest

from seedx_sdk import SeedX
from seedx_tools import FolderImages
from seedx_tools.toolbox import Toolbox
from tests.support.http_server import http, nano_server, serve

__all__ = ["http", "nano_server", "serve"]


@pytest.fixture
def toolbox(nano: SeedX, tmp_path: Path) -> Toolbox:
    """A toolbox whose image:1 shows a red house and a green tree."""
    box = Toolbox.of(nano, roots=[tmp_path], images=FolderImages(tmp_path / "images"))
    drawn = nano.generate("a red house and a green tree in a meadow", seed=7, num_inference_steps=8).image
    assert drawn is not None
    box.images.add(drawn)
    return box
