"""How often the judge itself is wrong: right pages that it refuses, and wrong prompts that it accepts.

`run` reports both beside every evaluation; `train_judge` chooses the thresholds with `calibrate`, on another seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from seedx_finetune.evaluation.judge import Judge, JudgeNet, Maps, Observation
from seedx_finetune.evaluation.judge_pages import degrade, spoiled
from seedx_finetune.evaluation.prompts import CATEGORIES, SPLITS, Prompt, sample_prompts, scene_for, wrong_prompts
from seedx_finetune.evaluation.statistics import Metric, proportion
from seedx_finetune.evaluation.verdict import is_fulfilled
from seedx_finetune.world import facts, render

_SCORES = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
_COLOR_CHANCES = (0.5, 0.6, 0.7)
_CALIBRATION_PAGES = 50
_CHUNK = 32


@dataclass(frozen=True, slots=True)
class JudgeSample:
    """One page with what it must and must not be accepted for."""

    image: Image.Image
    right: Prompt | None
    """None on pages whose thing is spoiled: nothing there is right."""
    wrong: tuple[Prompt, ...]


def measure(judge: Judge, count: int, seed: int) -> dict[str, Metric]:
    """Return the judge's own metrics on fresh pages.

    Args:
        judge: Under test.
        count: Pages for each category and split (12 combinations); half of them clean, half mildly degraded.
        seed: Not negative.

    Returns:
        `accuracy`: fraction of pages that the judge accepts for the prompt that they were made for;
        `false_acceptance`: fraction of prompts differing in exactly one fact (kind, color, count, direction, swapped
        colors) that it accepts all the same; `spoilt_acceptance`: fraction of pages that it accepts although their one
        thing is a blend or a patchwork of two kinds, half erased, smudged or a mere blob.
    """
    trials = list(_trials(count, seed))
    observations: list[Observation] = []
    for start in range(0, len(trials), _CHUNK):
        observations += judge.look_many([trial.image for trial in trials[start : start + _CHUNK]])
    return {name: proportion(outcomes) for name, outcomes in _outcomes(trials, observations).items()}


def calibrate(network: JudgeNet, seed: int) -> dict[str, float]:
    """Return the thresholds `min_score` and `min_color` with the fewest mistakes of all three kinds."""
    trials = list(_trials(_CALIBRATION_PAGES, seed))
    judge = Judge(network, min_score=_SCORES[0], min_color=_COLOR_CHANCES[0])
    maps: list[Maps] = []
    for start in range(0, len(trials), _CHUNK):
        maps.append(judge.maps([trial.image for trial in trials[start : start + _CHUNK]]))
    best: tuple[float, float, float] | None = None
    for min_score in _SCORES:
        for min_color in _COLOR_CHANCES:
            judge = Judge(network, min_score=min_score, min_color=min_color)
            outcomes = _outcomes(trials, [observation for batch in maps for observation in judge.read(batch)])
            rates = {name: sum(values) / len(values) for name, values in outcomes.items()}
            cost = 1 - rates["accuracy"] + rates["false_acceptance"] + 0.25 * rates["spoilt_acceptance"]
            best = min(best or (cost, min_score, min_color), (cost, min_score, min_color))
    assert best is not None
    return {"min_score": best[1], "min_color": best[2]}


def _trials(count: int, seed: int) -> Iterator[JudgeSample]:
    for c, category in enumerate(CATEGORIES):
        for s, split in enumerate(SPLITS):
            rng = np.random.default_rng((seed, c, s))
            for i, prompt in enumerate(sample_prompts(category, split, count, seed)):
                scene = scene_for(prompt, rng)
                wrong = tuple(wrong_prompts(prompt, frozenset(facts(scene)), rng))
                yield JudgeSample(_every_other(render(scene), i, rng), prompt, wrong)
                if category in ("single_object", "colors"):
                    yield JudgeSample(
                        _every_other(spoiled(scene.background, scene.things[0], rng), i, rng), None, (prompt,)
                    )


def _every_other(image: Image.Image, index: int, rng: np.random.Generator) -> Image.Image:
    return degrade(image, rng, 0.5) if index % 2 else image


def _outcomes(trials: list[JudgeSample], observations: list[Observation]) -> dict[str, list[bool]]:
    outcomes: dict[str, list[bool]] = {"accuracy": [], "false_acceptance": [], "spoilt_acceptance": []}
    for trial, observation in zip(trials, observations, strict=True):
        if trial.right is not None:
            outcomes["accuracy"].append(is_fulfilled(trial.right, observation))
        name = "spoilt_acceptance" if trial.right is None else "false_acceptance"
        outcomes[name] += [is_fulfilled(prompt, observation) for prompt in trial.wrong]
    return outcomes
