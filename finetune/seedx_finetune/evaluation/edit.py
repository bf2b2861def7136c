"""Scores of editing: whether it was done as told, and whether the rest of the picture was left alone."""

from __future__ import annotations

import numpy as np
from PIL import Image

from seedx_finetune.evaluation.judge import Judge
from seedx_finetune.evaluation.pages import edits_to_make
from seedx_finetune.evaluation.prompts import Split
from seedx_finetune.evaluation.statistics import Figure, mean, share
from seedx_finetune.evaluation.subject import OnSample, Subject, drawn
from seedx_finetune.evaluation.verdict import is_done
from seedx_finetune.world import Box, render

MOST_PSNR_DB = 60.0
"""An untouched rest would be infinitely good; better than this counts as this."""
_RIM_PX = 2
"""The region that had to change is widened by this much, for the smooth edges of things."""


def score_edits(
    subject: Subject, judge: Judge, split: Split, count: int, seed: int, *, on_sample: OnSample
) -> dict[str, Figure]:
    """`done`, the share of edits done as told, and `psnr`, in dB outside the region that had to change.

    The PSNR is against the source picture and is averaged over the edits that leave a rest, that is all kinds but new
    backgrounds. A call that ends without a picture isn't done and has 0 dB. `done_<kind>` and `psnr_<kind>` break both
    figures down.
    """
    done: dict[str, list[bool]] = {}
    psnr: dict[str, list[float]] = {}
    for i, edit in enumerate(edits_to_make(split, count, seed)):
        source = render(edit.source)
        picture = drawn(lambda source=source, edit=edit, i=i: subject.edit(source, edit.instruction, seed=seed + i))  # type: ignore[misc]
        done.setdefault(edit.kind, []).append(picture is not None and is_done(edit, judge.look(picture)))
        if edit.kind != "background":
            rest = 0.0 if picture is None else psnr_outside(source, picture, edit.region)
            psnr.setdefault(edit.kind, []).append(rest)
        on_sample(f"edit ({split})")
    figures = {"done": share([x for values in done.values() for x in values])}
    figures["psnr"] = mean([x for values in psnr.values() for x in values])
    figures |= {f"done_{kind}": share(values) for kind, values in done.items()}
    return figures | {f"psnr_{kind}": mean(values) for kind, values in psnr.items()}


def psnr_outside(source: Image.Image, picture: Image.Image, region: tuple[Box, ...]) -> float:
    """Peak signal-to-noise ratio in dB (peak 255) over the pixels outside the region, at the source's size."""
    width, height = source.size
    before = np.asarray(source.convert("RGB"), np.float64)
    after = np.asarray(picture.convert("RGB").resize(source.size, Image.Resampling.LANCZOS), np.float64)
    rest = np.ones((height, width), bool)
    for x0, y0, x1, y1 in region:
        rows = slice(max(int(y0 * height) - _RIM_PX, 0), int(np.ceil(y1 * height)) + _RIM_PX)
        rest[rows, max(int(x0 * width) - _RIM_PX, 0) : int(np.ceil(x1 * width)) + _RIM_PX] = False
    error = float(((before - after)[rest] ** 2).mean())
    return MOST_PSNR_DB if error == 0 else min(10 * float(np.log10(255**2 / error)), MOST_PSNR_DB)
