"""The gate of the fast mode: does a better solver with fewer steps draw as well as the model's own sampling?

    python benchmarks/fast_mode.py --n 24 --seed 1 --steps 12 --json benchmarks/fast_mode_nano.json

For every prompt of the picture-book evaluation it draws one picture with the model's own scheduler and steps and one
with the fast ones, from the same features and the same noise, and measures two things: whether the independent judge
finds what was asked for (paired, so that the difference has an interval), and how far the fast picture is from the
reference (PSNR). The mode passes if the lower end of the interval of the difference is not below -2 points and the
mean PSNR is 35 dB or more, where two pictures are hard to tell apart. Only then may a model's config.json name it
(`generation.fast`). A mode that failed is not tried again on other prompts until it passes: take more steps.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from hardware import describe
from PIL import Image

from seedx_finetune.evaluation.judge import Judge
from seedx_finetune.evaluation.prompts import CATEGORIES, SPLITS, sample_prompts
from seedx_finetune.evaluation.statistics import mean, proportion
from seedx_finetune.evaluation.verdict import is_fulfilled
from seedx_sdk import SeedX
from seedx_sdk.checkpoints.directory import ModelParts, load_directory
from seedx_sdk.engine import NANO
from seedx_sdk.engine.backbones.transformers import TransformersBackbone
from seedx_sdk.engine.image_service.service import LocalImageService, ServiceLimits
from seedx_sdk.engine.interleaved import InterleavedEngine
from seedx_sdk.model.denoise_loop import SOLVERS, copy_scheduler

MAX_LOSS = 0.02
"""Largest loss of right pictures, as a share, that the interval may still hold."""
MIN_PSNR = 35.0
"""Smallest mean fidelity to the reference's pictures, in dB."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print and save; return 0 if the mode passes, 1 if not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=NANO, help="a model directory; the shipped model if left out")
    parser.add_argument("--n", type=int, default=16, help="prompts for each category and split")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--solver", choices=sorted(SOLVERS), default="dpmsolver++")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--json", type=Path, help="a list of runs to add this one to")
    options = parser.parse_args(argv)
    result = measure(options.model, options.n, options.seed, options.solver, options.steps)
    print(json.dumps(result, indent=1))
    if options.json is not None:
        runs = json.loads(options.json.read_text(encoding="utf-8")) if options.json.is_file() else []
        options.json.write_text(json.dumps([*runs, result], indent=1) + "\n", encoding="utf-8")
    return 0 if result["passed"] else 1


def measure(model: Path, count: int, seed: int, solver: Any, steps: int) -> dict[str, Any]:
    """Return the result of the gate, ready for JSON."""
    parts = load_directory(model)
    seedx, judge, pipeline = SeedX(engine=_opened(parts)), Judge.load(), parts.detokenizer
    schedulers = {"reference": copy_scheduler(pipeline.scheduler), "fast": copy_scheduler(pipeline.scheduler, solver)}
    num_steps = {"reference": parts.config.generation.num_inference_steps, "fast": steps}
    right: dict[str, list[bool]] = {name: [] for name in schedulers}
    seconds = dict.fromkeys(schedulers, 0.0)
    fidelity: list[float] = []
    for split in SPLITS:
        for category in CATEGORIES:
            for number, prompt in enumerate(sample_prompts(category, split, count, seed)):
                pictures: list[Image.Image] = []
                for name, scheduler in schedulers.items():
                    pipeline.scheduler = scheduler  # what the service copies for its next batch
                    started = time.perf_counter()
                    # The same seed makes the same words, features and noise.
                    drawn = seedx.generate(prompt.text, seed=seed + number, num_inference_steps=num_steps[name])
                    seconds[name] += drawn.timings.get("denoise", time.perf_counter() - started)
                    right[name].append(drawn.image is not None and is_fulfilled(prompt, judge.look(drawn.image)))
                    if drawn.image is not None:
                        pictures.append(drawn.image)
                if len(pictures) == len(schedulers):
                    fidelity.append(psnr(*pictures))
            print(f"{split} {category}: {len(fidelity)} pairs", file=sys.stderr)
    change = mean([float(fast) - float(own) for own, fast in zip(right["reference"], right["fast"], strict=True)])
    psnr_mean = mean(fidelity)
    return {
        "model": parts.config.name,
        "revision": parts.config.revision,
        "solver": solver,
        "steps": steps,
        "reference_steps": num_steps["reference"],
        "right": {name: proportion(outcomes).to_json() for name, outcomes in right.items()},
        "change": change.to_json(),
        "psnr": psnr_mean.to_json() | {"min": round(min(fidelity), 2)},
        "seconds_per_picture": {name: round(spent / len(right[name]), 3) for name, spent in seconds.items()},
        "passed": change.low >= -MAX_LOSS and psnr_mean.value >= MIN_PSNR,
        "n": count,
        "seed": seed,
        "hardware": describe(),
    }


@asynccontextmanager
async def _opened(parts: ModelParts) -> AsyncIterator[InterleavedEngine]:
    backbone = TransformersBackbone(parts.lvlm, parts.specialists, parts.tokenizer.ids)
    async with LocalImageService(parts, limits=ServiceLimits(max_wait_ms=0)) as service:
        yield InterleavedEngine(backbone, service)


def psnr(picture: Image.Image, other: Image.Image) -> float:
    """Fidelity in dB of two pictures of the same size, at most 100."""
    error = float(np.mean((np.asarray(picture, dtype=np.float64) - np.asarray(other, dtype=np.float64)) ** 2))
    return min(100.0, 10 * float(np.log10(255**2 / max(error, 1e-12))))


if __name__ == "__main__":
    sys.exit(main())
