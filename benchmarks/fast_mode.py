"""The gate of the fast mode: does a better solver with fewer steps draw as well as the model's own sampling?

    python benchmarks/fast_mode.py --n 24 --seed 1 --steps 12 --json benchmarks/fast_mode_nano.json
    python benchmarks/fast_mode.py --model DIR --device cuda --prompts prompts.txt --steps 12 --write

For every prompt of the picture-book evaluation it draws one image with the model's own scheduler and steps and one
with the fast ones, from the same features and the same noise, and measures two things: whether the independent judge
finds what was asked for (paired, so that the difference has an interval), and how far the fast image is from the
reference (PSNR). The mode passes if the lower end of the interval of the difference is not below -2 points and the
mean PSNR is 35 dB or more, where two images are hard to tell apart. Only then may a model's config.json name it
(`generation.fast`), which `--write` does. A mode that failed is not tried again on other prompts until it passes: take
more steps.

The judge knows the scenes of the shipped model alone. Other models draw prompts of yours (`--prompts`, one a line) and
pass by the fidelity of their images.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hardware import describe
from PIL import Image

from seedx_finetune.evaluation.judge import Judge
from seedx_finetune.evaluation.prompts import CATEGORIES, SPLITS, Prompt, sample_prompts
from seedx_finetune.evaluation.statistics import mean, proportion
from seedx_finetune.evaluation.verdict import is_fulfilled
from seedx_sdk import SeedX
from seedx_sdk.checkpoints.config import DirectoryConfig, FastSampling
from seedx_sdk.checkpoints.directory import ModelParts, load_directory, write_config
from seedx_sdk.engine import NANO
from seedx_sdk.engine.backbones.transformers import TransformersBackbone
from seedx_sdk.engine.image_service.limits import ServiceLimits
from seedx_sdk.engine.image_service.service import LocalImageService
from seedx_sdk.engine.interleaved import InterleavedEngine
from seedx_sdk.engine.local import EngineOptions
from seedx_sdk.model.denoise_loop import SOLVERS, copy_scheduler

MAX_LOSS = 0.02
"""Largest loss of correct images, as a share, that the interval may still hold."""
MIN_PSNR = 35.0
"""Smallest mean fidelity to the reference's images, in dB."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print and save; return 0 if the mode passes, 1 if not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=NANO, help="a model directory; the shipped model if left out")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--n", type=int, default=16, help="prompts for each category and split")
    parser.add_argument("--prompts", type=Path, help="a file of your own prompts, which nobody judges")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--solver", choices=sorted(SOLVERS), default="dpmsolver++")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--json", type=Path, help="a list of runs to add this one to")
    parser.add_argument("--write", action="store_true", help="name the mode in the model's config.json if it passes")
    options = parser.parse_args(argv)
    if options.prompts is None and options.model != NANO:
        parser.error("the judge knows the shipped model's scenes alone; give --prompts for another model")
    wanted = _own_prompts(options.prompts, options.seed) if options.prompts else _samples(options.n, options.seed)
    result = measure(options.model, options.device, wanted, options.solver, options.steps)
    result |= {"n": options.n if options.prompts is None else len(wanted), "seed": options.seed}
    print(json.dumps(result, indent=1))
    if options.json is not None:
        runs = json.loads(options.json.read_text(encoding="utf-8")) if options.json.is_file() else []
        options.json.write_text(json.dumps([*runs, result], indent=1) + "\n", encoding="utf-8")
    if options.write and result["passed"]:
        write(options.model, options.solver, options.steps)
    return 0 if result["passed"] else 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """An image to draw twice."""

    text: str
    seed: int
    prompt: Prompt | None
    """What the judge looks for; None if nobody judges."""


def _own_prompts(path: Path, seed: int) -> list[Wanted]:
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return [Wanted(line, seed + number, None) for number, line in enumerate(filter(None, lines))]


