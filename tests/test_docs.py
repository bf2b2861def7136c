"""The Python in README.md and docs/ runs as it stands, with the model that ships; the links and commands exist."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer.main

import seedx_agents
import seedx_sdk
import seedx_tools
from docs.source_links import refreshed
from seedx_finetune.world import render, sample_scene
from seedx_sdk import SeedX
from seedx_sdk.cli.main import app
from seedx_sdk.engine import NANO

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SOURCES = [
    file.relative_to(ROOT).as_posix()
    for top in ("seedx_sdk", "tools", "agents", "finetune", "examples", "docs", "benchmarks", "tests")
    for file in sorted((ROOT / top).rglob("*.py"))
]
WITH_COMMANDS = "training.md"
"""Its Python needs what its commands make; tests/finetune/test_walkthrough.py runs both."""
OUTLINE = "# Our garden\n\n## What we planted\n- Three trees\n"


def blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """Find the fenced blocks of a language with the number of the line before their first one."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text[: match.start(1)].count("\n"), match[1]) for match in found]


@pytest.mark.skipif(not (NANO / "config.json").is_file(), reason="the shipped weights are not in seedx_sdk/nano yet")
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if blocks(page, "python") and page.name != WITH_COMMANDS],
    ids=lambda page: page.name,
)
def test_the_python_of_a_page_runs_from_top_to_bottom(
    page: Path, quick_nano: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("seedx_sdk.engine.NANO", quick_nano)
    render(sample_scene(np.random.default_rng(0))).save("page.png")
    Path("outline.md").write_text(OUTLINE, encoding="utf-8")
    names: dict[str, object] = {"__name__": "snippet"}
    for line, code in blocks(page, "python"):
        exec(compile("\n" * line + code, str(page), "exec"), names)  # a traceback names the page's own line


def test_every_kind_of_call_is_shown_in_the_readme() -> None:
    code = "\n".join(code for _, code in blocks(PAGES[0], "python"))
    for call in ("describe(", "detect(", "generate(", "edit(", "chat_stream(", "make_slides(", "tell_story(", "TOOLS"):
        assert call in code


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_named_files_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|draw|none|#)([^)#\s]+)(?:#[^)]*)?\)", re.sub(r"`[^`]*`", "", text)):
        assert (page.parent / target).exists(), target
    for path in re.findall(r"`((?:seedx_sdk|tools|finetune|agents|tests|examples|docs)/[\w/.-]*)`", text):
        assert any((ROOT / base / path).exists() for base in ("", "seedx_sdk", "finetune")), path
    for path in re.findall(r"`([\w/]+\.py)`", text):
        assert any(f"/{file}".endswith(f"/{path}") for file in SOURCES), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_source_lines_are_fresh(page: Path) -> None:
    assert refreshed(page) == page.read_text(encoding="utf-8"), "run: python docs/source_links.py"


def test_the_tables_of_options_are_fresh() -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'seedx-sdk[ray]'")
    from docs import option_tables

    assert option_tables.refreshed() == option_tables.PAGE.read_text("utf-8"), "run: python docs/option_tables.py"


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "[`test_" in page.read_text(encoding="utf-8")], ids=lambda page: page.name
)
def test_named_tests_exist(page: Path) -> None:
    named = re.findall(r"\[`(test_\w+)`\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    files = {file: (page.parent / file).read_text(encoding="utf-8") for _, file in named}
    assert [name for name, file in named if f"def {name}" not in files[file]] == []


def test_every_folder_with_code_has_a_row_in_the_readme() -> None:
    rows = re.findall(r"^\| `([\w/]+/)` \|", PAGES[0].read_text(encoding="utf-8"), re.MULTILINE)
    folders = {f"{Path(file).parent.as_posix()}/" for file in SOURCES}
    assert set(rows) == {"tests/" if folder.startswith("tests/") else folder for folder in folders} | {
        "seedx_sdk/nano/"
    }
    assert len(rows) == len(set(rows))


def test_images_are_small() -> None:
    for image in (ROOT / "docs" / "images").iterdir():
        assert image.stat().st_size < 300_000, image.name
    pages = [image.stat().st_size for image in (ROOT / "docs" / "images").glob("deck-*.png")]
    assert len(pages) == 10 and max(pages) < 60_000 and sum(pages) < 500_000


def test_the_site_builds_without_a_warning_and_loads_nothing_from_the_network(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    html = "".join(page.read_text(encoding="utf-8") for page in tmp_path.rglob("*.html"))
    assert not re.findall(
        r"<(?:script|img|iframe)[^>]* src=\"?(?:https?:)?//|<link[^>]* rel=\"?stylesheet[^>]*//", html
    )
    for package in (seedx_sdk, seedx_tools, seedx_agents):
        for name in package.__all__:
            assert f'id="{package.__name__}.{name}"' in html, name


def test_prompt_to_image_gives_the_image_of_the_client() -> None:
    example = ROOT / "examples" / "prompt_to_image.py"
    assert len(example.read_text(encoding="utf-8").splitlines()) <= 100
    prompt = "a red house and a green tree in a meadow"
    with SeedX() as seedx:
        drawn = seedx.generate(prompt, seed=7).image
    assert drawn is not None
    assert runpy.run_path(str(example))["prompt_to_image"](prompt, seed=7).tobytes() == drawn.tobytes()


def test_commands_and_their_options_exist() -> None:
    group = typer.main.get_command(app)
    context = typer.Context(group)
    lines = [line for page in PAGES for _, code in blocks(page, "console") for line in code.splitlines()]
    commands = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("seedx ")]
    assert {words[0] for words in commands} >= {"generate", "describe", "detect", "edit", "slides", "story", "eval"}
    for name, *words in commands:
        command = group.get_command(context, name)  # type: ignore[attr-defined]
        if hasattr(command, "get_command"):
            command, words = command.get_command(context, words[0]), words[1:]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= options, (name, words)
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {line.split()[1] for line in lines if line.startswith("make ")} <= targets
