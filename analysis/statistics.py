"""Statistics over seeds and tasks: mean and deviation, and rliable's aggregates with bootstrap intervals.

Scores and everything computed from them are on the 0-100 scale. The optimality gap is the mean amount by
which scores fall short of 100, smaller being better (Agarwal et al. 2021; rliable takes scores divided by 100
and γ = 1).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rliable import library, metrics

from vitamin.analysis.labels import sort_labels
from vitamin.analysis.scores import NORMALIZED, counted

ALL_TASKS: Final = "all tasks"
CONFIDENCE: Final = 0.95
DEFAULT_REPS: Final = 2000

MEDIAN: Final = "median"
IQM: Final = "IQM"
MEAN: Final = "mean"
OPTIMALITY_GAP: Final = "optimality gap"
_METRICS: Final = {
    MEDIAN: metrics.aggregate_median,
    IQM: metrics.aggregate_iqm,
    MEAN: metrics.aggregate_mean,
    OPTIMALITY_GAP: metrics.aggregate_optimality_gap,
}

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Aggregates:
    """Estimates with their intervals.

    Attributes:
        frame: One row for each task (or ``ALL_TASKS``), label and metric: ``task``, ``label``, ``metric``,
            ``value``, ``low``, ``high`` (95 %, NaN if undefined), and the numbers of ``seeds`` and ``tasks``.
        notes: What was left out and why, one sentence each.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]


