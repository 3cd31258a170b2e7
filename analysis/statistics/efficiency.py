"""Sample efficiency over tasks (Agarwal et al. 2021): the IQM of scores on the way, against steps or hours."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from vitamin.analysis.statistics.bootstrap import Draws, Strata, ends, widening
from vitamin.analysis.statistics.interquartile import interquartile_mean
from vitamin.analysis.statistics.names import BAND_REPS, Floats
from vitamin.analysis.statistics.paths import Curve, inside, run_curves
from vitamin.analysis.statistics.scopes import Scope, scopes_over_tasks

if TYPE_CHECKING:
    from vitamin.analysis.scores import Scores

X = Literal["env_steps", "hours"]

COLUMNS: Final = ("scope", "kind", "label", "x", "x_unit", "IQM", "low", "high", "seeds")
STEPS: Final = "env_steps"
SHARE: Final = "share of steps"
HOURS: Final = "hours"
POINTS: Final = 26


def efficiency(
    scores: "Scores",
    x: X = "env_steps",
    *,
    hours: Mapping[str, float] | None = None,
    reps: int = BAND_REPS,
    seed: int = 0,
) -> pd.DataFrame:
    """The IQM over runs of the tasks that all methods share, with widened bootstrap bands.

    Against environment steps, up to the step at which final scores are compared: in steps if that is the same
    for all tasks of the scope, else as a share of it. Against hours, up to where the first run of a method that reached
    that step is done; within a run, time is taken as proportional to steps. As in learning curves a run is part of
    it between its own first and last evaluation; nothing is held flat; where a task has no run left, the curve ends.

    Args:
        scores: What ``run_scores`` returned.
        x: ``env_steps`` or ``hours``.
        hours: For ``hours``: those that each run took to its last evaluation; methods of which some are unknown are
            left out.
        reps: Resamples.
        seed: Of the resampling.

    Returns:
        Columns ``COLUMNS``; ``seeds`` is the fewest runs on a task; ``x_unit`` is ``env_steps``, ``share of steps`` or
        ``hours``.
    """
    curves = run_curves(scores.evaluations)
    groups = dict(tuple(scores.counted.groupby(["label", "task"], sort=False, observed=True)))
    parts = []
    drawn = Draws(reps, seed)
    for scope in scopes_over_tasks(scores)[0]:
        limits = {task: float(scores.common_steps[task]) for task in scope.tasks}
        same = len(set(limits.values())) == 1
        for label in scope.labels:
            of_tasks = [groups[label, task] for task in scope.tasks]
            keys = [list(part["run"]) for part in of_tasks]
            if not all(run in curves for part in keys for run in part):
                continue
            at = np.linspace(0, 1, POINTS)
            if x == HOURS:
                rates = _rates(of_tasks, curves, hours or {})
                if rates is None:
                    continue
                shown = at * _shortest(of_tasks, curves, rates, limits)
                steps = [shown * rates[run] for part in keys for run in part]
                unit = HOURS
            else:
                steps = [
                    at * limits[task] for task, part in zip(scope.tasks, keys, strict=True) for _ in part
                ]
                shown, unit = (at * limits[scope.tasks[0]], STEPS) if same else (at, SHARE)
            values = [
                inside(where, curves[run])
                for where, run in zip(steps, [run for part in keys for run in part], strict=True)
            ]
            found = _bands(np.array(values), [len(part) for part in keys], drawn)
            parts.append(_rows(scope, label, shown, unit, found))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _rows(
    scope: Scope, label: str, x: Floats, unit: str, found: tuple[Floats, Floats, Floats, Floats]
) -> pd.DataFrame:
    value, low, high, seeds = found
    names = {"scope": scope.name, "kind": scope.kind, "label": label, "x": x, "x_unit": unit}
    rows = pd.DataFrame(names | {"IQM": value, "low": low, "high": high, "seeds": seeds.astype(int)})
    return rows[rows["IQM"].notna()]


def _rates(
    of_tasks: list[pd.DataFrame], curves: Mapping[str, Curve], hours: Mapping[str, float]
) -> dict[str, float] | None:
    """Steps an hour of each run; None if one is unknown."""
    runs = [run for part in of_tasks for run in part["run"]]
    known = {run: hours.get(run, float("nan")) for run in runs}
    if not all(taken > 0 for taken in known.values()):
        return None
    return {run: float(curves[run][0][-1]) / taken for run, taken in known.items()}


def _shortest(
    of_tasks: list[pd.DataFrame],
    curves: Mapping[str, Curve],
    rates: Mapping[str, float],
    limits: Mapping[str, float],
) -> float:
    """Hours after which the first run reaches the step of comparison, or ends; diverged runs do not shorten it."""
    whole = [part[part["status"] != "diverged"] for part in of_tasks]
    whole = whole if any(len(part) for part in whole) else of_tasks
    return min(
        (
            min(float(curves[run][0][-1]), limits[task]) / rates[run]
            for part in whole
            for run, task in zip(part["run"], part["task"], strict=True)
            if rates[run] > 0
        ),
        default=0.0,
    )


def _bands(values: Floats, sizes: list[int], drawn: Draws) -> tuple[Floats, Floats, Floats, Floats]:
    """IQM, its widened band and the fewest runs on a task, of values (R, points), NaN where a run has none."""
    value, low, high = np.full((3, values.shape[1]), np.nan)
    seeds = np.zeros(values.shape[1])
    tasks = np.repeat(np.arange(len(sizes)), sizes)
    sets, which = np.unique(~np.isnan(values), axis=1, return_inverse=True)
    for number, present in enumerate(sets.T):  # mostly one: all runs
        left = np.bincount(tasks[present], minlength=len(sizes))
        if left.min() == 0:
            continue
        points = np.flatnonzero(which.ravel() == number)
        strata = [Strata(values[present, point], tuple(left.tolist())) for point in points]
        weights, here = strata[0].weights, values[present][:, points]
        value[points] = interquartile_mean(here, weights, np.ones((1, present.sum())))[0]
        seeds[points] = left.min()
        if left.min() > 1:
            resampled = interquartile_mean(here, weights, drawn.of(strata[0].sizes))
            factor = np.array([widening(part) for part in strata])
            low[points], high[points] = (
                value[points] + factor * (end - value[points]) for end in ends(resampled)
            )
    return value, low, high, seeds
