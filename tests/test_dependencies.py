"""What pyproject.toml requires, and the exact versions that `make` installs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LINES = [*PROJECT["dependencies"], *(line for lines in PROJECT["optional-dependencies"].values() for line in lines)]
REQUIREMENTS = {line: Requirement(line) for line in LINES if not line.startswith(("seedx-sdk[", "vllm=="))}


@pytest.fixture(scope="module")
def pins() -> dict[str, Version]:
    """The versions of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(name): Version(version) for name, version in found}


@pytest.mark.parametrize("line", REQUIREMENTS)
def test_every_requirement_is_met_by_the_pinned_version(line: str, pins: dict[str, Version]) -> None:
    requirement = REQUIREMENTS[line]
    assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("line", REQUIREMENTS)
def test_every_requirement_has_one_lower_bound(line: str) -> None:
    assert len([bound for bound in REQUIREMENTS[line].specifier if bound.operator in (">=", "==")]) == 1
