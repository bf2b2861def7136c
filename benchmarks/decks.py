"""How long does a deck without pictures take?

    python benchmarks/decks.py --rounds 5

Makes a deck of 12 slides (points, columns, a table, charts, a quote) in this process, several times, and prints the
best time of making and saving it, of linting it, and of rendering its previews, with the machine. The time of
importing the package is printed apart.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

TOPICS = ("The market", "Our customers", "What we sell", "How we sell", "The team", "Risks")
OUTLINE = "\n".join(
    (
        "# The year\n\nA review",
        *(f"## {topic}\n\n" + "\n".join(f"- Point {n} of it says something" for n in range(1, 6)) for topic in TOPICS),
        "## Two ways\n\n### Alone\n\n- Slow\n- Cheap\n\n### Together\n\n- Fast\n- Dear",
        "## The figures\n\n| Year | Sales | Costs |\n|---|---|---|\n| 2024 | 10 | 8 |\n| 2025 | 12 | 9 |",
        "## Sales rise\n\n```chart bar\nYear,Sales\n2023,9\n2024,10\n2025,12\n```",
        "## Costs\n\n```chart line\nYear,Costs\n2023,7\n2024,8\n2025,9\n```",
        '## They say\n\n"A fine year." -- Ann Lee',
    )
)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(argv)
    started = time.perf_counter()
    from seedx_sdk import SeedX
    from seedx_sdk.testing import ScriptedEngine
    from seedx_tools import check_deck, make_slides

    imported = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder, SeedX(engine=ScriptedEngine()) as seedx:
        path = Path(folder) / "deck.pptx"
        deck = make_slides(seedx, OUTLINE, path=path, pictures=False)
        made = best(lambda: make_slides(seedx, OUTLINE, path=path, pictures=False), options.rounds)
        linted = best(lambda: check_deck(path), options.rounds)
        started = time.perf_counter()
        previews = len(deck.previews)
        rendered = time.perf_counter() - started
        print(f"{len(deck.slides)} slides on {processor()}, Python {platform.python_version()}")
        print(f"import {imported:.2f} s, make {made:.2f} s, lint {linted:.2f} s, {previews} previews {rendered:.2f} s")
    return 0


def best(call: Callable[[], object], rounds: int) -> float:
    """Return the seconds of the fastest of several calls."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return min(times)


def processor() -> str:
    """Return the processor in words, with the number of its cores that this process may use."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{name}, {os.cpu_count()} cores"


if __name__ == "__main__":
    raise SystemExit(main())
