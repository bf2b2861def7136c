"""Scores of editing: whether it was done as asked, and whether the rest of the image was left alone."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
from PIL import Image

from seedx_finetune.evaluation.judge import Judge
from seedx_finetune.evaluation.pages import edits_to_make
from seedx_finetune.evaluation.prompts import Split
from seedx_finetune.evaluation.statistics import Metric, by_background, mean, proportion
from seedx_finetune.evaluation.subject import OnSample, Subject, drawn
from seedx_finetune.evaluation.verdict import is_done
from seedx_finetune.world import Box, EditPair, render

MOST_PSNR_DB = 50.0
"""An untouched rest would be infinitely good; better than this counts as this."""
_RIM_PX = 2
"""The region that had to change is widened by this much, for the smooth edges of objects."""


def score_edits(
    subject: Subject, judge: Judge, split: Split, count: int, seed: int, *, on_sample: OnSample
) -> dict[str, Metric]:
    """Return `done`, the fraction of edits done as asked, and how well the rest was kept, in dB against the source.

    `psnr` is measured outside of the region that had to change, which is mostly empty background, and averaged over the
    edits that leave a rest, that is all kinds but new backgrounds. `psnr_kept` is measured in the box of each object
    that stays and does not touch that region, and averaged over the objects. Each single value is capped at
    `MOST_PSNR_DB`; a call that ends without an image isn't done and has 0 dB. `done_<kind>`, `psnr_<kind>` and
    `done_in_<background>` (of the source) break the metrics down.
    """
    edits = edits_to_make(split, count, seed)
    done: list[bool] = []
    psnr: dict[str, list[float]] = {}
    kept: list[float] = []
    for i, edit in enumerate(edits):
        source = render(edit.source)
        edited = drawn(partial(subject.edit, source, edit.instruction, seed=seed + i))
        done.append(edited is not None and is_done(edit, judge.look(edited)))
        if edit.kind != "background":
            psnr.setdefault(edit.kind, []).append(0.0 if edited is None else psnr_outside(source, edited, edit.region))
            boxes = kept_boxes(edit)
            kept += [0.0] * len(boxes) if edited is None else [psnr_inside(source, edited, box) for box in boxes]
        on_sample(f"edit ({split})")
    metrics = {"done": proportion(done), "psnr": mean([x for values in psnr.values() for x in values])}
    if kept:
        metrics["psnr_kept"] = mean(kept)
    kinds = dict.fromkeys(edit.kind for edit in edits)
    metrics |= {
        f"done_{kind}": proportion([x for x, e in zip(done, edits, strict=True) if e.kind == kind]) for kind in kinds
    }
    metrics |= {f"psnr_{kind}": mean(values) for kind, values in psnr.items()}
    return metrics | by_background("done", done, [edit.source.background for edit in edits])


def kept_boxes(edit: EditPair) -> list[Box]:
    """Return the boxes of the objects that stay as they are and do not touch the region that had to change."""
    return [
        thing.box
        for thing in edit.source.things
        if thing in edit.target.things and not any(_touch(thing.box, box) for box in edit.region)
    ]


def psnr_outside(source: Image.Image, edited: Image.Image, region: tuple[Box, ...]) -> float:
    """Return the peak signal-to-noise ratio in dB (peak 255) outside of the region, at the source's size."""
    rest = np.ones((source.height, source.width), bool)
    for box in region:
        rest[_pixels(box, source.size, _RIM_PX)] = False
    return _psnr(_squared_error(source, edited)[rest])


def psnr_inside(source: Image.Image, edited: Image.Image, box: Box) -> float:
    """Return the peak signal-to-noise ratio in dB (peak 255) inside of the box, at the source's size."""
    return _psnr(_squared_error(source, edited)[_pixels(box, source.size, 0)])


def _touch(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _squared_error(source: Image.Image, edited: Image.Image) -> npt.NDArray[np.float64]:
    """Return the (H, W, 3) squared differences."""
    before = np.asarray(source.convert("RGB"), np.float64)
    after = np.asarray(edited.convert("RGB").resize(source.size, Image.Resampling.LANCZOS), np.float64)
    return (before - after) ** 2


def _pixels(box: Box, size: tuple[int, int], rim: int) -> tuple[slice, slice]:
    """Return the rows and columns that a box covers, with a rim."""
    (width, height), (x0, y0, x1, y1) = size, box
    rows = slice(max(int(y0 * height) - rim, 0), int(np.ceil(y1 * height)) + rim)
    return rows, slice(max(int(x0 * width) - rim, 0), int(np.ceil(x1 * width)) + rim)


def _psnr(squared_error: npt.NDArray[np.float64]) -> float:
    error = float(squared_error.mean())
    return MOST_PSNR_DB if error == 0 else min(10 * float(np.log10(255**2 / error)), MOST_PSNR_DB)
