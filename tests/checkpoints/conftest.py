from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the model's libraries are not installed: pip install 'seedx-sdk[local]'")

from tests.support.released_tree import Tree, build_tree


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The released files, written once; tests that change them use `tree`."""
    return build_tree(tmp_path_factory.mktemp("released") / "pretrained")


@pytest.fixture
def tree(built: Tree, tmp_path: Path) -> Tree:
    """A copy of the files that a test may damage."""
    shutil.copytree(built.path, tmp_path / "pretrained")
    return Tree(tmp_path / "pretrained", built.lvlm, built.visual_encoder, built.detokenizers)