def _samples(count: int, seed: int) -> list[Wanted]:
    return [
        Wanted(prompt.text, seed + number, prompt)
        for split in SPLITS
        for category in CATEGORIES
        for number, prompt in enumerate(sample_prompts(category, split, count, seed))
    ]


def measure(model: Path, device: str, wanted: Sequence[Wanted], solver: Any, steps: int) -> dict[str, Any]:
    """Return the result of the gate, ready for JSON."""
    parts = load_directory(model, dtype=EngineOptions(device=device).torch_dtype)
    judge = Judge.load() if any(one.prompt is not None for one in wanted) else None
    seedx, pipeline = SeedX(engine=_opened(parts, device)), parts.detokenizer
    schedulers = {"reference": copy_scheduler(pipeline.scheduler), "fast": copy_scheduler(pipeline.scheduler, solver)}
    num_steps = {"reference": parts.config.generation.num_inference_steps, "fast": steps}
    right: dict[str, list[bool]] = {name: [] for name in schedulers}
    seconds = dict.fromkeys(schedulers, 0.0)
    fidelity: list[float] = []
    for one in wanted:
        images: list[Image.Image] = []
        for name, scheduler in schedulers.items():
            pipeline.scheduler = scheduler  # what the service copies for its next batch
            started = time.perf_counter()
            # The same seed makes the same words, features and noise.
            drawn = seedx.generate(one.text, seed=one.seed, num_inference_steps=num_steps[name])
            seconds[name] += drawn.timings.get("denoise", time.perf_counter() - started)
            if judge is not None and one.prompt is not None:
                right[name].append(drawn.image is not None and is_fulfilled(one.prompt, judge.look(drawn.image)))
            if drawn.image is not None:
                images.append(drawn.image)
        if len(images) == len(schedulers):
            fidelity.append(psnr(*images))
        print(f"{one.text}: {fidelity[-1] if fidelity else 0:.1f} dB", file=sys.stderr)
    psnr_mean = mean(fidelity)
    result = {
        "model": parts.config.name,
        "revision": parts.config.revision,
        "solver": solver,
        "steps": steps,
        "reference_steps": num_steps["reference"],
        "psnr": psnr_mean.to_json() | {"min": round(min(fidelity), 2)},
        "seconds_per_picture": {name: round(spent / len(wanted), 3) for name, spent in seconds.items()},
        "passed": psnr_mean.value >= MIN_PSNR,
        "hardware": describe(device),
    }
    if judge is None:
        return result
    change = mean([float(fast) - float(own) for own, fast in zip(right["reference"], right["fast"], strict=True)])
    return result | {
        "right": {name: proportion(outcomes).to_json() for name, outcomes in right.items()},
        "change": change.to_json(),
        "passed": result["passed"] and change.low >= -MAX_LOSS,
    }


def write(model: Path, solver: Any, steps: int) -> None:
    """Name the fast mode in the model's config.json."""
    config = DirectoryConfig.read(model)
    fast = FastSampling(solver=solver, num_inference_steps=steps, revision=config.revision)
    named = dataclasses.replace(config, generation=dataclasses.replace(config.generation, fast=fast))
    if write_config(model, named, known=config.files).fast is None:
        sys.exit(f"{model} holds other files than its config.json named; run the gate again, for these")


@asynccontextmanager
async def _opened(parts: ModelParts, device: str) -> AsyncIterator[InterleavedEngine]:
    backbone = TransformersBackbone(parts.lvlm, parts.specialists, parts.tokenizer.ids)
    async with LocalImageService(parts, limits=ServiceLimits(max_wait_ms=0), device=device) as service:
        yield InterleavedEngine(backbone, service)


def psnr(image: Image.Image, other: Image.Image) -> float:
    """Fidelity in dB of two images of the same size, at most 100."""
    error = float(np.mean((np.asarray(image, dtype=np.float64) - np.asarray(other, dtype=np.float64)) ** 2))
    return min(100.0, 10 * float(np.log10(255**2 / max(error, 1e-12))))


if __name__ == "__main__":
    sys.exit(main())
