"""The Python in README.md and docs/ runs as it stands, with the model that ships; the links and commands exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import typer.main

from seedx_finetune.world import render, sample_scene
from seedx_sdk.cli.main import app
from seedx_sdk.engine import NANO

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OUTLINE = "# Our garden\n\n## What we planted\n- Three trees\n"


def blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """Find the fenced blocks of a language with the number of the line before their first one."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text[: match.start(1)].count("\n"), match[1]) for match in found]


@pytest.mark.skipif(not (NANO / "config.json").is_file(), reason="the shipped weights are not in seedx_sdk/nano yet")
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_the_python_of_a_page_runs_from_top_to_bottom(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
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
    for target in re.findall(r"\]\((?!https?:|draw|none)([^)#]+)\)", re.sub(r"`[^`]*`", "", text)):
        assert (page.parent / target).exists(), target
    for path in re.findall(r"`((?:seedx_sdk|tools|finetune|agents|tests|examples|docs)/[\w/.-]*)`", text):
        assert any((ROOT / base / path).exists() for base in ("", "seedx_sdk", "finetune")), path


def test_commands_and_their_options_exist() -> None:
    group = typer.main.get_command(app)
    context = typer.Context(group)
    lines = [line for page in PAGES for _, code in blocks(page, "console") for line in code.splitlines()]
    commands = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("seedx ")]
    assert {words[0] for words in commands} >= {"generate", "describe", "detect", "edit", "slides", "story", "eval"}
    for name, *words in commands:
        command = group.get_command(context, name)  # type: ignore[attr-defined]
        if name == "eval":
            command, words = command.get_command(context, words[0]), words[1:]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= options, (name, words)
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {line.split()[1] for line in lines if line.startswith("make ")} <= targets
