"""Learning curves: the mean score over seeds against online environment steps, with a band."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from vitamin.analysis.statistics.intervals import resampled_ends, t_half_width
from vitamin.analysis.statistics.names import Floats
from vitamin.analysis.statistics.paths import Curve, inside, run_curves

if TYPE_CHECKING:
    from vitamin.analysis.scores import Scores

Band = Literal["t", "rliable", "std"]
BAND_TEXT: Final = {
    "t": "mean over n seeds, 95 % t interval",
    "rliable": "mean over n seeds, 95 % percentile bootstrap interval",
    "std": "mean over n seeds ± standard deviation",
}
COLUMNS: Final = ("task", "suite", "label", "unit", "env_steps", "mean", "low", "high", "seeds", "data")
MOST_POINTS: Final = 300


def learning_curves(scores: "Scores", *, band: Band = "t") -> pd.DataFrame:
    """Curves of each task and label, over the runs that count in the statistics.

    A run's curve starts with its pretrained score at step 0, or at its first evaluation, and ends with its last.
    Runs evaluate at different steps, since they collect whole episodes: each is interpolated linearly, between its own
    evaluations only, to the steps at which a run of its group was evaluated. Nothing is held flat: where a run has
    ended, be it diverged or of a shorter budget, the mean is that of the others, and ``seeds`` says of how many.
    Runs that reached the same budget end at one step, the largest of theirs, since they collect whole episodes.

    Args:
        scores: What ``run_scores`` returned.
        band: ``t``: pointwise 95 % t intervals of the mean; ``rliable``: percentile bootstrap intervals, too
            narrow with few seeds; ``std``: a standard deviation to either side, as in the paper's figures. A single
            seed has no band (NaN).

    Returns:
        Columns ``COLUMNS``, in the order of tasks and labels of ``scores``, then by step; ``seeds`` is the number of
        runs at that step. Of long curves some 300 steps are kept, the ends of all runs among them.
    """
    curves = run_curves(scores.evaluations)
    parts = []
    for (task, label), group in scores.counted.groupby(["task", "label"], sort=False, observed=True):
        known = _ended_together(group, curves)
        if not known:
            continue
        steps = _steps(known)
        values = np.stack([inside(steps, curve) for curve in known])
        mean, low, high, seeds = _band(values, band)
        columns = {"env_steps": steps, "mean": mean, "low": low, "high": high, "seeds": seeds}
        marks = "; ".join(dict.fromkeys(mark for mark in group["data"] if mark))
        first = group.iloc[0]
        names = {"task": task, "suite": first["suite"], "label": label, "unit": first["unit"], "data": marks}
        parts.append((names, columns))
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    lengths = [len(columns["mean"]) for _, columns in parts]
    table: dict[str, object] = {
        name: np.concatenate([columns[name] for _, columns in parts]) for name in parts[0][1]
    }
    for name in ("task", "suite", "label", "unit", "data"):
        table[name] = np.repeat(np.array([names[name] for names, _ in parts], dtype=object), lengths)
    return pd.DataFrame(table)[list(COLUMNS)]


def _ended_together(runs: pd.DataFrame, curves: Mapping[str, Curve]) -> list[Curve]:
    """The curves of runs; those that reached the same budget end at one step.

    Episodes are collected whole, so that their last evaluations lie a little beyond the budget, each at another step.
    """
    reached = runs[runs["end_steps"] >= runs["budget"]]
    ends = reached.groupby("budget")["end_steps"].max()
    end = dict(zip(reached["run"], reached["budget"].map(ends), strict=True))
    found = []
    for run in runs["run"]:
        if run in curves:
            steps, scores = curves[run]
            if run in end and steps[-1] < end[run]:
                steps = np.append(steps[:-1], end[run])
            found.append((steps, scores))
    return found


def _steps(curves: list[Curve]) -> Floats:
    """Where any run was evaluated; of many steps some, with those at which runs end."""
    steps = np.unique(np.concatenate([at for at, _ in curves]))
    if len(steps) <= MOST_POINTS:
        return steps
    chosen = steps[np.linspace(0, len(steps) - 1, MOST_POINTS).round().astype(int)]
    ends = [end for at, _ in curves for end in (at[0], at[-1])]
    return np.union1d(chosen, ends)


def _band(values: Floats, band: Band) -> tuple[Floats, Floats, Floats, Floats]:
    """Mean, lower and upper edge and number of runs of scores ``(runs, steps)``, NaN where a run has none."""
    present = ~np.isnan(values)
    seeds = present.sum(axis=0)
    mean = np.where(present, values, 0).sum(axis=0) / np.maximum(seeds, 1)
    mean[seeds == 0] = np.nan  # between a run that ended early and one that starts late
    if band == "rliable":
        return mean, *_resampled(values, present), seeds
    squares = np.where(present, values - mean, 0) ** 2
    deviation = np.sqrt(np.where(seeds > 1, squares.sum(axis=0), np.nan) / np.maximum(seeds - 1, 1))
    half = deviation if band == "std" else t_half_width(deviation, seeds)
    return mean, mean - half, mean + half, seeds


def _resampled(values: Floats, present: Floats) -> tuple[Floats, Floats]:
    """Percentile ends, of each set of runs that is present somewhere at a time."""
    low, high = np.full((2, values.shape[1]), np.nan)
    sets, which = np.unique(present, axis=1, return_inverse=True)
    for number, runs in enumerate(sets.T):
        if runs.sum() > 1:
            there = which.ravel() == number
            low[there], high[there] = resampled_ends(values[np.ix_(runs, there)])
    return low, high
