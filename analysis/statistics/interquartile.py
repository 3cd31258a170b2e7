"""The interquartile mean of many resamples at once."""

from typing import Final

import numpy as np

from vitamin.analysis.statistics.names import Floats

_CUT: Final = 0.25  # of the weight, from either end
_TOLERANCE: Final = 1e-9


def interquartile_mean(values: Floats, weights: Floats, counts: Floats) -> Floats:
    """Weighted mean of each resample without its ends.

    Whole runs are cut from either end as long as what is cut weighs at most a quarter; with equal weights this is
    scipy's and rliable's trimmed mean.

    Args:
        values: Scores (R,), or of several points (R, points).
        weights: What one copy of each run weighs (R,); a resample weighs 1.
        counts: Copies of each run in each resample (reps, R).

    Returns:
        (reps,) or (reps, points).
    """
    size = round(1 / weights[0])
    is_equal = np.ptp(weights) < _TOLERANCE * weights[0]
    copies = np.ascontiguousarray(counts.T, dtype=np.int16 if size < 2**15 else np.int32)
    taken, below = np.empty_like(copies), np.empty(copies.shape)  # made once: what is large and new is slow
    means = np.empty((len(counts), *values.shape[1:]))
    for point in np.ndindex(values.shape[1:]):
        scores = values[:, *point]
        order = np.argsort(scores, kind="stable")
        np.take(copies, order, axis=0, out=taken, mode="clip")
        if is_equal:
            np.cumsum(taken, axis=0, out=taken, dtype=taken.dtype)
            cut = int(_CUT * size)
            low, high = np.array(cut), np.array(size - cut)
            np.clip(taken, cut, size - cut, out=taken)
            np.copyto(below, taken)
        else:
            np.multiply(taken, weights[order, None], out=below)
            np.cumsum(below, axis=0, out=below)
            low, high = _kept_range(below, weights[order])
            np.clip(below, low, high, out=below)
        # The sum by parts: what is kept of each run is a difference of what is kept up to it.
        gaps = np.diff(scores[order])
        means[:, *point] = scores[order[-1]] - (gaps @ below[:-1] - low * gaps.sum()) / (high - low)
    return means


def _kept_range(below: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Where what is kept of each resample begins and ends (reps,).

    Args:
        below: Mass of the resample up to and with each run, ascending, (R, reps).
        weights: What one copy of each run weighs (R,), in the same order.
    """
    resamples, tolerance = np.arange(below.shape[1]), _TOLERANCE * weights.min()

    def first_above(mass: float) -> np.ndarray:
        """The first run up to which each resample weighs more than this."""
        low, high = np.zeros_like(resamples), np.full_like(resamples, len(below) - 1)
        for _ in range(len(below).bit_length()):
            middle = (low + high) // 2
            is_above = below[middle, resamples] > mass
            low, high = (
                np.where(is_above, low, np.minimum(middle + 1, high)),
                np.where(is_above, middle, high),
            )
        return low

    def whole(mass: Floats, run: np.ndarray) -> Floats:
        """The weight of the copies of a run that fit into this."""
        copies = np.maximum(np.floor(mass / weights[run] + _TOLERANCE), 0)
        return np.asarray(copies * weights[run], dtype=np.float64)

    first, last = first_above(_CUT + tolerance), first_above(1 - _CUT - 2 * tolerance)
    before = np.where(first > 0, below[first - 1, resamples], 0)
    low = before + whole(_CUT - before, first)
    after = below[last, resamples]
    return low, after - whole(after - (1 - _CUT), last)
