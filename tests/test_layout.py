"""The package as it is installed: what is in the wheel, what importing costs, what is public."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("seedx_sdk", "seedx_tools", "seedx_agents", "seedx_finetune")
HEAVY = ("torch", "transformers", "diffusers", "peft", "vllm")


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    (path,) = out.glob("*.whl")
    return path


def test_the_wheel_holds_the_packages_their_types_and_the_weights(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert {f"{package}/__init__.py" for package in PACKAGES} <= names
    shipped = {str(path.relative_to(ROOT)) for path in (ROOT / "seedx_sdk" / "nano").rglob("*") if path.is_file()}
    assert "seedx_sdk/nano/config.json" in shipped
    assert shipped <= names
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == set(PACKAGES)


@pytest.mark.nightly  # it installs all dependencies anew
def test_the_wheel_installs_in_a_clean_venv(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "clean", with_pip=False)
    python = tmp_path / "clean" / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    site = next((tmp_path / "clean" / "lib").glob("python*/site-packages"))
    # the dependencies come from this environment, our packages from the wheel only
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    code = f"import {', '.join(PACKAGES)}; print(*[m.__file__ for m in ({', '.join(PACKAGES)})], sep='\\n')"
    places = run(python, "-I", "-c", code, cwd=tmp_path).splitlines()
    assert places == [str(site / package / "__init__.py") for package in PACKAGES]
    assert run(tmp_path / "clean" / "bin" / "seedx", "--version", cwd=tmp_path) == "seedx 0.1.0\n"
    code = "from importlib.metadata import entry_points; print(*[e.name for e in entry_points(group='seedx.routes')])"
    assert run(python, "-I", "-c", code, cwd=tmp_path).split() == ["make_slides"]
    commands = run(tmp_path / "clean" / "bin" / "seedx", "--help", cwd=tmp_path)
    for name in (
        "describe",
        "detect",
        "generate",
        "edit",
        "slides",
        "deck",
        "story",
        "chat",
        "mcp",
        "eval",
        "train",
        "info",
        "convert",
        "extract-lora",
    ):
        assert f" {name} " in commands


@pytest.mark.parametrize(
    "module",
    ["seedx_sdk", "seedx_sdk.cli.main", "seedx_sdk.testing", "seedx_tools", "seedx_agents"],
)
def test_importing_needs_no_extra(module: str) -> None:
    paths = [str(ROOT), str(ROOT / "tools"), str(ROOT / "agents")]
    code = f"import sys; sys.path[:0] = {paths}; sys.modules.update(dict.fromkeys({HEAVY})); import {module}"
    run(sys.executable, "-c", code, cwd=ROOT)


def test_a_missing_extra_is_an_error_with_the_pip_line(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.modules['torch'] = None\n"
        "from seedx_sdk import MissingExtraError, SeedX\n"
        "try:\n    SeedX('.').generate('a house')\n"
        "except MissingExtraError as error:\n    sys.stdout.write(str(error))\n"
    )
    said = run(sys.executable, "-c", code, cwd=tmp_path)
    assert said == "the 'torch' package is not installed; install it with: pip install 'seedx-sdk[local]'"


def test_our_folders_do_not_shadow_packages_of_the_same_name() -> None:
    for folder in ("tools", "agents", "finetune"):
        assert not (ROOT / folder / "__init__.py").exists()
