"""Tests of differences between two methods, for many pairs at once, and their correction."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitamin.analysis.statistics.bootstrap import Strata, ends
from vitamin.analysis.statistics.names import CONFIDENCE, Floats

SINGLE_SEED: Final = "a single seed"
NO_SPREAD: Final = "no spread to judge by"

_PAIRS_AT_ONCE: Final = 500
Indices = NDArray[np.intp]


def holm(p: Floats) -> Floats:
    """Holm's step-down correction over all defined p (N,); NaN stays NaN."""
    corrected = np.full_like(p, np.nan)
    order = np.argsort(p, kind="stable")[: np.isfinite(p).sum()]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected


def spread(resampled: Floats, difference: Floats, a: Indices, b: Indices) -> tuple[Floats, Floats, Floats]:
    """How far the percentile interval of each difference reaches below and above it, and its standard error."""
    below, above, error = np.empty((3, len(a)))
    for first in range(0, len(a), _PAIRS_AT_ONCE):
        some = slice(first, first + _PAIRS_AT_ONCE)
        resamples = (resampled[a[some]] - resampled[b[some]]).T
        low, high = ends(resamples)
        below[some] = np.maximum(difference[some] - low, 0)
        above[some] = np.maximum(high - difference[some], 0)
        error[some] = resamples.std(axis=0)
    return below, above, error


def widenings(strata: Sequence[Strata], a: Indices, b: Indices) -> tuple[Floats, Floats]:
    """By how much half-widths of each pair are multiplied, and the Welch-Satterthwaite degrees of freedom."""
    variance, resampled, squares = np.array(
        [
            (
                part.mean_variances.sum(),
                (part.mean_variances * (1 - 1 / np.array(part.sizes))).sum(),
                (part.mean_variances**2 / np.maximum(np.array(part.sizes) - 1, 1)).sum(),
            )
            for part in strata
        ]
    ).T
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.sqrt((variance[a] + variance[b]) / (resampled[a] + resampled[b]))
        freedom = (variance[a] + variance[b]) ** 2 / (squares[a] + squares[b])
    no_spread = variance[a] + variance[b] == 0
    return np.where(no_spread, 1.0, factor), np.where(no_spread, 1.0, freedom)


def welch_freedom(variance_a: Floats, variance_b: Floats, n_a: Floats, n_b: Floats) -> tuple[Floats, Floats]:
    """Degrees of freedom of Welch's test and the standard error of the difference.

    Args:
        variance_a: Variance of the first mean: s²/n.
        variance_b: Of the second.
        n_a: Runs of the first.
        n_b: Of the second.
    """
    total = variance_a + variance_b
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = total**2 / (variance_a**2 / (n_a - 1) + variance_b**2 / (n_b - 1))
    return np.where(total == 0, 1.0, freedom), np.sqrt(total)


def judged(
    difference: Floats, below: Floats, above: Floats, error: Floats, freedom: Floats
) -> dict[str, Floats | NDArray[np.str_]]:
    """Difference, 95 % interval, p, and why there is none.

    The interval reaches so far ``below`` and ``above`` the difference. p belongs to a t distribution, of these degrees
    of freedom, that has this interval: it is below 0.05 where the interval lies to one side of 0, and its tail goes
    on beyond what resamples can show (two thousand of them resolve no p below 0.001, of which Holm needs a
    hundredth). On one task the interval is that of t, and p is Welch's.
    """
    from scipy import special

    half = np.where(difference > 0, below, above)
    quantile = special.stdtrit(freedom, (1 + CONFIDENCE) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2 * special.stdtr(freedom, -np.abs(difference) / half * quantile)
    same = (error == 0) & (difference == 0)
    p = np.where(same, 1.0, np.where((error == 0) | (half == 0), np.nan, p))
    reason = np.where(np.isnan(error), SINGLE_SEED, np.where(np.isnan(p), NO_SPREAD, ""))
    return {
        "difference": difference,
        "low": difference - below,
        "high": difference + above,
        "p": p,
        "reason": reason,
    }
