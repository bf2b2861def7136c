"""The walkthrough of docs/training.md, Python and commands alike, from an empty directory to a served specialist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from seedx_sdk.cli.main import app
from seedx_sdk.engine import NANO
from tests.support.server_processes import Server, short_temp_dir, started

PAGE = Path(__file__).parents[2] / "docs" / "training.md"
HEADING = "## A try-on specialist of your own\n"
PORT = "http://localhost:8000"


def snippets() -> Iterator[tuple[str, int, str]]:
    """Yield the language of each block, the number of the line before its first one, and its text."""
    page = PAGE.read_text(encoding="utf-8")
    begin = page.index(HEADING)
    end = page.index("\n## ", begin)
    for block in re.finditer(r"^```(\w+)\n(.*?)^```$", page[begin:end], re.MULTILINE | re.DOTALL):
        yield block[1], page[: begin + block.start(2)].count("\n"), block[2]


def run(line: str, stack: ExitStack) -> Server | None:
    """Run a command; return the server, if it is one, which runs until the stack is closed."""
    program, *words = shlex.split(line)
    assert program == "seedx"
    if words[0] == "serve":
        arguments = words[: words.index("--port")]
        return stack.enter_context(started(short_temp_dir(), "-m", "seedx_sdk", *arguments))
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    return None


@pytest.mark.nightly
def test_the_walkthrough_ends_with_a_served_specialist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "snippet"}
    address = ""
    with ExitStack() as stack:
        for language, line, code in snippets():
            if language == "console":
                for command in code.splitlines():
                    server = run(command, stack)
                    address = server.address if server is not None else address
            else:
                assert language == "python"
                exec(compile("\n" * line + code.replace(PORT, address), str(PAGE), "exec"), names)
    assert "try_on" in capsys.readouterr().out
    for name in ("dressed.png", "served.png"):
        with Image.open(name) as image:
            assert image.size == (128, 128)
    assert Path("model/specialists/try_on/adapter_model.safetensors").is_file()
    weights = [path.relative_to(NANO) for path in NANO.rglob("*.safetensors") if "specialists" not in path.parts]
    assert {Path("llm/model.safetensors"), Path("projectors/model.safetensors")} <= set(weights)
    for path in weights:  # the model itself can do what it could do before
        assert (Path("model") / path).read_bytes() == (NANO / path).read_bytes(), path
