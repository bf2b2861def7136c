"""The whole evaluation of one model on the picture book, as one JSON-ready report."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from seedx_finetune.evaluation.describe import score_answers, score_descriptions
from seedx_finetune.evaluation.detect import score_detection
from seedx_finetune.evaluation.edit import score_edits
from seedx_finetune.evaluation.generate import OnImage, score_generation
from seedx_finetune.evaluation.judge import Judge
from seedx_finetune.evaluation.judge_check import measure
from seedx_finetune.evaluation.pages import QUESTION_TYPES
from seedx_finetune.evaluation.prompts import CATEGORIES, SPLITS
from seedx_finetune.evaluation.statistics import Metric
from seedx_finetune.evaluation.subject import Subject

OnProgress = Callable[[int, int, str], None]
"""Gets the samples done, the samples in all, and what is being done."""

JUDGE_PAGES = 100
"""Pages for each category and split on which the judge itself is measured, whatever the size of the evaluation."""

Report = dict[str, Any]


def evaluate(
    subject: Subject,
    count: int,
    seed: int,
    *,
    judge: Judge | None = None,
    judge_pages: int = JUDGE_PAGES,
    on_progress: OnProgress | None = None,
    on_image: OnImage | None = None,
) -> Report:
    """Return `{"seen": P, "held-out": P, "judge": {...}, "n", "seed", "seconds"}`, each metric with its 95 % interval.

    P = `{"generate": ..., "describe": ..., "detect": ..., "edit": ...}`; the modules of these names say what each
    metric means. The same seed asks the same things, and a larger `count` asks them and more.

    Args:
        subject: A `SeedX`, or anything that answers like one.
        count: Samples for each category, question type and task, in each split.
        seed: Not negative; also seeds the calls.
        judge: Another judge than the one that ships.
        judge_pages: Pages for each category and split to measure the judge on.
        on_progress: Called after every sample.
        on_image: Gets each generated image with its verdict.

    Raises:
        ValueError: `count` is below 1 or `seed` below 0.
    """
    if count < 1 or seed < 0:
        raise ValueError(f"n {count} and seed {seed} are not usable; n must be 1 or more, seed 0 or more")
    judge = judge or Judge.load()
    started = time.monotonic()
    total = len(SPLITS) * count * (len(CATEGORIES) + len(QUESTION_TYPES) + 3)
    done = 0

    def on_sample(what: str) -> None:
        nonlocal done
        done += 1
        if on_progress is not None:
            on_progress(done, total, what)

    if on_progress is not None:
        on_progress(0, total, "measure the judge")
    report: Report = {"judge": _plain(measure(judge, judge_pages, seed))}
    for split in SPLITS:
        facts = score_descriptions(subject, split, count, seed, on_sample=on_sample)
        report[split] = {
            "generate": _plain(
                score_generation(subject, judge, split, count, seed, on_sample=on_sample, on_image=on_image)
            ),
            "describe": _plain(facts | score_answers(subject, split, count, seed, on_sample=on_sample)),
            "detect": _plain(score_detection(subject, split, count, seed, on_sample=on_sample)),
            "edit": _plain(score_edits(subject, judge, split, count, seed, on_sample=on_sample)),
        }
    ordered = {name: report[name] for name in (*SPLITS, "judge")}
    return ordered | {"n": count, "seed": seed, "seconds": round(time.monotonic() - started, 1)}


def _plain(metrics: dict[str, Metric]) -> dict[str, dict[str, float | int]]:
    return {name: metric.to_json() for name, metric in metrics.items()}
