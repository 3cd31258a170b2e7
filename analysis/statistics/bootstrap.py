"""The stratified bootstrap of Agarwal et al. 2021, all resamples at once.

Resamples are drawn from the random stream from which rliable 1.2.0 draws them, so intervals are rliable's to the last
digits, some hundred times faster. A resample is kept as the number of times that each run is in it: statistics
of all resamples are then products and cumulative sums over runs that are sorted once. Unlike rliable's, tasks may
have different numbers of runs; every task has the same weight.

The percentile interval of n runs is too narrow: resamples spread as if the variance were divided by n and not by
n − 1. `widening` mends that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from vitamin.analysis.statistics.interquartile import interquartile_mean
from vitamin.analysis.statistics.names import CONFIDENCE, IQM, MEAN, MEDIAN, METRICS, OPTIMALITY_GAP, Floats

_LARGEST_DRAW: Final = 4_000_000  # indices at once: 32 MB
_BEST: Final = 100.0
_PERCENTILES: Final = (50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE))


@dataclass(frozen=True)
class Strata:
    """Scores of one method on some tasks.

    Attributes:
        scores: Of its runs (R,), task after task.
        sizes: Number of runs on each task (T,), at least one.
    """

    scores: Floats
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, tasks: Sequence[Floats]) -> "Strata":
        """From the scores on each task."""
        return cls(np.concatenate(tasks), tuple(len(task) for task in tasks))

    @cached_property
    def weights(self) -> Floats:
        """The weight of each run (R,): tasks weigh the same, and so do the runs of a task."""
        return np.repeat([1 / (len(self.sizes) * size) for size in self.sizes], self.sizes)

    @cached_property
    def starts(self) -> list[int]:
        """Where each task begins in ``scores``."""
        return [0, *np.cumsum(self.sizes)[:-1].tolist()]

    @cached_property
    def means(self) -> Floats:
        """Mean score on each task (T,)."""
        return np.add.reduceat(self.scores, self.starts) / self.sizes

    @cached_property
    def mean_variances(self) -> Floats:
        """Variance of the mean score of each task (T,); NaN where there is a single run."""
        sizes = np.array(self.sizes, dtype=np.float64)
        squares = np.add.reduceat((self.scores - np.repeat(self.means, self.sizes)) ** 2, self.starts)
        return np.asarray(squares / np.where(sizes > 1, sizes - 1, np.nan) / sizes, dtype=np.float64)


def draws(sizes: Sequence[int], reps: int, random: np.random.RandomState) -> Floats:
    """How often each run is in each resample, (reps, R); every stratum is resampled with its own size."""
    if len(set(sizes)) > 1:
        return np.concatenate([draws([size], reps, random) for size in sizes], axis=1)
    size, tasks = sizes[0], len(sizes)
    chunk = max(1, _LARGEST_DRAW // (size * tasks))
    counts = np.empty((reps, size * tasks))
    for first in range(0, reps, chunk):
        rows = min(chunk, reps - first)
        chosen = random.choice(size, (rows, size, tasks))  # rliable's draw, for all resamples at once
        run = chosen + size * np.arange(tasks) + size * tasks * np.arange(rows)[:, None, None]
        flat = np.bincount(run.ravel(), minlength=rows * size * tasks)
        counts[first : first + rows] = flat.reshape(rows, -1)
    return np.asfortranarray(
        counts
    )  # runs are what is sorted and summed over: each has its resamples side by side


class Draws:
    """Resamples by the sizes of strata, made once each: methods of the same sizes share them, as rliable has it."""

    def __init__(self, reps: int, seed: int) -> None:
        self._reps, self._seed = reps, seed
        self._made: dict[tuple[int, ...], Floats] = {}

    def of(self, sizes: tuple[int, ...]) -> Floats:
        """Counts (reps, R)."""
        if sizes not in self._made:
            self._made[sizes] = draws(sizes, self._reps, np.random.RandomState(self._seed))
        return self._made[sizes]


@dataclass(frozen=True)
class Estimate:
    """A statistic of a method's scores, with its intervals; NaN if a task has a single run.

    Attributes:
        value: Of the scores.
        low: Lower end of the interval whose half-widths, to each side of ``value``, are multiplied by `widening`.
        high: Upper end of it.
        rliable_low: Lower end of rliable's percentile interval.
        rliable_high: Upper end of it.
    """

    value: float
    low: float
    high: float
    rliable_low: float
    rliable_high: float


def bootstrap(strata: Strata, drawn: Draws, metrics: Sequence[str] = METRICS) -> dict[str, Estimate]:
    """Estimates of a method's scores, by metric."""
    once = np.ones((1, len(strata.scores)))
    values = [float(statistic(metric, strata, once)[0]) for metric in metrics]
    factor = widening(strata)
    if np.isnan(factor):
        return {
            metric: Estimate(value, *[float("nan")] * 4)
            for metric, value in zip(metrics, values, strict=True)
        }
    counts = drawn.of(strata.sizes)
    low, high = ends(np.stack([statistic(metric, strata, counts) for metric in metrics], axis=1))
    found = {}
    for metric, value, *plain in zip(metrics, values, low.tolist(), high.tolist(), strict=True):
        wide = [value + factor * side for side in (min(plain[0] - value, 0), max(plain[1] - value, 0))]
        found[metric] = Estimate(value, *wide, *plain)
    return found


def statistic(metric: str, strata: Strata, counts: Floats) -> Floats:
    """A metric of resamples: ``counts`` (reps, R) → (reps,)."""
    if metric == MEAN:
        return counts @ (strata.weights * strata.scores)
    if metric == OPTIMALITY_GAP:
        return _BEST - counts @ (strata.weights * np.minimum(strata.scores, _BEST))
    if metric == IQM:
        return interquartile_mean(strata.scores, strata.weights, counts)
    assert metric == MEDIAN
    sums = np.add.reduceat(counts * strata.scores, strata.starts, axis=1)
    return np.asarray(np.median(sums / np.array(strata.sizes), axis=1), dtype=np.float64)


def widening(*groups: Strata) -> float:
    """√(n/(n−1)); with different n, the root of the variance of the mean over that of its resamples.

    Args:
        groups: The methods that a statistic is about: one, or the two of a difference.

    Returns:
        NaN if a task has a single run.
    """
    if any(min(group.sizes) == 1 for group in groups):
        return float("nan")
    sizes = np.concatenate([np.array(group.sizes, dtype=np.float64) for group in groups])
    variances = np.concatenate([group.mean_variances for group in groups])
    resampled = (variances * (1 - 1 / sizes)).sum()
    return float(np.sqrt(variances.sum() / resampled)) if resampled > 0 else 1.0


def ends(resampled: Floats) -> tuple[Floats, Floats]:
    """2.5th and 97.5th percentile of resamples, over their first axis."""
    low, high = np.percentile(resampled, _PERCENTILES, axis=0)
    return low, high


def bootstrap_mean(values: Floats, *, reps: int, seed: int) -> tuple[Floats, Floats]:
    """The percentile interval (95 %, as rliable has it) of the mean over runs, at each of some points.

    For many runs: with ten it covers 94 %, with three 76 %.

    Args:
        values: ``(runs, points)``, at least two runs.
        reps: Resamples, of each point by itself.
        seed: Of the resampling.

    Returns:
        Lower and upper end (points,).
    """
    runs, points = values.shape
    counts = draws([runs] * points, reps, np.random.RandomState(seed)).reshape(reps, points, runs)
    return ends((counts * (values.T / runs)).sum(axis=2))
