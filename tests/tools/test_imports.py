"""Importing an adapter imports no torch, and a missing extra is a clear error."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "diffusers", "vllm")


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_no_adapter_imports_torch() -> None:
    modules = (
        "adapters.openai",
        "adapters.langchain",
        "adapters.mcp",
        "cli.mcp",
        "adapters.openai_agents",
        "adapters.smolagents",
    )
    for framework in ("mcp", "agents", "smolagents"):
        pytest.importorskip(framework)
    names = ", ".join(f"seedx_tools.{module}" for module in modules)
    done = run(f"import sys, {names}; print([m for m in {HEAVY} if m in sys.modules])")
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_the_adapters_for_openai_and_langchain_need_no_extra() -> None:
    missing = ("openai", "langchain", "langgraph", "mcp", "agents", "smolagents", *HEAVY)
    adapters = "seedx_tools.adapters.openai, seedx_tools.adapters.langchain"
    code = f"import sys; sys.modules.update(dict.fromkeys({missing})); import {adapters}"
    done = run(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("adapter", "package", "extra"),
    [
        ("mcp", "mcp_types", "mcp"),
        ("openai_agents", "agents", "openai-agents"),
        ("smolagents", "smolagents", "smolagents"),
    ],
)
def test_a_missing_framework_names_the_pip_line(adapter: str, package: str, extra: str) -> None:
    done = run(f"import sys; sys.modules[{package!r}] = None; import seedx_tools.adapters.{adapter}")
    assert f"the '{package}' package is not installed; install it with: pip install 'seedx-sdk[{extra}]'" in done.stderr
