"""Install each extra at the lowest versions that pyproject.toml admits, and run the tests that belong to it.

    python .ci/lowest.py              # every extra but vLLM's
    python .ci/lowest.py base serve   # some of them

Every bound is pinned at once, so bounds that exclude each other fail here too. What our dependencies need in turn comes
in the newest version that they take.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LIGHT = ["tests/sdk", "tests/tools", "tests/agents", "tests/test_commands.py"]
TESTS = {
    "base": LIGHT,
    "local": ["tests/model", "tests/engine", "tests/checkpoints", "tests/parity", *LIGHT],
    "serve": ["tests/serve"],
    "otel": ["tests/serve/test_tracing.py"],
    "ray": ["tests/serve/ray"],
    "train": ["tests/finetune"],
    "documents": ["tests/tools/documents"],
    "previews": ["tests/tools/decks/test_libreoffice.py"],
    # the others compare with langchain-tests, which want a newer langchain-core
    "langchain": [
        "tests/tools/adapters/test_langchain_images.py",
        "tests/tools/adapters/test_langchain_chat_sharing.py",
        "tests/tools/adapters/test_langchain_chat_tokens.py",
    ],
    "mcp": ["tests/tools/adapters/test_mcp.py"],
    "openai-agents": ["tests/tools/adapters/test_openai_agents.py"],
    "smolagents": ["tests/tools/adapters/test_smolagents.py"],
}
WITH = dict.fromkeys(("otel", "langchain", "mcp", "openai-agents", "smolagents"), "serve")
"""Extras that do something only beside another, or whose tests run a server."""
BRINGS = {"openai-agents": {"openai"}}
"""Test tools that an extra needs in a version of its own."""
TEST_TOOLS = ("hypothesis", "jsonschema", "openai", "psutil", "pypdf", "pytest", "pytest-asyncio", "python-docx")


def requirements(extra: str) -> Iterator[Requirement]:
    """Yield what the base and an extra require, with the extras that it names."""
    extras = PROJECT["optional-dependencies"]
    listed = PROJECT["dependencies"] if extra == "base" else [f"{PROJECT['name']}[base]", *extras[extra]]
    for line in listed:
        requirement = Requirement(line)
        if requirement.name == PROJECT["name"]:
            for other in requirement.extras:
                yield from requirements(other)
        else:
            yield requirement


def lowest(requirement: Requirement) -> str:
    """Pin a requirement to its lower bound."""
    (version,) = [bound.version for bound in requirement.specifier if bound.operator in (">=", "==")]
    return f"{requirement.name}=={version}"


def check(extra: str, folder: Path) -> bool:
    """Install an extra into a new environment and run its tests; return whether they pass."""
    names = [name for name in (extra, WITH.get(extra)) if name is not None]
    pins = {lowest(requirement) for name in names for requirement in requirements(name)}
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(sorted(pins)) + "\n", encoding="utf-8")
    tested = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    required = {requirement.name.lower() for name in names for requirement in requirements(name)}
    required |= BRINGS.get(extra, set())
    tools = [pin for pin in tested if (tool := pin.split("==")[0].lower()) in TEST_TOOLS and tool not in required]
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    project = f"{ROOT}[{','.join(names)}]" if extra != "base" else str(ROOT)
    install: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--constraint",
        constraints,
    ]
    if subprocess.run([*install, "--editable", project, *tools], cwd=ROOT, check=False).returncode != 0:
        return False
    # Old releases warn of what they call themselves; that is no fault here.
    pytest: list[str | Path] = [
        python,
        "-m",
        "pytest",
        "-q",
        "-W",
        "default",
        "-m",
        "not gpu and not slow and not nightly",
    ]
    return subprocess.run([*pytest, "-p", "no:cacheprovider", *TESTS[extra]], cwd=ROOT, check=False).returncode == 0


def main(extras: Sequence[str]) -> int:
    """Check the extras; return the exit code."""
    failed = []
    for extra in extras or TESTS:
        print(f"== the lowest versions of {extra}", flush=True)
        with tempfile.TemporaryDirectory(prefix=f"lowest-{extra}-") as folder:
            if not check(extra, Path(folder)):
                failed.append(extra)
    print("failed: " + ", ".join(failed) if failed else "the lowest versions pass")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
