"""Learning curves: the mean score over seeds against online environment steps, with a band."""

from typing import Final, Literal

import numpy as np
import pandas as pd

from vitamin.analysis.labels import sort_labels
from vitamin.analysis.results import Results
from vitamin.analysis.schema import ONLINE, PRETRAIN
from vitamin.analysis.scores import counted, evaluation_scores
from vitamin.analysis.statistics import DEFAULT_REPS, Floats, bootstrap_interval

Band = Literal["bootstrap", "std"]
BAND_TEXT: Final = {
    "bootstrap": "mean over n seeds, 95 % bootstrap interval",
    "std": "mean over n seeds ± standard deviation",
}
CURVE_COLUMNS: Final = ("task", "label", "unit", "seeds", "env_steps", "mean", "low", "high")


def learning_curves(
    results: Results,
    scores: pd.DataFrame,
    *,
    band: Band = "bootstrap",
    reps: int = DEFAULT_REPS,
    seed: int = 0,
) -> pd.DataFrame:
    """Curves of each task and label, over the runs that count in the statistics.

    A run's curve starts with its pretrained score at step 0. Runs evaluate at different steps, since they
    collect whole episodes: each is interpolated linearly to every step at which a run of its group was
    evaluated, and keeps its last score to the end, so that curves end in the final scores of the tables.

    Args:
        results: What ``load_results`` read.
        scores: What ``run_scores`` returned for it.
        band: ``bootstrap``: pointwise 95 % percentile intervals as in ``aggregate``; ``std``: a standard
            deviation to either side, as in the paper's figures. A single seed has no band (NaN).
        reps: Bootstrap resamples.
        seed: Of the resampling.

    Returns:
        Columns ``CURVE_COLUMNS``, sorted by task, then in the order of ``sort_labels``, then by step.
    """
    points = _points(evaluation_scores(results))
    runs = counted(scores)
    parts = []
    for task, on_task in runs.groupby("task"):
        for label in sort_labels(on_task["label"]):
            group = on_task[on_task["label"] == label]
            curves = [points[run] for run in group["run"]]
            steps, values = _aligned(curves)
            mean = values.mean(axis=0)
            low, high = _band(values, band, reps=reps, seed=seed)
            part = pd.DataFrame({"env_steps": steps, "mean": mean, "low": low, "high": high})
            unit = group["unit"].iloc[0]
            parts.append(part.assign(task=task, label=label, unit=unit, seeds=len(group)))
    return pd.concat(parts, ignore_index=True)[list(CURVE_COLUMNS)] if parts else _no_curves()


def _points(evaluations: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """For each run its scores by env steps, ascending and without repeated steps."""
    pretrained = evaluations[evaluations["phase"] == PRETRAIN].groupby("run").tail(1).assign(env_steps=0)
    online = evaluations[evaluations["phase"] == ONLINE]
    points = pd.concat([pretrained, online]).drop_duplicates(["run", "env_steps"], keep="last")
    return {str(run): part for run, part in points.sort_values("env_steps").groupby("run")}


def _aligned(curves: list[pd.DataFrame]) -> tuple[Floats, Floats]:
    """Steps at which any run was evaluated, once all have started; scores ``(runs, steps)`` there."""
    steps = np.unique(np.concatenate([curve["env_steps"].to_numpy(dtype=np.float64) for curve in curves]))
    steps = steps[steps >= max(curve["env_steps"].min() for curve in curves)]
    values = [np.interp(steps, curve["env_steps"], curve["score"]) for curve in curves]
    return steps, np.stack(values)


def _band(values: Floats, band: Band, *, reps: int, seed: int) -> tuple[Floats, Floats]:
    """Lower and upper edge for scores ``(runs, steps)``."""
    mean = values.mean(axis=0)
    if len(values) == 1:
        return np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    if band == "std":
        deviation = values.std(axis=0, ddof=1)
        return mean - deviation, mean + deviation
    return bootstrap_interval(values[:, np.newaxis], _mean_over_runs, reps=reps, seed=seed)


def _mean_over_runs(values: Floats) -> Floats:
    """``(runs, 1, steps)`` → ``(steps,)``."""
    return np.asarray(values.mean(axis=(0, 1)), dtype=np.float64)


def _no_curves() -> pd.DataFrame:
    return pd.DataFrame(columns=list(CURVE_COLUMNS))
