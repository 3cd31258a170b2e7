"""Which methods are apart: a test of every pair, corrected for all of them.

On one task Welch's t test of the final scores; over tasks a stratified bootstrap of the difference, its half-widths
multiplied as those of aggregates. Seeds are never paired: that of one method has nothing to do with that of another.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vitamin.analysis.labels import base_label, find_labels
from vitamin.analysis.statistics.bootstrap import draws, statistic
from vitamin.analysis.statistics.differences import Indices, holm, judged, spread, welch_freedom, widenings
from vitamin.analysis.statistics.gate import Gate, gate
from vitamin.analysis.statistics.intervals import t_half_width
from vitamin.analysis.statistics.names import CONFIDENCE, DEFAULT_REPS, IQM, MEAN, TASK, Floats
from vitamin.analysis.statistics.power import SHOWN_POINTS, seeds_needed
from vitamin.analysis.statistics.scopes import Scope, scopes_over_tasks, stand_ins
from vitamin.analysis.units import NORMALIZED
from vitamin.errors import ReportError, nearest

if TYPE_CHECKING:
    from vitamin.analysis.scores import Scores

LEVEL: Final = 1 - CONFIDENCE
COLUMNS: Final = (
    *("scope", "metric", "method_a", "method_b", "n_a", "n_b", "difference", "low", "high"),
    *("p", "p_corrected", "apart", "kind", "unit", "seeds_needed", "points", "reason", "data"),
)
BY_CHANCE: Final = "two clusters of runs could do this by chance"


@dataclass(frozen=True)
class Comparisons:
    """Every comparison of two methods that a page makes.

    Attributes:
        frame: ``COLUMNS``. ``difference`` is that of ``method_a`` less ``method_b``, with its 95 % interval, not
            corrected; ``n_a``, ``n_b`` their runs, over tasks the fewest on one; ``p_corrected`` by Holm over
            ``family``; ``apart`` if that is below 0.05 and the gate lets it pass; ``seeds_needed`` of a side that
            would tell ``points`` with 80 % power (``MOST_SEEDS`` + 1: more than that; NaN where apart, held back or
            undefined); ``reason`` why there is no test, or why a small p is not called apart; ``data`` what stands in
            for the data of either.
        estimates: What was compared: ``scope``, ``kind``, ``metric``, ``label``, ``value``, ``seeds``, in the order of
            tables.
        family: Number of tests, over which they are corrected.
        gate: Whether runs that fall into clusters could do this by chance.
        baseline: Labels that all others were compared with; empty if all pairs were compared.
        notes: What was left out and why, one sentence each.
    """

    frame: pd.DataFrame
    estimates: pd.DataFrame
    family: int
    gate: Gate
    baseline: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def _tests(self) -> str:
        return f"{self.family:,} comparison{'' if self.family == 1 else 's'}"

    @property
    def method(self) -> str:
        """The statistical method, in a line below a table."""
        over_tasks = (
            "" if (self.frame["kind"] == TASK).all() else "; over tasks a stratified bootstrap, widened"
        )
        whom = f"with {' and '.join(self.baseline)}" if self.baseline else "of all pairs"
        return (
            f"Tests {whom}: Welch's t on one task{over_tasks}; p by Holm over {self._tests}. "
            f"{self.gate.sentence}"
        )


def compare(
    scores: "Scores",
    *,
    baseline: str | None = None,
    only: Collection[frozenset[str]] | None = None,
    reps: int = DEFAULT_REPS,
    seed: int = 0,
) -> Comparisons:
    """Compares final scores of all pairs of methods, or of all methods with one.

    Args:
        scores: What ``run_scores`` returned.
        baseline: A label, or a method, of which all labels are then compared with the others; chosen before the
            results are seen, it leaves fewer comparisons to correct for.
        only: The only pairs of labels that are compared, if they were chosen beforehand.
        reps: Resamples of each method.
        seed: Of resamples and relabellings.

    Raises:
        ReportError: No run of ``baseline`` counts.
    """
    counted = scores.counted
    labels = [label for label in scores.labels if (counted["label"] == label).any()]
    first = _baseline(baseline, labels)
    scopes, notes = scopes_over_tasks(scores)
    estimates = _estimates(counted, labels)
    parts = [_on_tasks(estimates, labels, first)]
    for scope in scopes:
        part, values = _over_tasks(scope, counted, first, reps=reps, seed=seed)
        parts.append(part)
        estimates = pd.concat([estimates, values], ignore_index=True)
    frame = pd.concat(parts, ignore_index=True)
    if only is not None:
        pairs = zip(frame["method_a"], frame["method_b"], strict=True)
        frame = frame[[frozenset(pair) in only for pair in pairs]].reset_index(drop=True)
    frame["data"] = _data(frame, estimates)
    frame["p_corrected"] = holm(frame["p"].to_numpy(np.float64))
    family = int(frame["p"].notna().sum())
    frame["apart"] = frame["p_corrected"] < LEVEL
    passed = gate(counted, frame, seed=seed)
    held = frame["apart"] & passed.holds(frame)
    frame.loc[held, "reason"] = BY_CHANCE
    frame["apart"] &= ~held
    points = np.where(frame["unit"] == NORMALIZED, SHOWN_POINTS, frame["difference"].abs())
    frame["points"] = np.where(frame["p"].notna() & ~frame["apart"] & ~held, points, np.nan)
    frame["seeds_needed"] = seeds_needed(
        frame["deviation"], frame["points"], frame["freedom"], LEVEL / max(family, 1)
    )
    columns = ["scope", "kind", "metric", "label", "value", "seeds"]
    return Comparisons(frame[list(COLUMNS)], estimates[columns], family, passed, tuple(first), notes)


def _baseline(baseline: str | None, labels: Sequence[str]) -> list[str]:
    if baseline is None:
        return []
    chosen = find_labels(baseline, labels)
    if not chosen:
        choices = dict.fromkeys([*labels, *map(base_label, labels)])
        raise ReportError(f"There is no method {baseline!r} to compare with.{nearest(baseline, choices)}")
    return chosen


def _pairs(labels: Sequence[str], first: Sequence[str]) -> tuple[Indices, Indices]:
    """Positions of the two methods of each comparison; with a baseline it is the second of each."""
    if not first:
        a, b = np.triu_indices(len(labels), 1)
        return a, b
    second = [label in first for label in labels]
    pairs = [(i, j) for j in np.flatnonzero(second) for i in range(len(labels)) if not second[i]]
    a, b = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    return a, b


def _estimates(counted: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Mean, variance of the mean and number of runs of each task and label."""
    groups = counted.groupby(["task", "label"], sort=False, observed=True)
    table = groups.agg(
        unit=("unit", "first"),
        value=("final", "mean"),
        var=("final", "var"),
        seeds=("run", "size"),
        data=("data", stand_ins),
    )
    table = table.reset_index()
    table = table[table["label"].isin(labels)].rename(columns={"task": "scope"})
    return table.assign(kind=TASK, metric=MEAN, variance=table["var"] / table["seeds"])


