"""Tables as people read them; the numbers in full precision go to CSV files."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from vitamin.analysis.labels import sort_labels
from vitamin.analysis.scores import NORMALIZED, counted
from vitamin.analysis.statistics import IQM, MEAN, MEDIAN, OPTIMALITY_GAP

NOTHING: Final = "–"
NOT_ALL_FINISHED: Final = "†"
_METRIC_HEADS: Final = {
    MEDIAN: "Median",
    IQM: "IQM",
    MEAN: "Mean",
    OPTIMALITY_GAP: "Optimality gap",
}


@dataclass(frozen=True)
class Cell:
    """Text, and whether it stands out."""

    text: str
    bold: bool = False


@dataclass(frozen=True)
class Table:
    """A header and rows of as many cells."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def score_table(scores: pd.DataFrame, summary: pd.DataFrame) -> Table:
    """Tasks by labels: mean final score and, in parentheses, its mean change from the pretrained policy.

    The best of each row is bold. The last row is the average over the tasks with normalized scores that every
    label has, if there are two. A dagger marks means that count a run which did not finish.

    Args:
        scores: What ``run_scores`` returned.
        summary: What ``summarize`` made of it.
    """
    labels = sort_labels(scores["label"])
    included = counted(scores)
    partial = set(
        included.loc[included["status"] != "finished", ["task", "label"]].itertuples(index=False, name=None)
    )
    means = summary.set_index(["task", "label"])[["final_mean", "change_mean"]]
    units = summary.groupby("task")["unit"].first()
    rows = []
    for task in sorted(set(scores["task"])):
        normalized = units.get(task, NORMALIZED) == NORMALIZED
        name = task if normalized else f"{task} (return)"
        cells = {label: tuple(means.loc[task, label]) for label in labels if (task, label) in means.index}
        marks = {label: NOT_ALL_FINISHED for label in labels if (task, label) in partial}
        rows.append(_score_row(name, labels, cells, marks, digits=2 if normalized else 1))
    normalized_rows = summary[summary["unit"] == NORMALIZED]
    finals = normalized_rows.pivot_table(index="task", columns="label", values="final_mean").dropna()
    if len(finals) > 1 and set(finals.columns) == set(labels):
        on_shared = normalized_rows[normalized_rows["task"].isin(finals.index)]
        cells = {
            str(label): (group["final_mean"].mean(), group["change_mean"].mean(skipna=False))
            for label, group in on_shared.groupby("label")
        }
        rows.append(_score_row(f"Average of {len(finals)} tasks", labels, cells, {}, digits=2))
    return Table(("Task", *labels), tuple(rows))


def summary_table(summary: pd.DataFrame) -> Table:
    """For each task and label the number of seeds, and mean ± standard deviation of each score."""
    rows = []
    for row in summary.to_dict("records"):
        digits = 2 if row["unit"] == NORMALIZED else 1
        spreads = [
            _spread(row[f"{name}_mean"], row[f"{name}_std"], digits, signed=name == "change")
            for name in ("pretrained", "final", "change")
        ]
        rows.append(_cells(row["task"], row["label"], str(row["seeds"]), *spreads))
    return Table(("Task", "Method", "Seeds", "Pretrained", "Final", "Change"), tuple(rows))


def aggregate_table(aggregates: pd.DataFrame) -> Table:
    """For each task (and all tasks) and label the aggregate metrics with their intervals; the best in bold.

    Args:
        aggregates: ``Aggregates.frame``.
    """
    best = _best_estimates(aggregates)
    rows = []
    for (task, label), group in aggregates.groupby(["task", "label"], sort=False):
        estimates = {row["metric"]: row for row in group.to_dict("records")}
        digits = 2 if OPTIMALITY_GAP in estimates else 1
        first = next(iter(estimates.values()))
        cells = [
            Cell(_interval(estimates[metric], digits), bold=estimates[metric]["value"] == best[task, metric])
            if metric in estimates
            else Cell(NOTHING)
            for metric in _METRIC_HEADS
        ]
        rows.append((*_cells(str(task), str(label), str(first["seeds"])), *cells))
    return Table(("Task", "Method", "Seeds", *_METRIC_HEADS.values()), tuple(rows))


def success_table(scores: pd.DataFrame) -> Table:
    """Tasks with a goal by labels: mean share of the final evaluation's episodes that reached it.

    Args:
        scores: What ``run_scores`` returned.
    """
    known = counted(scores).dropna(subset="success")
    labels = sort_labels(known["label"])
    means = known.groupby(["task", "label"])["success"].mean()
    rows = [
        _cells(
            task,
            *(f"{100 * means[task, label]:.1f} %" if (task, label) in means else NOTHING for label in labels),
        )
        for task in sorted(set(known["task"]))
    ]
    return Table(("Task", *labels), tuple(rows))


def to_markdown(table: Table) -> str:
    """The table as GitHub's Markdown has it, ending in a newline."""

    def line(texts: Iterable[str]) -> str:
        return f"| {' | '.join(text.replace('|', chr(92) + '|') for text in texts)} |\n"

    body = (line(f"**{cell.text}**" if cell.bold else cell.text for cell in row) for row in table.rows)
    return line(table.header) + line("---" for _ in table.header) + "".join(body)


def write_csv(frame: pd.DataFrame, path: Path) -> Path:
    """Writes a frame without its index; the same frame gives the same bytes on every system.

    Names of folders that are not UTF-8 are spelled with backslashes.
    """
    frame.to_csv(path, index=False, lineterminator="\n", float_format="%.10g", errors="backslashreplace")
    return path


def _score_row(
    name: str,
    labels: list[str],
    means: dict[str, tuple[float, float]],
    marks: dict[str, str],
    *,
    digits: int,
) -> tuple[Cell, ...]:
    best = max((final for final, _ in means.values()), default=math.nan)
    row = [Cell(name)]
    for label in labels:
        if label not in means:
            row.append(Cell(NOTHING))
            continue
        final, change = means[label]
        text = f"{final:.{digits}f} ({_number(change, digits, signed=True)}){marks.get(label, '')}"
        row.append(Cell(text, bold=len(means) > 1 and final == best))
    return tuple(row)


def _best_estimates(aggregates: pd.DataFrame) -> dict[tuple[Any, Any], float]:
    """The best value of each task and metric, NaN where there is nothing to compare."""
    best = {}
    for (task, metric), group in aggregates.groupby(["task", "metric"]):
        values = group["value"]
        value = values.min() if metric == OPTIMALITY_GAP else values.max()
        best[task, metric] = float(value) if len(values) > 1 else math.nan
    return best


def _cells(*texts: str) -> tuple[Cell, ...]:
    return tuple(Cell(text) for text in texts)


def _spread(mean: float, deviation: float, digits: int, *, signed: bool) -> str:
    text = _number(mean, digits, signed=signed)
    return text if math.isnan(deviation) else f"{text} ± {deviation:.{digits}f}"


def _interval(estimate: dict[Any, Any], digits: int) -> str:
    text = f"{estimate['value']:.{digits}f}"
    if math.isnan(estimate["low"]):
        return f"{text} [{NOTHING}]"
    return f"{text} [{estimate['low']:.{digits}f}, {estimate['high']:.{digits}f}]"


def _number(value: float, digits: int, *, signed: bool) -> str:
    if math.isnan(value):
        return NOTHING
    return f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
