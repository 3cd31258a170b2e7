"""Intervals of a mean over few seeds, for many groups of runs at once."""

from functools import cache
from itertools import combinations_with_replacement
from math import factorial, prod
from typing import Final

import numpy as np

from vitamin.analysis.statistics.bootstrap import draws, ends
from vitamin.analysis.statistics.names import CONFIDENCE, DEFAULT_REPS, Floats

_MOST_ENUMERATED: Final = 5
"""Runs up to which all resamples are enumerated: 126 different ones of 3125."""


def t_half_width(deviation: Floats, seeds: Floats) -> Floats:
    """Half the width of the 95 % t interval of a mean; NaN below two seeds, 0 without spread.

    Args:
        deviation: Sample standard deviations, of any shape.
        seeds: Numbers of runs, of that shape.
    """
    from scipy import special

    n = np.where(seeds > 1, seeds, np.nan)
    quantile = special.stdtrit(n - 1, (1 + CONFIDENCE) / 2)
    return np.asarray(quantile * deviation / np.sqrt(n), dtype=np.float64)


def t_interval(values: Floats) -> tuple[float, float]:
    """95 % t interval of the mean of values (N,); NaN for a single one."""
    if len(values) < 2:
        return float("nan"), float("nan")
    half = float(t_half_width(np.array(values.std(ddof=1)), np.array(len(values))))
    return float(values.mean()) - half, float(values.mean()) + half


def resampled_ends(values: Floats, *, seed: int = 0) -> tuple[Floats, Floats]:
    """95 % percentile interval of the mean over whole runs, (runs, points) → (points,) twice.

    Few runs have all their resamples enumerated, so nothing in the interval is random; more are resampled.
    """
    runs = len(values)
    if runs <= _MOST_ENUMERATED:
        shares, probabilities = _all_resamples(runs)
        return _weighted_ends(shares @ values, probabilities)
    counts = draws([runs], DEFAULT_REPS, np.random.RandomState(seed))
    return ends(counts @ values / runs)


@cache
def _all_resamples(runs: int) -> tuple[Floats, Floats]:
    """Share of each run in each different resample (M, runs), and how probable the resample is (M,)."""
    chosen = combinations_with_replacement(range(runs), runs)
    counts = np.array([np.bincount(which, minlength=runs) for which in chosen])
    orders = [factorial(runs) / prod(factorial(int(count)) for count in row) for row in counts]
    return counts / runs, np.array(orders) / runs**runs


def _weighted_ends(resampled: Floats, probabilities: Floats) -> tuple[Floats, Floats]:
    """The smallest values (points,) at or below which lie 2.5 % and 97.5 % of resamples (M, points)."""
    order = np.argsort(resampled, axis=0, kind="stable")
    sorted_values = np.take_along_axis(resampled, order, axis=0)
    cumulated = np.cumsum(probabilities[order], axis=0)

    def quantile(share: float) -> Floats:
        first = np.argmax(cumulated >= share - 1e-12, axis=0)
        return np.asarray(np.take_along_axis(sorted_values, first[None], axis=0)[0], dtype=np.float64)

    return quantile((1 - CONFIDENCE) / 2), quantile((1 + CONFIDENCE) / 2)
