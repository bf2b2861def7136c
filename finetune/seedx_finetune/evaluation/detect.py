"""Scores of pointing: boxes for "the red house" and for "all houses"."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from seedx_finetune.evaluation.judge import iou
from seedx_finetune.evaluation.pages import references_to_detect
from seedx_finetune.evaluation.prompts import Split
from seedx_finetune.evaluation.statistics import Figure, mean, share
from seedx_finetune.evaluation.subject import OnSample, Subject
from seedx_finetune.world import Box, render

_ENOUGH = 0.5


def score_detection(subject: Subject, split: Split, count: int, seed: int, *, on_sample: OnSample) -> dict[str, Figure]:
    """`acc50` and `mean_iou` over `count` phrases; `acc50_one` and `acc50_all` for phrases that mean one or several.

    Answered and true boxes are matched one to one so that the sum of overlaps is largest. A phrase is right (`acc50`)
    when there are as many boxes as things and every pair overlaps by at least half; its overlap (`mean_iou`) is the
    sum over the pairs divided by the larger number of boxes, so that a box too many or too few counts as 0.
    """
    outcomes: dict[int, list[bool]] = {1: [], 2: []}
    overlaps: list[float] = []
    for i, reference in enumerate(references_to_detect(split, count, seed)):
        answer = subject.detect(render(reference.scene), reference.phrase, seed=seed + i)
        pairs = matched_overlaps([box.normalized for box in answer.boxes], [thing.box for thing in reference.things])
        overlaps.append(sum(pairs) / len(pairs))
        outcomes[min(len(reference.things), 2)].append(min(pairs) >= _ENOUGH)
        on_sample(f"detect ({split})")
    figures = {"acc50": share(outcomes[1] + outcomes[2]), "mean_iou": mean(overlaps)}
    parts = {"acc50_one": outcomes[1], "acc50_all": outcomes[2]}
    return figures | {name: share(values) for name, values in parts.items() if values}


def matched_overlaps(answered: Sequence[Box], true: Sequence[Box]) -> list[float]:
    """The overlap of each matched pair, and 0 for each box of either side that has no partner."""
    overlap = np.array([[iou(a, t) for t in true] for a in answered]).reshape(len(answered), len(true))
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    alone = max(len(answered), len(true)) - len(rows)
    return [float(value) for value in overlap[rows, columns]] + [0.0] * alone
