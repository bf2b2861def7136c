"""`seedx deck`: the outline of a saved deck, and changes of it as a whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from pptx import Presentation
from typer.testing import CliRunner, Result

from seedx_sdk import InputError, SeedX
from seedx_sdk.testing import ScriptedEngine
from seedx_tools import make_slides
from seedx_tools.cli.decks import deck

OUTLINE = "# Plan\n\n## Budget\n- 4 M\n\n## Risks\n- Late parts\n\n## Team\n- Ann\n"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return make_slides(SeedX(engine=ScriptedEngine()), OUTLINE, path=tmp_path / "plan.pptx", pictures=False).path


def run(*args: object) -> Result:
    app = typer.Typer()
    app.command()(deck)
    client = SeedX(engine=ScriptedEngine())
    return CliRunner().invoke(app, [str(arg) for arg in args], obj=lambda _: client, catch_exceptions=False)


def titles(path: Path) -> list[str]:
    return [slide.shapes.title.text for slide in Presentation(str(path)).slides]


def test_the_outline_is_printed(made: Path) -> None:
    assert run(made).stdout.splitlines()[:3] == ["1. Plan (title slide)", "2. Budget (points)", "3. Risks (points)"]
    assert json.loads(run(made, "--json").stdout)["slides"][1]["points"] == ["4 M"]


def test_the_help_names_defaults() -> None:
    assert "Output file (default:" in run("--help").stdout  # brackets would be taken for Rich markup


def test_words_orders_and_options_change_the_deck(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pptx"
    assert run(made, "move the risks slide to the end; delete slide 2", "-o", out).stdout == f"{out}\n"
    assert titles(out) == ["Plan", "Team", "Risks"] and len(titles(made)) == 4
    (tmp_path / "orders.json").write_text('[{"kind": "duplicate", "slide": 2}]', encoding="utf-8")
    run(out, "--orders", tmp_path / "orders.json")
    assert titles(out) == ["Plan", "Team", "Team", "Risks"]
    result = run(made, "--num-slides", 3)
    assert titles(made) == ["Plan", "Budget", "Risks"]
    assert "'Team' was merged with 'Risks'" in " ".join(result.stderr.split())


def test_the_design_changes(made: Path) -> None:
    before = made.read_bytes()
    run(made, "--theme", "night", "--dry-run")
    assert made.read_bytes() == before
    run(made, "--theme", "night")
    master = Presentation(str(made)).slide_master
    assert b"SeedX night" in next(r.target_part.blob for r in master.part.rels.values() if r.reltype.endswith("/theme"))


def test_faults_name_the_cure(made: Path, tmp_path: Path) -> None:
    (tmp_path / "orders.json").write_text('[{"kind": "move"}]', encoding="utf-8")
    with pytest.raises(InputError, match="is not a list of orders, such as .*the order 'move' needs 'slide'"):
        run(made, "--orders", tmp_path / "orders.json")
    assert run(made, "delete slide 2", "--theme", "night").exit_code == 2


@pytest.mark.parametrize("option", [("--dry-run",), ("--master", "Office")])
def test_options_of_a_design_without_one_change_nothing(made: Path, option: tuple[str, ...]) -> None:
    before = made.read_bytes()
    result = run(made, "delete slide 2", *option)
    assert result.exit_code == 2 and "is only for a new design" in " ".join(result.stderr.split())
    assert made.read_bytes() == before
