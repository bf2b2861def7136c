"""Metrics with 95 % intervals: shares (Wilson), means and ratios (bootstrap), and means of independent metrics.

Every score of the evaluation is a `Metric`, so that two runs can be compared without guessing what is noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

_RESAMPLES = 2000
_SEED = 95
"""The bootstrap draws with its own fixed seed: the same samples always give the same interval."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured number."""

    value: float
    low: float
    """Lower end of the 95 % interval."""
    high: float
    """Upper end of the 95 % interval."""
    n: int
    """How many samples it rests on."""

    def to_json(self) -> dict[str, float | int]:
        """Return `{"value", "low", "high", "n"}`, rounded to four decimals."""
        return {"value": round(self.value, 4), "low": round(self.low, 4), "high": round(self.high, 4), "n": self.n}


def proportion(outcomes: Sequence[bool]) -> Metric:
    """Return the fraction of true outcomes with its Wilson score interval.

    Raises:
        ValueError: If there are no outcomes.
    """
    n = _count(outcomes)
    hits = sum(outcomes)
    interval = binomtest(hits, n).proportion_ci(confidence_level=0.95, method="wilson")
    return Metric(hits / n, float(interval.low), float(interval.high), n)


def mean(values: Sequence[float]) -> Metric:
    """Return the mean with a percentile bootstrap interval over the samples.

    Raises:
        ValueError: If there are no values.
    """
    return ratio(values, [1.0] * _count(values))


def ratio(parts: Sequence[float], wholes: Sequence[float]) -> Metric:
    """Return `sum(parts) / sum(wholes)` with a percentile bootstrap interval over the samples; 0 / 0 counts as 0.

    Raises:
        ValueError: If there are no samples, or not one whole for each part.
    """
    n = _count(parts)
    pairs = np.array([parts, wholes], dtype=np.float64)
    draws = np.random.default_rng(_SEED).integers(n, size=(_RESAMPLES, n))
    tops, bottoms = pairs[:, draws].sum(axis=2)
    low, high = np.percentile(np.divide(tops, bottoms, out=np.zeros_like(tops), where=bottoms != 0), [2.5, 97.5])
    top, bottom = pairs.sum(axis=1)
    return Metric(float(top / bottom) if bottom else 0.0, float(low), float(high), n)


def average(metrics: Sequence[Metric]) -> Metric:
    """Return the plain mean of independent metrics; its interval is recovered from theirs.

    Source: MOVER, Zou and Donner, "Construction of confidence limits about effect measures", Stat. Med. 2008: the
    distances to the limits add up as squares. Unlike a bootstrap it stays honest where every sample succeeded.

    Raises:
        ValueError: If there are no metrics.
    """
    k = _count(metrics)
    middle = sum(f.value for f in metrics) / k
    below = math.sqrt(sum((f.value - f.low) ** 2 for f in metrics)) / k
    above = math.sqrt(sum((f.high - f.value) ** 2 for f in metrics)) / k
    return Metric(middle, middle - below, middle + above, sum(f.n for f in metrics))


def by_background(name: str, outcomes: Sequence[bool], backgrounds: Sequence[str]) -> dict[str, Metric]:
    """Return the fraction of true outcomes on each background, as `<name>_in_<background>`."""
    grouped: dict[str, list[bool]] = {}
    for outcome, background in sorted(zip(outcomes, backgrounds, strict=True), key=lambda pair: pair[1]):
        grouped.setdefault(f"{name}_in_{background.replace(' ', '_')}", []).append(outcome)
    return {key: proportion(values) for key, values in grouped.items()}


def _count(samples: Sequence[object]) -> int:
    if not samples:
        raise ValueError("a figure needs at least one sample; ask for n of 1 or more")
    return len(samples)
