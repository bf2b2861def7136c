"""Draw a picture: python examples/generate.py ["two blue boats on the beach"]."""

from __future__ import annotations

import sys

from seedx_sdk import SeedX
from seedx_sdk.imaging import save_image

prompt = " ".join(sys.argv[1:]) or "two blue boats on the beach"
drawn = SeedX().generate(prompt, seed=1)
if drawn.image is not None:
    print("saved", save_image(drawn.image, "generate.png"), f"in {drawn.timings['total']:.1f} s, seed {drawn.seed}")
for warning in drawn.warnings:
    print("note:", warning)
