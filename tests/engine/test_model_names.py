"""A model is named by its directory, or the shipped one by its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seedx_sdk.cli.main import app
from seedx_sdk.engine import NANO, checkpoint_directory
from seedx_sdk.settings import ClientSettings


@pytest.mark.parametrize("name", [None, "nano", "seed-x-nano", Path("nano"), NANO, str(NANO)])
def test_every_spelling_of_the_shipped_model(name: str | Path | None) -> None:
    assert checkpoint_directory(name) == NANO
    settings = ClientSettings(model=name)
    assert settings.directory == NANO and settings.identity["model"] == "shipped"
    assert settings.portable().directory == NANO


def test_a_directory_of_that_name_takes_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert checkpoint_directory("nano") == NANO
    (tmp_path / "nano").mkdir()
    (tmp_path / "nano" / "config.json").write_text("{}", encoding="utf-8")
    assert checkpoint_directory("nano") == Path("nano") and checkpoint_directory("other") == Path("other")


def test_the_command_line_knows_the_name(local: None) -> None:  # noqa: ARG001
    shown = CliRunner().invoke(app, ["info", "nano", "--json"])
    assert shown.exit_code == 0 and json.loads(shown.output)["name"] == "seed-x-nano"
