"""Summaries of each task and method, and the estimates of Agarwal et al. 2021 with their intervals."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from vitamin.analysis.statistics.bootstrap import Draws, Estimate, Strata, bootstrap
from vitamin.analysis.statistics.intervals import t_half_width
from vitamin.analysis.statistics.names import DEFAULT_REPS, IQM, MEAN, OPTIMALITY_GAP, TASK
from vitamin.analysis.statistics.scopes import scopes_over_tasks, stand_ins
from vitamin.analysis.units import NORMALIZED
from vitamin.analysis.wording import listed

if TYPE_CHECKING:
    from vitamin.analysis.scores import Scores

Interval = Literal["t", "rliable"]

COLUMNS: Final = (
    *("scope", "kind", "tasks", "label", "metric", "value", "low", "high", "rliable_low", "rliable_high"),
    *("seeds", "seeds_most", "unit", "data"),
)
FEW_SEEDS: Final = 3
"""Up to this number of runs of one task the interquartile mean cuts nothing, and is the mean."""


@dataclass(frozen=True)
class Aggregates:
    """Estimates with their intervals.

    Attributes:
        frame: One row for each scope, label and metric. ``scope``: a task's name or several tasks in words; ``kind``
            ``task``, ``suite`` or ``all``; ``tasks`` their number; ``value`` with ``low`` and ``high`` (95 %, NaN if
            undefined) and rliable's percentile ends; ``seeds`` and ``seeds_most``, the fewest and the most runs of a
            task; ``unit``; ``data``, what stands in for the tasks' own data, or empty.
        notes: What was left out and why, one sentence each.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]


def aggregate(
    scores: "Scores", *, interval: Interval = "t", reps: int = DEFAULT_REPS, seed: int = 0
) -> Aggregates:
    """Estimates of the final scores: of each task, of each suite and of all tasks.

    On one task, the mean with its t interval; of normalized scores the optimality gap and, with more than three
    seeds, the IQM, with widened bootstrap intervals. Over tasks that all methods share, mean, median (of the tasks'
    means), IQM and optimality gap with rliable's stratified bootstrap, its half-widths times √(n/(n−1)).

    Args:
        scores: What ``run_scores`` returned.
        interval: ``rliable``: ``low`` and ``high`` are rliable's own ends everywhere.
        reps: Resamples.
        seed: Of the resampling; the same input gives the same intervals.
    """
    counted = scores.counted
    drawn = Draws(reps, seed)
    rows = list(_task_rows(counted, drawn))
    scopes, notes = scopes_over_tasks(scores)
    for scope in scopes:
        on_tasks = counted[counted["task"].isin(scope.tasks)]
        marks = {label: stand_ins(part) for label, part in on_tasks.groupby("label")["data"]}
        for label, strata in scope.strata(counted).items():
            where = {"scope": scope.name, "kind": scope.kind, "tasks": len(scope.tasks), "label": label}
            where |= {"unit": NORMALIZED, "data": marks[label]}
            rows += _rows(where, strata, bootstrap(strata, drawn))
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    if interval == "rliable":
        frame[["low", "high"]] = frame[["rliable_low", "rliable_high"]]
    return Aggregates(frame, (*notes, *_about_seeds(counted)))


def summarize(scores: "Scores") -> pd.DataFrame:
    """Mean and sample standard deviation (NaN for a single seed) over the counted runs of each task and label.

    Returns:
        Columns ``task``, ``suite``, ``label``, ``unit``, ``seeds``; ``_mean`` and ``_std`` of ``pretrained``, ``final``
        and ``change``; ``final_low``, ``final_high`` (95 % t interval); ``success_mean``; ``own_final_mean`` and
        ``own_steps``, means of the scores at the runs' own ends and of their steps there; ``regret_mean``;
        ``diverged``, how many did; ``data``. In the order of tasks and labels of ``scores``.
    """
    counted = scores.counted.copy()
    counted["diverged"] = counted["status"] == "diverged"
    with_spread = {
        f"{name}_{statistic}": (name, statistic)
        for name in ("pretrained", "final", "change")
        for statistic in ("mean", "std")
    }
    means = {"success_mean": "success", "own_final_mean": "own_final", "own_steps": "end_steps"}
    summary: pd.DataFrame = counted.groupby(["task", "label"], as_index=False, sort=False, observed=True).agg(
        suite=("suite", "first"),
        unit=("unit", "first"),
        seeds=("run", "size"),
        **with_spread,
        **{name: (column, "mean") for name, column in (means | {"regret_mean": "regret"}).items()},
        diverged=("diverged", "sum"),
        data=("data", stand_ins),
    )
    half = t_half_width(summary["final_std"].to_numpy(float), summary["seeds"].to_numpy(float))
    summary["final_low"], summary["final_high"] = summary["final_mean"] - half, summary["final_mean"] + half
    order = ["task", "suite", "label", "unit", "seeds", *with_spread, "final_low", "final_high"]
    return summary[[*order, *means, "regret_mean", "diverged", "data"]]


def _task_rows(counted: pd.DataFrame, drawn: Draws) -> Iterator[dict[str, object]]:
    for (task, label), runs in counted.groupby(["task", "label"], sort=False, observed=True):
        finals = runs["final"].to_numpy(dtype=np.float64)
        unit = runs["unit"].iloc[0]
        metrics = [MEAN]
        if unit == NORMALIZED:
            metrics += [IQM, OPTIMALITY_GAP] if len(finals) > FEW_SEEDS else [OPTIMALITY_GAP]
        strata = Strata(finals, (len(finals),))
        where = {
            "scope": task,
            "kind": TASK,
            "tasks": 1,
            "label": label,
            "unit": unit,
            "data": stand_ins(runs["data"]),
        }
        for row in _rows(where, strata, bootstrap(strata, drawn, metrics)):
            if row["metric"] == MEAN:
                deviation = finals.std(ddof=1) if len(finals) > 1 else np.nan
                half = float(t_half_width(np.array(deviation), np.array(len(finals))))
                row |= {"low": finals.mean() - half, "high": finals.mean() + half}
            yield row


def _rows(
    where: dict[str, object], strata: Strata, estimates: Mapping[str, Estimate]
) -> Iterator[dict[str, object]]:
    seeds = {"seeds": min(strata.sizes), "seeds_most": max(strata.sizes)}
    for metric, estimate in estimates.items():
        yield where | seeds | {"metric": metric} | asdict(estimate)


def _about_seeds(counted: pd.DataFrame) -> tuple[str, ...]:
    seeds = counted.groupby(["task", "label"], sort=False, observed=True).size()
    notes = []
    single = [f"{label} on {task}" for task, label in seeds[seeds == 1].index]
    if single:
        notes.append(f"A single seed has no interval: {listed(single)}.")
    if len(seeds) and (seeds <= FEW_SEEDS).any():
        notes.append(
            "With three seeds or fewer on one task the IQM cuts nothing and is the mean, so only that is given."
        )
    return tuple(notes)
