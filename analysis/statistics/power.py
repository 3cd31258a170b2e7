"""How many seeds would have told a difference."""

from functools import cache
from typing import Final

import numpy as np
import pandas as pd

from vitamin.analysis.statistics.names import Floats

SHOWN_POINTS: Final = 20.0
"""The difference of normalized scores that seeds are counted for; of returns it is the one that was observed."""

POWER: Final = 0.8
MOST_SEEDS: Final = 1000


def seeds_needed(deviation: pd.Series, points: pd.Series, level: float) -> Floats:
    """Seeds of each side with which a two-sided t test at ``level`` tells ``points`` with 80 % power.

    Args:
        deviation: Standard deviations of a run, pooled over both sides.
        points: Differences.
        level: Corrected for the number of tests.

    Returns:
        ``MOST_SEEDS`` + 1 where it takes more; NaN where either is undefined, or where there is no spread.
    """
    spread = deviation.to_numpy(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.abs(points.to_numpy(np.float64)) / spread
    needed = np.searchsorted(-_told(level), -ratio) + 2.0
    return np.where(np.isfinite(ratio) & (spread > 0), needed, np.nan)


@cache
def _told(level: float) -> Floats:
    """The difference, in standard deviations, that 2, 3, … ``MOST_SEEDS`` of a side tell: falling.

    Central t quantiles stand for those of the noncentral distribution; numbers of seeds are right to about one.
    """
    from scipy import special

    n = np.arange(2, MOST_SEEDS + 1, dtype=np.float64)
    quantiles = special.stdtrit(2 * n - 2, 1 - level / 2) + special.stdtrit(2 * n - 2, POWER)
    return np.asarray(quantiles * np.sqrt(2 / n), dtype=np.float64)
