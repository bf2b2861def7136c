"""How long the doors of seedx_tools take to import: python benchmarks/import_times.py.

Prints, for each module, the CPU time of a fresh interpreter, the median of several, less that of an interpreter alone.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys

DOORS = ("openai", "langchain", "mcp", "openai_agents", "smolagents")
RUNS = 3


def seconds(code: str) -> float:
    """Return the median CPU time of an interpreter that runs some code, after one run that warms the disk."""
    times = []
    for _ in range(RUNS + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(times[1:])


def main() -> None:
    """Measure and print."""
    alone = seconds("pass")
    for module in ("seedx_sdk", "seedx_tools", *(f"seedx_tools.adapters.{door}" for door in DOORS)):
        print(f"{module:<36} {seconds(f'import {module}') - alone:.2f} s")


if __name__ == "__main__":
    main()
