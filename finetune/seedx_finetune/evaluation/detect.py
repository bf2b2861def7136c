"""Scores of pointing: boxes for "the red house" and for "all houses"."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from seedx_finetune.evaluation.judge import iou
from seedx_finetune.evaluation.pages import references_to_detect
from seedx_finetune.evaluation.prompts import Split
from seedx_finetune.evaluation.statistics import Metric, by_background, mean, proportion
from seedx_finetune.evaluation.subject import OnSample, Subject
from seedx_finetune.world import Box, render

_ENOUGH = 0.5


def score_detection(subject: Subject, split: Split, count: int, seed: int, *, on_sample: OnSample) -> dict[str, Metric]:
    """Return `acc50` and `mean_iou` over `count` phrases, and `acc50` broken down.

    `acc50_one` and `acc50_all` are those of phrases that mean one object or several, `acc50_in_<background>` those of
    pages with this background.

    Answered and true boxes are matched one to one so that the sum of overlaps is largest. A phrase is right (`acc50`)
    when there are as many boxes as things and every pair overlaps by at least half; its overlap (`mean_iou`) is the
    sum over the pairs divided by the larger number of boxes, so that a box too many or too few counts as 0.
    """
    outcomes: dict[int, list[bool]] = {1: [], 2: []}
    overlaps: list[float] = []
    right: list[bool] = []
    references = references_to_detect(split, count, seed)
    for i, reference in enumerate(references):
        answer = subject.detect(render(reference.scene), reference.phrase, seed=seed + i)
        pairs = matched_overlaps([box.normalized for box in answer.boxes], [thing.box for thing in reference.things])
        overlaps.append(sum(pairs) / len(pairs))
        right.append(min(pairs) >= _ENOUGH)
        outcomes[min(len(reference.things), 2)].append(right[-1])
        on_sample(f"detect ({split})")
    metrics = {"acc50": proportion(right), "mean_iou": mean(overlaps)}
    parts = {"acc50_one": outcomes[1], "acc50_all": outcomes[2]}
    metrics |= {name: proportion(values) for name, values in parts.items() if values}
    return metrics | by_background("acc50", right, [reference.scene.background for reference in references])


def matched_overlaps(answered: Sequence[Box], true: Sequence[Box]) -> list[float]:
    """Return the overlap of each matched pair, and 0 for each box of either side that has no partner."""
    overlap = np.array([[iou(a, t) for t in true] for a in answered]).reshape(len(answered), len(true))
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    alone = max(len(answered), len(true)) - len(rows)
    return [float(value) for value in overlap[rows, columns]] + [0.0] * alone
