"""What one GPU does: the de-tokenizer and the language model at the released sizes, with random weights.

    python benchmarks/gpu.py                          # under 8 minutes; writes out/gpu/gpu.json and gpu.md
    python benchmarks/gpu.py --only detokenizer       # one measurement
    python benchmarks/gpu.py --tiny                   # all of it at tiny sizes, on a CPU

detokenizer  ms a step and seconds an image: eager, in CUDA graphs, compiled, few steps; batches of 1, 4, 8; edits
diffusers    the same U-Net and VAE in our pipeline and in diffusers' own SDXL pipeline, in turn
memory       what the memory plan sets aside for images, and what they take
language     one query pass against steps, and 1, 16 and 64 callers, on transformers and on vLLM; vLLM's KV cache
exactness    hidden states of images from vLLM in bfloat16 against float32 (the shipped model)

A measurement that fails is written down with what it had measured, the others go on, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from gpu_images import Bench, detokenizer, diffusers, memory
from gpu_language import exactness, language
from hardware import describe
from random_models import RELEASED, TINY
from results import Results, Row

SECTIONS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "detokenizer": detokenizer,
    "diffusers": diffusers,
    "memory": memory,
    "language": language,
    "exactness": exactness,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write the results, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=SECTIONS, nargs="+", metavar="SECTION", help=f"some of {', '.join(SECTIONS)}")
    parser.add_argument("--tiny", action="store_true", help="tiny sizes, on the CPU unless a device is given")
    parser.add_argument("--device", help="cuda, cuda:N or cpu [default: cuda, with --tiny cpu]")
    parser.add_argument("--rounds", type=int, default=2, help="of each measurement, of which the best counts")
    parser.add_argument("--seed", type=int, default=0, help="of weights, noise and prompts")
    parser.add_argument("--out", type=Path, default=Path("out/gpu"), help="directory of gpu.json and gpu.md")
    options = parser.parse_args(argv)
    device = options.device or ("cpu" if options.tiny else "cuda")
    if device.startswith("cuda") and not torch.cuda.is_available():
        parser.error("there is no CUDA GPU, or torch has no CUDA; --tiny runs on the CPU")
    bench = Bench(
        sizes=TINY if options.tiny else RELEASED,
        device=device,
        dtype=torch.bfloat16 if device.startswith("cuda") else torch.float32,
        seed=options.seed,
        rounds=options.rounds,
        is_tiny=options.tiny,
    )
    given = {"sizes": "tiny" if options.tiny else "released", "rounds": options.rounds, "seed": options.seed}
    results = Results(machine=describe(device), options=given, directory=options.out, name="gpu")
    print(results.machine)
    for name in options.only or SECTIONS:
        results.measure(name, SECTIONS[name](bench))
    print(results.markdown())
    print(f"failed: {', '.join(results.failed)}" if results.failed else f"written to {options.out}")
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
