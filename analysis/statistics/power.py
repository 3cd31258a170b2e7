"""How many seeds would have told a difference."""

from typing import Final

import numpy as np
import pandas as pd

from vitamin.analysis.statistics.names import Floats

SHOWN_POINTS: Final = 20.0
"""The difference of normalized scores that seeds are counted for; of returns it is the one that was observed."""

POWER: Final = 0.8
MOST_SEEDS: Final = 1000


def seeds_needed(deviation: pd.Series, points: pd.Series, freedom: pd.Series, level: float) -> Floats:
    """Seeds of each side with which a two-sided t test at ``level`` tells ``points`` with 80 % power.

    Central t quantiles stand for those of the noncentral distribution; numbers of seeds are right to about one.

    Args:
        deviation: Standard deviations of a run, pooled over both sides.
        points: Differences.
        freedom: Degrees of freedom that each seed of a side beyond the first adds: on one task 2 if both sides spread
            alike, 1 if only one does.
        level: Corrected for the number of tests.

    Returns:
        ``MOST_SEEDS`` + 1 where it takes more; NaN where either is undefined, or where there is no spread.
    """
    from scipy import special

    spread, each = deviation.to_numpy(np.float64), freedom.to_numpy(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.abs(points.to_numpy(np.float64)) / spread
    low, high = np.full(len(ratio), 2), np.full(len(ratio), MOST_SEEDS + 1)
    while (low < high).any():  # the more seeds, the smaller the difference that they tell
        n = (low + high) // 2
        quantiles = sum(special.stdtrit(each * (n - 1), share) for share in (1 - level / 2, POWER))
        tells = quantiles * np.sqrt(2 / n) <= ratio
        low, high = np.where(tells, low, np.minimum(n + 1, high)), np.where(tells, n, high)
    return np.where(np.isfinite(ratio) & np.isfinite(each) & (spread > 0), high, np.nan)
