from __future__ import annotations

from pathlib import Path

import pytest

from seedx_sdk import ServiceError
from seedx_sdk.engine.backbones.child_processes import temporary_directory


def test_a_temporary_directory_too_long_for_sockets_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("a" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with pytest.raises(ServiceError, match="bytes too long for vLLM's sockets; set TMPDIR to a shorter path"):
        temporary_directory()
    assert not list(deep.iterdir())
