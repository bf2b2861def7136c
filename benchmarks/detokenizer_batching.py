"""Images per second of the de-tokenizer service in batches of 1, 4 and 8, and with each placement option.

    python benchmarks/detokenizer_batching.py
    python benchmarks/detokenizer_batching.py --device cuda --model DIR --dtype bfloat16

Every row draws the same images, after a batch that warms it up. Rounds go through all rows in turn, and the best
round counts, so that other work on the machine disturbs the ratios little. On a CPU, seconds are those that the process
was running, of all its threads.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from hardware import describe

from seedx_sdk.checkpoints.directory import ModelParts, load_directory
from seedx_sdk.engine import NANO
from seedx_sdk.engine.image_service.job import ImageJob
from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.engine.image_service.placement import Placement
from seedx_sdk.engine.image_service.service import LocalImageService
from seedx_sdk.model.lvlm import pool_features
from seedx_sdk.options import GenerationOptions

BATCHES = (1, 4, 8)


def main(argv: Sequence[str] | None = None) -> None:
    """Measures and prints one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=NANO, help="a model directory; the shipped model if left out")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), help="as loaded if left out")
    parser.add_argument("--images", type=int, default=8, help="images for each row, a multiple of 8")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, help="the model's own number if left out")
    parser.add_argument("--compile", action="store_true", help="also measure torch.compile, which takes minutes")
    options = parser.parse_args(argv)
    dtype = getattr(torch, options.dtype) if options.dtype else None
    placements = {
        "as loaded": Placement(dtype=dtype),
        "channels last": Placement(dtype=dtype, channels_last=True),
    }
    if options.compile:
        placements["compiled"] = Placement(dtype=dtype, compile=True)
    print(describe(options.device))
    loaded = {name: load_directory(options.model) for name in placements}  # one each, because a placement changes it
    rates: dict[tuple[str, int], list[float]] = defaultdict(list)
    for _ in range(options.rounds):
        for name, placement in placements.items():
            for batch in BATCHES:
                run = measure(loaded[name], placement, options.device, batch, options.images, options.steps)
                rates[name, batch].append(asyncio.run(run))
    print(f"{'placement':<14} {'batch':>5} {'images/s':>10} {'ratio':>6}   all rounds")
    first = max(rates["as loaded", 1])
    for (name, batch), found in rates.items():
        best = max(found)
        every = " ".join(f"{rate:.3f}" for rate in found)
        print(f"{name:<14} {batch:>5} {best:>10.3f} {best / first:>6.2f}   {every}")


async def measure(
    parts: ModelParts, placement: Placement, device: str, batch: int, count: int, steps: int | None
) -> float:
    """Images per second, with batches of exactly `batch`."""
    limits = ServiceLimits(max_batch=batch, max_queue=count, max_wait_ms=60_000)
    if placement.compile:
        placement = replace(placement, prepared_batches=(batch,))
    size = parts.config.visual_encoder.image_size
    noise = torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(0))

    async def drawn(service: LocalImageService, job: ImageJob) -> None:
        async for _ in service.generate(job):
            pass

    async with LocalImageService(parts, limits=limits, placement=placement, device=device) as service:
        with torch.inference_mode():
            weight = parts.visual_encoder.proj
            features = pool_features(parts.visual_encoder(noise.to(weight.device, weight.dtype))).cpu()
        jobs = [
            ImageJob.resolve(f, GenerationOptions(seed=n, num_inference_steps=steps), parts.config)
            for n, f in enumerate(torch.split(features, 1))
        ]
        await asyncio.gather(*(drawn(service, job) for job in jobs[:batch]))
        clock = time.process_time if device == "cpu" else time.perf_counter
        started = clock()
        await asyncio.gather(*(drawn(service, job) for job in jobs))
        seconds = clock() - started
        assert set(service.metrics.batch_sizes) == {batch}, service.metrics.batch_sizes
    return count / seconds


if __name__ == "__main__":
    main()
