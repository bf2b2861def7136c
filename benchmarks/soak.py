"""A server under a mixed load for half an hour: is each answer right, and does the server stay as it was?

    python benchmarks/soak.py --backbone vllm                                 # 64 clients, 30 minutes
    python benchmarks/soak.py --backbone transformers --minutes 5 --json soak.json

It runs `seedx serve` with the shipped model, a file of API keys of which every second one has twice the weight, and
fewer places than clients, so that the keys take turns. Each client describes, generates, chats, streams, leaves
streams, sends bad requests and repeats requests with idempotency keys, with pages, prompts and seeds of its own, and
compares all that it gets with answers that it got before, when nobody else was there. Meanwhile the server's processes
are measured. The exit code is 1 if an answer was lost, wrong or another client's, if the server grew, or if anything
was left of it.

The weights are in float32: in bfloat16 the likeliest of two words that are nearly as likely depends on how many other
requests are in the batch.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from hardware import describe as describe_hardware
from process_tree import Held, Thirds, held_by, shared_memory, thirds
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table
from server_process import ServerProcess, serving
from soak_calls import REFERENCES, Caller
from soak_tally import Tally

SAMPLES = 180
"""Of what the processes hold, over the whole run."""
ALLOWED = {
    "memory_mib": 1.1,
    "threads": 1.1,
    "open_files": 1.1,
    "processes": 1.0,
    "shared_memory_files": 1.0,
    "temporary_files": 1.0,
}
"""Largest growth from the first to the last third. Memory has caches that fill, threads and sockets come and go."""


async def soak(
    server: ServerProcess, temp_dir: Path, clients: int, keys: Sequence[str], minutes: float
) -> tuple[Tally, list[Held]]:
    """Return the tally and the samples of a run."""
    tally = Tally()
    callers = [Caller(n, server.address, keys[n % len(keys)], tally) for n in range(clients)]
    samples: list[Held] = []

    async def watch() -> None:
        while True:
            samples.append(await asyncio.to_thread(held_by, server.process.pid, temp_dir))
            await asyncio.sleep(minutes * 60 / SAMPLES)

    try:
        for caller in callers:
            for kind in REFERENCES:
                await caller.reference(kind)
        print(f"{len(REFERENCES) * clients} right answers known; {clients} clients begin", flush=True)
        watching = asyncio.create_task(watch())
        until = time.monotonic() + minutes * 60
        await asyncio.gather(*(caller.run(until) for caller in callers))
        watching.cancel()
    finally:
        for caller in callers:
            await caller.aclose()
    return tally, samples


def report(tally: Tally, drift: dict[str, Thirds], left: Counter[str], minutes: float) -> dict[str, Any]:
    """Print the results as tables and return them as plain data."""
    console = Console(width=100)
    table = Table("calls", "started", "right", "median s", "p99 s")
    for kind, started in tally.started.items():
        p50, p99 = np.percentile(tally.seconds[kind] or [np.nan], (50, 99))
        table.add_row(kind, str(started), str(tally.right[kind]), f"{p50:.2f}", f"{p99:.2f}")
    table.add_row("all", str(tally.started.total()), str(tally.right.total()), "", "")
    console.print(table)
    table = Table("what the server holds", "start", "first third", "last third", "end", "growth", "allowed")
    for name, third in drift.items():
        counts = [f"{n:.0f}" for n in (third.start, third.first, third.last, third.end)]
        table.add_row(name.replace("_", " "), *counts, f"{third.growth:.3f}", f"{ALLOWED[name]:.2f}")
    console.print(table)
    counted = {"lost": tally.lost, "wrong": tally.wrong, "crossed": tally.crossed}
    for name, found in {**counted, "left at the end": left, "sent again, by status": tally.retried}.items():
        console.print(
            f"{name}: {found.total()}", *(f"  {count} x {what}" for what, count in found.most_common()), sep="\n"
        )
    return {
        "minutes": minutes,
        "started": dict(tally.started),
        "right": dict(tally.right),
        "lost": dict(tally.lost),
        "wrong": dict(tally.wrong),
        "crossed": dict(tally.crossed),
        "wrong_texts": tally.wrong_texts,
        "left": dict(left),
        "retried": dict(tally.retried),
        "drift": {name: {**asdict(third), "growth": third.growth} for name, third in drift.items()},
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the test, print and write the results, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", choices=("transformers", "vllm"), default="transformers")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--keys", type=int, default=8, help="API keys that the clients share")
    parser.add_argument("--places", type=int, default=16, help="replies in flight; others wait for their key's turn")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--json", type=Path, help="file for the results")
    parser.add_argument("--log", type=Path, help="file for the server's log")
    options = parser.parse_args(argv)
    print(f"{options.backbone}, {describe_hardware()}", flush=True)
    keys = [f"key-of-tenant-{n}" for n in range(options.keys)]
    with tempfile.TemporaryDirectory(prefix="soak-") as directory:
        temp_dir, log = Path(directory) / "tmp", options.log or Path(directory) / "log"
        temp_dir.mkdir()
        limits = ("--api-keys-file", write_keys(Path(directory), keys), "--max-replies", str(options.places))
        model = ("--backbone", options.backbone, "--dtype", "float32")
        with serving(*model, *limits, log=log, environment={"TMPDIR": str(temp_dir)}) as server:
            tally, samples = asyncio.run(soak(server, temp_dir, options.clients, keys, options.minutes))
            in_flight = replies_in_flight(server)
            used = used_by_key(server)
            family = psutil.Process(server.process.pid).children(recursive=True)
            shared = set().union(*(shared_memory(pid) for pid in (server.process.pid, *(p.pid for p in family))))
        left = remains(server, family, shared, temp_dir, log)
        left.update({"replies in flight": in_flight} if in_flight else {})
    drift = thirds(samples)
    results = {"backbone": options.backbone, "clients": options.clients, "hardware": describe_hardware()}
    results |= report(tally, drift, left, options.minutes) | {"used": used}
    table = Table("key", *next(iter(used.values()), {}))
    for name, row in used.items():
        table.add_row(name, *(f"{value:g}" for value in row.values()))
    Console(width=100).print(table)
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    grown = [name for name, third in drift.items() if third.growth > ALLOWED[name]]
    print(f"grown: {', '.join(grown) or 'nothing'}")
    return int(bool(tally.lost or tally.wrong or tally.crossed or left or grown))


def write_keys(directory: Path, keys: Sequence[str]) -> str:
    """Write a file of API keys, and return its path."""
    path = directory / "keys.toml"
    tables = (f'[keys.tenant-{n}]\nkey = "{key}"\nweight = {1 + n % 2}\n' for n, key in enumerate(keys))
    path.write_text("\n".join(tables))
    path.chmod(0o600)
    return str(path)


def used_by_key(server: ServerProcess) -> dict[str, dict[str, float]]:
    """Return what each key has used, as the server counts it."""
    used: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(httpx.get(f"{server.address}/metrics", timeout=60).text):
        if family.name in ("seedx_key_requests", "seedx_key_images", "seedx_key_steps"):
            for sample in family.samples:
                if sample.name.endswith("_total"):
                    used.setdefault(sample.labels["key"], {})[family.name.removeprefix("seedx_key_")] = sample.value
    return used


def replies_in_flight(server: ServerProcess) -> int:
    """Return the replies that the server still counts, half a minute after the last client at most."""
    until = time.monotonic() + 30
    while True:
        metrics = httpx.get(f"{server.address}/metrics", timeout=60).text
        (line,) = [line for line in metrics.splitlines() if line.startswith("seedx_replies_in_flight ")]
        if (count := int(float(line.split()[1]))) == 0 or time.monotonic() > until:
            return count
        time.sleep(0.5)


def remains(
    server: ServerProcess, family: Sequence[psutil.Process], shared: Iterable[str], temp_dir: Path, log: Path
) -> Counter[str]:
    """Return what is still there after the server has ended, and the errors that it logged."""
    _, alive = psutil.wait_procs(family, timeout=60)
    left = Counter(
        {
            "processes": len(alive),
            "shared memory": sum(Path(path).exists() for path in shared),
            "temporary files": len([*temp_dir.iterdir()]),
            f"exit code {server.process.returncode}": int(server.process.returncode != 0),
        }
    )
    lines = log.read_text(errors="replace").partition("Finished server process")[0]  # then only Python's own end
    for line in lines.splitlines():
        if '"levelname": "ERROR"' in line or line.startswith("Traceback"):
            left[f"log: {line[:200]}"] += 1
    return +left


if __name__ == "__main__":
    sys.exit(main())
