"""Scores of drawing: the six GenEval categories on picture-book prompts, and their mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PIL import Image

from seedx_finetune.evaluation.judge import Judge
from seedx_finetune.evaluation.prompts import CATEGORIES, Prompt, Split, sample_prompts
from seedx_finetune.evaluation.statistics import Metric, average, proportion
from seedx_finetune.evaluation.subject import OnSample, Subject, drawn
from seedx_finetune.evaluation.verdict import is_fulfilled

OnImage = Callable[[Split, Prompt, Image.Image | None, bool], None]
"""Gets each drawn image with its verdict, for contact sheets."""


def score_generation(
    subject: Subject,
    judge: Judge,
    split: Split,
    count: int,
    seed: int,
    *,
    on_sample: OnSample,
    on_image: OnImage | None = None,
) -> dict[str, Metric]:
    """Return the fraction of right images in each category, and `mean`, the plain mean of the six.

    One image is drawn for each prompt (with the seed `seed` + its number). A call that ends without an image is a
    miss.
    """
    metrics: dict[str, Metric] = {}
    for category in CATEGORIES:
        outcomes = []
        for prompt, image in _images(subject, sample_prompts(category, split, count, seed), seed):
            right = image is not None and is_fulfilled(prompt, judge.look(image))
            outcomes.append(right)
            if on_image is not None:
                on_image(split, prompt, image, right)
            on_sample(f"generate {category} ({split})")
        metrics[category] = proportion(outcomes)
    return metrics | {"mean": average(list(metrics.values()))}


def _images(subject: Subject, prompts: list[Prompt], seed: int) -> Iterator[tuple[Prompt, Image.Image | None]]:
    for i, prompt in enumerate(prompts):
        yield prompt, drawn(lambda text=prompt.text, i=i: subject.generate(text, seed=seed + i))  # type: ignore[misc]
