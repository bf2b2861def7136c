"""Compares our modules with a directory of golden cases: `python tests/parity/run.py DIR [--kinds vit,agent_gen]`.

Every case is run on its own weights and inputs, and every output that it holds is compared. Prints one line per case;
exits with 0 only if all of them pass.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for root in (ROOT / "finetune", ROOT, HERE):  # it also runs from a bare checkout
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))

import parity_agent  # noqa: E402
import parity_data  # noqa: E402
import parity_detokenizer  # noqa: E402
import parity_text  # noqa: E402
import parity_vision  # noqa: E402
import torch  # noqa: E402
from parity_case import Case, CaseError, Report, sha256  # noqa: E402

KINDS: dict[str, Callable[[Report], None]] = {
    **parity_vision.KINDS,
    **parity_text.KINDS,
    **parity_agent.KINDS,
    **parity_detokenizer.KINDS,
    **parity_data.KINDS,
}


@dataclass(frozen=True)
class Outcome:
    """The result of one case, or of one damaged file."""

    kind: str
    name: str
    max_abs: float
    max_rel: float
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing differed."""
        return not self.problems

    def __str__(self) -> str:
        """Return the line that is printed."""
        head = f"{'pass' if self.passed else 'FAIL'}  {self.kind:17} {self.name:22}"
        return "; ".join([f"{head} abs {self.max_abs:.2e}  rel {self.max_rel:.2e}", *self.problems[:5]])


def check_directory(directory: Path, kinds: Sequence[str] | None = None) -> list[Outcome]:
    """Return the outcome of every case of the directory, then of every file that contradicts its manifest.

    Args:
        directory: Holds `*.json` cases, and perhaps a `manifest.json` with the hash of each file.
        kinds: Kinds to run; None runs all, and then an unknown kind fails.
    """
    outcomes = [_failed("kind", kind, "unknown kind") for kind in kinds or () if kind not in KINDS]
    for path in sorted(directory.glob("*.json")):
        if path.name != "manifest.json" and (outcome := check_file(path, kinds)):
            outcomes.append(outcome)
    outcomes.extend(_check_manifest(directory))
    return outcomes


def check_file(path: Path, kinds: Sequence[str] | None = None) -> Outcome | None:
    """Return the outcome of one case; None if it is of a kind that is not to be run."""
    try:
        kind = str(json.loads(path.read_text(encoding="utf-8"))["kind"])
    except (ValueError, KeyError, TypeError) as error:
        return _failed("?", path.stem, f"not a case: {error}")
    if kinds is not None and kind not in kinds:
        return None
    if kind not in KINDS:
        return _failed(kind, path.stem, "unknown kind")
    try:
        report = Report(Case.load(path))
        with torch.no_grad():
            KINDS[kind](report)
    except CaseError as error:
        return _failed(kind, path.stem, str(error))
    except Exception as error:  # a case that stops us has failed; the others still run
        return _failed(kind, path.stem, f"{type(error).__name__}: {error}".splitlines()[0])
    return Outcome(kind, path.stem, report.max_abs, report.max_rel, tuple(report.finish()))


def _check_manifest(directory: Path) -> list[Outcome]:
    manifest = directory / "manifest.json"
    if not manifest.is_file():
        return []
    outcomes = []
    for name, entry in json.loads(manifest.read_text(encoding="utf-8")).items():
        path = directory / name
        if not path.is_file():
            outcomes.append(_failed("manifest", name, "the file is missing"))
        elif sha256(path) != entry["sha256"]:
            outcomes.append(_failed("manifest", name, "the file does not have the sha256 of the manifest"))
    return outcomes


def _failed(kind: str, name: str, problem: str) -> Outcome:
    return Outcome(kind, name, float("nan"), float("nan"), (problem,))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the outcomes and return the exit status."""
    parser = argparse.ArgumentParser(description="Compares the model code with golden cases.")
    parser.add_argument("directory", type=Path, help="directory of golden cases")
    parser.add_argument("--kinds", help=f"comma-separated kinds to run, of: {', '.join(KINDS)}")
    options = parser.parse_args(arguments)
    kinds = [kind.strip() for kind in options.kinds.split(",")] if options.kinds else None
    outcomes = check_directory(options.directory, kinds)
    for outcome in outcomes:
        print(outcome)
    failed = sum(not outcome.passed for outcome in outcomes)
    print(f"{len(outcomes) - failed} passed, {failed} failed")
    return 0 if outcomes and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