def _on_tasks(estimates: pd.DataFrame, labels: Sequence[str], first: Sequence[str]) -> pd.DataFrame:
    """Welch's t test of each pair on each task."""
    parts = []
    for task, part in estimates.groupby("scope", sort=False):
        rows = part.set_index("label").loc[[label for label in labels if label in set(part["label"])]]
        a, b = _pairs(list(rows.index), first)
        value, variance, n = (rows[name].to_numpy(np.float64) for name in ("value", "variance", "seeds"))
        freedom, error = welch_freedom(variance[a], variance[b], n[a], n[b])
        half = t_half_width(error * np.sqrt(freedom + 1), freedom + 1)
        parts.append(
            pd.DataFrame(
                {
                    "scope": task,
                    "kind": TASK,
                    "metric": MEAN,
                    "unit": rows["unit"].iloc[0],
                    **_sides(list(rows.index), n, a, b),
                    **judged(value[a] - value[b], half, half, error, freedom),
                    **_of_a_seed(error, freedom, n[a], n[b]),
                }
            )
        )
    return (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame(columns=[*COLUMNS, "deviation", "freedom"])
    )


def _over_tasks(
    scope: Scope, counted: pd.DataFrame, first: Sequence[str], *, reps: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Bootstrap of the difference of IQM and mean, of each pair, and the estimates that are compared."""
    strata = scope.strata(counted)
    a, b = _pairs(scope.labels, first)
    n = np.array([min(strata[label].sizes) for label in scope.labels], dtype=np.float64)
    factor, freedom = widenings(list(strata.values()), a, b)
    counts = {  # of a stream of its own for each method: their resamples are independent
        label: draws(part.sizes, reps, np.random.RandomState([seed, rank]))
        for rank, (label, part) in enumerate(strata.items())
    }
    parts, values = [], []
    where = {"scope": scope.name, "kind": scope.kind}
    on_tasks = counted[counted["task"].isin(scope.tasks)]
    data = on_tasks.groupby("label", observed=True)["data"].agg(stand_ins).reindex(scope.labels).to_numpy()
    for metric in (IQM, MEAN):
        value = np.array(
            [statistic(metric, part, np.ones((1, len(part.scores))))[0] for part in strata.values()]
        )
        resampled = np.array([statistic(metric, part, counts[label]) for label, part in strata.items()])
        difference = value[a] - value[b]
        low, high, error = (factor * side for side in spread(resampled, difference, a, b))
        sides = _sides(scope.labels, n, a, b)
        verdict = judged(difference, low, high, error, freedom)
        columns = where | {"metric": metric, "unit": NORMALIZED} | sides | verdict
        columns |= _of_a_seed(error, freedom, n[a], n[b])
        parts.append(pd.DataFrame(columns))
        estimated = {"metric": metric, "label": scope.labels, "value": value, "seeds": n, "data": data}
        values.append(pd.DataFrame(where | estimated))
    return pd.concat(parts, ignore_index=True), pd.concat(values, ignore_index=True).astype({"seeds": int})


def _data(frame: pd.DataFrame, estimates: pd.DataFrame) -> list[str]:
    """The stand-ins for the data of either side of each comparison."""
    keys = zip(estimates["scope"], estimates["label"], strict=True)
    of_side = dict(zip(keys, estimates["data"], strict=True))
    sides = zip(frame["scope"], frame["method_a"], frame["method_b"], strict=True)
    return [stand_ins((of_side[scope, a], of_side[scope, b])) for scope, a, b in sides]


def _of_a_seed(error: Floats, freedom: Floats, n_a: Floats, n_b: Floats) -> dict[str, Floats]:
    """The deviation of a run, and the degrees of freedom that a seed of both sides adds."""
    with np.errstate(invalid="ignore", divide="ignore"):
        each = freedom / (np.minimum(n_a, n_b) - 1)
    return {"deviation": error / np.sqrt(1 / n_a + 1 / n_b), "freedom": each}


def _sides(
    labels: Sequence[str], n: Floats, a: Indices, b: Indices
) -> dict[str, NDArray[np.str_] | NDArray[np.int_]]:
    names = np.array(labels, dtype=object)
    return {"method_a": names[a], "method_b": names[b], "n_a": n[a].astype(int), "n_b": n[b].astype(int)}