def summarize(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean and sample standard deviation (NaN for a single seed) over the seeds of each task and label.

    Args:
        scores: What ``run_scores`` returned.

    Returns:
        Columns ``task``, ``label``, ``unit``, ``seeds``, and ``_mean`` and ``_std`` of ``pretrained``,
        ``final`` and ``change``; sorted by task, then in the order of ``sort_labels``.
    """
    groups = counted(scores).groupby(["task", "label"], as_index=False)
    statistics = {
        f"{name}_{statistic}": (name, statistic)
        for name in ("pretrained", "final", "change")
        for statistic in ("mean", "std")
    }
    summary = groups.agg(unit=("unit", "first"), seeds=("seed", "count"), **statistics)
    ranks = {label: rank for rank, label in enumerate(sort_labels(summary["label"]))}
    order = summary["label"].map(ranks)
    return summary.assign(rank=order).sort_values(["task", "rank"], ignore_index=True).drop(columns="rank")


def aggregate(scores: pd.DataFrame, *, reps: int = DEFAULT_REPS, seed: int = 0) -> Aggregates:
    """Median, IQM, mean and optimality gap of the final scores, for each task and over all tasks.

    Intervals are 95 % percentile intervals of a bootstrap stratified by task; a single seed has none. The
    median is rliable's, of the tasks' means, so on one task it equals the mean. Tasks without reference
    scores have statistics of their raw returns, without optimality gap, and do not enter the aggregates over
    tasks. Those compare all labels on the tasks that every label has, each with the seeds it has on all.

    Args:
        scores: What ``run_scores`` returned.
        reps: Bootstrap resamples.
        seed: Of the resampling; the same input gives the same intervals.
    """
    final = counted(scores)
    rows: list[dict[str, object]] = []
    for task, on_task in final.groupby("task"):
        normalized = bool((on_task["unit"] == NORMALIZED).all())
        for label in sort_labels(on_task["label"]):
            matrix = on_task.loc[on_task["label"] == label, ["final"]].to_numpy(dtype=np.float64)
            rows += _rows(str(task), label, matrix, normalized=normalized, reps=reps, seed=seed)
    matrices, notes = _over_tasks(final)
    notes += _single_seeds(final)
    for label, matrix in matrices.items():
        rows += _rows(ALL_TASKS, label, matrix, normalized=True, reps=reps, seed=seed)
    columns = ["task", "label", "metric", "value", "low", "high", "seeds", "tasks"]
    return Aggregates(pd.DataFrame(rows, columns=columns), notes)


def intervals_overlap(first: tuple[float, float], second: tuple[float, float]) -> bool | None:
    """Whether two intervals ``(low, high)`` have a common point; None if one of them is undefined (NaN)."""
    if np.isnan((*first, *second)).any():
        return None
    return first[0] <= second[1] and second[0] <= first[1]


def separation(aggregates: pd.DataFrame, metric: str = IQM) -> pd.DataFrame:
    """Compares, on each task, the label with the highest estimate with every other.

    Args:
        aggregates: ``Aggregates.frame``.
        metric: ``MEDIAN``, ``IQM`` or ``MEAN``.

    Returns:
        Columns ``task``, ``best``, ``other``, ``overlap`` (True, False, None if an interval is undefined).
    """
    rows = []
    for task, estimates in aggregates[aggregates["metric"] == metric].groupby("task", sort=False):
        best, *others = estimates.sort_values("value", ascending=False, kind="stable").to_dict("records")
        for other in others:
            overlap = intervals_overlap((best["low"], best["high"]), (other["low"], other["high"]))
            rows.append({"task": task, "best": best["label"], "other": other["label"], "overlap": overlap})
    return pd.DataFrame(rows, columns=["task", "best", "other", "overlap"], dtype=object)


def bootstrap_interval(
    values: Floats, statistic: Callable[[Floats], Floats], *, reps: int, seed: int
) -> tuple[Floats, Floats]:
    """The 95 % percentile interval of a statistic, by rliable's bootstrap over runs (other axes are strata).

    Args:
        values: ``(runs, tasks)`` or ``(runs, tasks, ...)``, at least two runs.
        statistic: Maps an array like ``values`` to a vector.
        reps: Resamples.
        seed: Of the resampling.

    Returns:
        Lower and upper bound, shaped as the statistic.
    """
    with _global_seed(seed):
        _, intervals = library.get_interval_estimates(
            {"": values}, statistic, reps=reps, confidence_interval_size=CONFIDENCE
        )
    low, high = intervals[""]
    return low, high


@contextmanager
def _global_seed(seed: int) -> Iterator[None]:
    """Seeds numpy's global generator meanwhile: rliable 1.2.0 draws from it and ignores ``random_state``."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


def _rows(
    task: str, label: str, matrix: Floats, *, normalized: bool, reps: int, seed: int
) -> list[dict[str, object]]:
    """One row for each metric, of final scores ``(runs, tasks)``."""
    scale = 100.0 if normalized else 1.0
    chosen = [name for name in _METRICS if normalized or name != OPTIMALITY_GAP]

    def estimate(scores: Floats) -> Floats:
        return np.array([_METRICS[name](scores) for name in chosen])

    scaled = matrix / scale
    values = estimate(scaled)
    low = high = np.full_like(values, np.nan)
    if len(matrix) > 1:
        low, high = bootstrap_interval(scaled, estimate, reps=reps, seed=seed)
    where = {"task": task, "label": label, "seeds": matrix.shape[0], "tasks": matrix.shape[1]}
    return [
        where | {"metric": name, "value": value * scale, "low": lower * scale, "high": upper * scale}
        for name, value, lower, upper in zip(chosen, values, low, high, strict=True)
    ]


def _single_seeds(final: pd.DataFrame) -> tuple[str, ...]:
    seeds = final.groupby(["task", "label"]).size()
    single = [f"{label} on {task}" for task, label in seeds[seeds == 1].index]
    return (f"A single seed has no interval: {', '.join(single)}.",) if single else ()


def _over_tasks(final: pd.DataFrame) -> tuple[dict[str, Floats], tuple[str, ...]]:
    """Scores ``(runs, tasks)`` of each label on the tasks that all labels have, and what that leaves out."""
    normalized = final[final["unit"] == NORMALIZED]
    notes = [
        f"{task} has no reference scores: its scores are raw returns and do not enter aggregates over tasks."
        for task in sorted(set(final["task"]) - set(normalized["task"]))
    ]
    tasks = sorted(set(normalized["task"]))
    labels = sort_labels(normalized["label"])
    tasks_of = {label: set(normalized.loc[normalized["label"] == label, "task"]) for label in labels}
    shared = [task for task in tasks if all(task in tasks_of[label] for label in labels)]
    if len(tasks) > 1 and len(shared) <= 1:
        notes.append("No aggregates over tasks: fewer than two tasks have counted runs of every method.")
    if len(shared) <= 1:
        return {}, tuple(notes)
    if shared != tasks:
        left_out = ", ".join(task for task in tasks if task not in shared)
        notes.append(f"Aggregates over tasks leave out {left_out}: not every method has counted runs there.")
    matrices = {}
    for label in labels:
        rows = normalized[(normalized["label"] == label) & normalized["task"].isin(shared)]
        by_seed = rows.pivot_table(index="seed", columns="task", values="final")
        complete = by_seed.dropna()
        missing = ", ".join(str(seed) for seed in by_seed.index.difference(complete.index))
        if missing:
            notes.append(
                f"{label}: seeds {missing} do not enter aggregates over tasks: some tasks lack them."
            )
        if len(complete):
            matrices[label] = complete.to_numpy(dtype=np.float64)
    return matrices, tuple(notes)
