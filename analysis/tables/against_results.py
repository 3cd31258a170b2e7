"""Our final scores beside those of other results."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from vitamin.analysis.report.blocks import TableBlock
from vitamin.analysis.statistics.differences import holm
from vitamin.analysis.table import Cell, Table
from vitamin.analysis.tables.against_paper import Against
from vitamin.analysis.tables.marks import explained, marked_if
from vitamin.analysis.tables.texts import (
    digits_of,
    probability,
    sentences,
    sortable,
    suite_title,
    whole,
    with_interval,
    with_spread,
)
from vitamin.analysis.units import NORMALIZED, same_references
from vitamin.analysis.wording import listed

_LEVEL: Final = 0.05
_MERGED: Final = ["task", "label", "suite", "unit", "seeds", "final_mean", "final_std", "data"]

References = Mapping[str, tuple[float, float]]


def results_tables(
    ours: pd.DataFrame,
    theirs: pd.DataFrame,
    labels: Sequence[str],
    *,
    name: str,
    steps: tuple[Mapping[str, int], Mapping[str, int]] = ({}, {}),
    references: tuple[References, References] = ({}, {}),
) -> Against:
    """Our mean, theirs, and the difference with Welch's test, of methods of the same label on the same task.

    Args:
        ours: What ``summarize`` made of our scores.
        theirs: The same of the other results.
        labels: Of our methods, in their order.
        name: What the other results are called.
        steps: ``Scores.common_steps`` of ours and of theirs: what has different ones is not compared.
        references: ``Scores.references`` of ours and of theirs, likewise.
    """
    both = ours[_MERGED].merge(theirs[_MERGED], on=["task", "label"], how="inner", suffixes=("", "_theirs"))
    unlike = [_unlike(row, steps, references) for row in both.to_dict("records")]
    tested = _tested(both.assign(unlike=unlike))
    rank = {label: place for place, label in enumerate(labels)}
    tested = tested.assign(task_order=pd.factorize(tested["task"])[0], label_order=tested["label"].map(rank))
    tested = tested.sort_values(["task_order", "label_order"], kind="stable")
    tables = []
    header = ("Task", "Method", "Seeds", "Ours", "Theirs", "Difference", "p", "p corrected", "Verdict")
    for suite, part in tested.groupby("suite", sort=False):
        rows = tuple(_row(row) for row in part.to_dict("records"))
        places = {
            (row["task"], row["label"]): "; ".join(
                filter(None, dict.fromkeys((row["data"], row["data_theirs"])))
            )
            for row in part.to_dict("records")
        }
        caption = sentences(
            f"Ours, and those of {name}: mean final score ± standard deviation over seeds; ours less theirs [95 %].",
            f"Welch's t test; p corrected by Holm over {len(tested['p'].dropna())} comparisons.",
            explained([row[0].text for row in rows], places),
        )
        title = f"Against {name}, {suite_title(str(suite))}"
        tables.append(TableBlock(f"against-{suite}", title, Table(header, rows, label_column=1), caption))
    return Against(tuple(tables), _notes(ours, theirs, both, name))


def _tested(both: pd.DataFrame) -> pd.DataFrame:
    """With ``difference``, ``low``, ``high``, ``p``, ``p_corrected``; NaN for a single seed or what is ``unlike``."""
    from scipy import stats

    alike = (both["unlike"] == "").to_numpy()
    sides = [both[column].to_numpy(dtype=np.float64) for column in _MERGED[4:7]]
    others = [both[f"{column}_theirs"].to_numpy(dtype=np.float64) for column in _MERGED[4:7]]
    (n, mean, spread), (n_theirs, mean_theirs, spread_theirs) = sides, others
    with np.errstate(invalid="ignore", divide="ignore"):
        test = stats.ttest_ind_from_stats(
            mean, spread, n, mean_theirs, spread_theirs, n_theirs, equal_var=False
        )
        shares = spread**2 / n, spread_theirs**2 / n_theirs
        total = shares[0] + shares[1]
        freedom = total**2 / (shares[0] ** 2 / (n - 1) + shares[1] ** 2 / (n_theirs - 1))
        half = stats.t.ppf(1 - _LEVEL / 2, freedom) * np.sqrt(total)
    difference = np.where(alike, mean - mean_theirs, np.nan)
    p = np.where(alike & np.isfinite(test.pvalue) & (total > 0), test.pvalue, np.nan)
    half = np.where(np.isfinite(p), half, np.nan)
    return both.assign(
        difference=difference, low=difference - half, high=difference + half, p=p, p_corrected=holm(p)
    )


def _row(row: Mapping[Any, Any]) -> tuple[Cell, ...]:
    digits, digits_theirs = digits_of(row["unit"]), digits_of(row["unit_theirs"])
    n, n_theirs = int(row["seeds"]), int(row["seeds_theirs"])
    task = row["task"] if row["unit"] == "normalized" else f"{row['task']} (return)"
    return (
        Cell(marked_if(task, row["data"] or "", row["data_theirs"] or "")),
        Cell(row["label"]),
        Cell(str(n) if n == n_theirs else f"{n} and {n_theirs}", value=float(min(n, n_theirs))),
        Cell(with_spread(row["final_mean"], row["final_std"], digits), value=sortable(row["final_mean"])),
        Cell(
            with_spread(row["final_mean_theirs"], row["final_std_theirs"], digits_theirs),
            value=sortable(row["final_mean_theirs"]),
        ),
        Cell(
            with_interval(row["difference"], row["low"], row["high"], digits, signed=True),
            value=sortable(row["difference"]),
        ),
        Cell(probability(row["p"]), value=sortable(row["p"])),
        Cell(probability(row["p_corrected"]), value=sortable(row["p_corrected"])),
        _verdict(row),
    )


def _unlike(
    row: Mapping[Any, Any],
    steps: tuple[Mapping[str, int], Mapping[str, int]],
    references: tuple[References, References],
) -> str:
    """Why the two sides of a row cannot be compared; empty if they can."""
    if row["unit"] != row["unit_theirs"]:
        return "one side has returns"
    at, at_theirs = (of_task.get(row["task"]) for of_task in steps)
    if at and at_theirs and at != at_theirs:
        return f"{whole(at)} and {whole(at_theirs)} steps"
    pairs = [of_task[row["task"]] for of_task in references if row["task"] in of_task]
    if row["unit"] == NORMALIZED and len(pairs) > 1 and not same_references(pairs):
        return f"reference scores differ ({'; '.join(f'{low:g} … {high:g}' for low, high in pairs)})"
    return ""


def _verdict(row: Mapping[Any, Any]) -> Cell:
    if row["unlike"]:
        return Cell(f"not comparable: {row['unlike']}")
    if row["p_corrected"] < _LEVEL:
        return Cell(f"{'ours' if row['difference'] > 0 else 'theirs'} better", bold=True)
    if not math.isfinite(row["p"]):
        return Cell("no test: a single seed, or no spread")
    return Cell("not told apart")


def _notes(ours: pd.DataFrame, theirs: pd.DataFrame, both: pd.DataFrame, name: str) -> tuple[str, ...]:
    shared = set(both[["task", "label"]].itertuples(index=False, name=None))
    notes = []
    for frame, whose in ((ours, "here"), (theirs, f"in {name}")):
        pairs = frame[["task", "label"]].itertuples(index=False, name=None)
        alone = [f"{label} on {task}" for task, label in pairs if (task, label) not in shared]
        if alone:
            notes.append(f"Only {whose}: {listed(alone)}.")
    if not shared:
        notes.insert(
            0, f"Nothing here has the task and the method of a result in {name}, so nothing is compared."
        )
    return tuple(notes)
