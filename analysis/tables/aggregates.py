"""Aggregates with their intervals, and probabilities of improvement."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from vitamin.analysis.report.blocks import TableBlock
from vitamin.analysis.table import NOTHING, Cell, Table
from vitamin.analysis.tables.marks import BOLD_TEXT, STAND_IN, Places, explained, marked_if, scope_stand_ins
from vitamin.analysis.tables.texts import digits_of, number, sentences, slug, with_interval
from vitamin.analysis.units import NORMALIZED

METRIC_HEADS: Final = {"mean": "Mean", "median": "Median", "IQM": "IQM", "optimality gap": "Optimality gap"}
_GAP: Final = "optimality gap"
_INTERVAL_TEXT: Final = {
    "t": "Intervals are 95 %: of t on one task, over tasks rliable's stratified bootstrap widened by √(n/(n−1)).",
    "rliable": "Intervals are rliable's own, 95 % percentiles: with few seeds they cover less.",
}

NotWorse = Mapping[tuple[str, str], frozenset[str]]
"""By scope and metric, the labels that are best or not told apart from the best."""


def aggregate_tables(
    aggregates: pd.DataFrame, *, interval: str = "t", not_worse: NotWorse | None = None
) -> tuple[TableBlock, ...]:
    """Mean, median, IQM and optimality gap over tasks, and what of it there is for each task.

    Args:
        aggregates: ``Aggregates.frame``.
        interval: As ``aggregate`` was told.
        not_worse: What is bold; where a scope and metric is missing, and by default, nothing is.
    """
    over_tasks = aggregates["kind"] != "task"
    parts = (
        ("aggregates", "Aggregates over tasks", aggregates[over_tasks]),
        ("aggregates-tasks", "Aggregates of each task", aggregates[~over_tasks]),
    )
    return tuple(
        _aggregate_block(name, title, part, interval, not_worse or {})
        for name, title, part in parts
        if len(part)
    )


def _aggregate_block(
    name: str, title: str, frame: pd.DataFrame, interval: str, not_worse: NotWorse
) -> TableBlock:
    found = set(frame["metric"])
    metrics = [metric for metric in METRIC_HEADS if metric in found]
    stand_ins = scope_stand_ins(frame)
    estimates: dict[tuple[str, str], dict[str, dict[Any, Any]]] = {}
    for row in frame.to_dict("records"):
        estimates.setdefault((row["scope"], row["label"]), {})[row["metric"]] = row
    rows = []
    for (scope, label), of_metric in estimates.items():
        first = next(iter(of_metric.values()))
        cells = [
            _estimate(of_metric.get(metric), bold=label in not_worse.get((scope, metric), ()))
            for metric in metrics
        ]
        data = stand_ins.get((scope, label))
        where = scope if first["unit"] == NORMALIZED else f"{scope} (return)"
        head = Cell(marked_if(where, data), note=data or None)
        rows.append((head, Cell(label), _seeds(first), *cells))
    header = (
        "Tasks" if name == "aggregates" else "Task",
        "Method",
        "Seeds",
        *(METRIC_HEADS[each] for each in metrics),
    )
    caption = sentences(
        f"{METRIC_HEADS[metrics[0]]} of final scores [low, high]."
        if len(metrics) == 1
        else "Estimates of final scores [low, high].",
        _INTERVAL_TEXT[interval],
        "A smaller optimality gap, by which scores fall short of 100, is better." if _GAP in metrics else "",
        "IQM: the mean without the lowest and the highest quarter; over 3 or fewer seeds of one task it is the mean."
        if "IQM" in metrics and name != "aggregates"
        else "",
        BOLD_TEXT if any(cell.bold for row in rows for cell in row) else "",
        explained([row[0].text for row in rows], stand_ins),
    )
    return TableBlock(name, title, Table(header, tuple(rows), label_column=1), caption)


def _estimate(row: Mapping[Any, Any] | None, *, bold: bool) -> Cell:
    if row is None or not math.isfinite(row["value"]):
        return Cell(NOTHING)
    text = with_interval(row["value"], row["low"], row["high"], digits_of(row["unit"]))
    return Cell(text, bold=bold, value=float(row["value"]))


def _seeds(row: Mapping[Any, Any]) -> Cell:
    fewest, most = int(row["seeds"]), int(row["seeds_most"])
    return Cell(str(fewest) if fewest == most else f"{fewest} to {most}", value=float(fewest))


def improvement_tables(
    improvement: pd.DataFrame, labels: Sequence[str], stand_ins: Places | None = None
) -> tuple[TableBlock, ...]:
    """For each scope, the probability that a run of the row's method scores higher than one of the column's.

    Args:
        improvement: What ``improvement`` returned: ``scope``, ``method_a``, ``method_b``, ``probability``, ``low``,
            ``high``. Of a pair that is there once only, the other direction is one less that.
        labels: ``Scores.labels``.
        stand_ins: What `scope_stand_ins` found in the aggregates.
    """
    return tuple(
        _improvement_block(str(scope), part, labels, stand_ins or {})
        for scope, part in improvement.groupby("scope", sort=False)
    )


def _improvement_block(
    scope: str, frame: pd.DataFrame, labels: Sequence[str], stand_ins: Places
) -> TableBlock:
    found: dict[tuple[str, str], tuple[float, float, float]] = {}
    columns = ["method_a", "method_b", "probability", "low", "high"]
    for a, b, probability, low, high in frame[columns].itertuples(index=False):
        found[a, b] = probability, low, high
        found.setdefault((b, a), (1 - probability, 1 - high, 1 - low))
    present = [label for label in labels if any(label in pair for pair in found)]
    rows = tuple(
        (
            Cell(a),
            *(
                _probability(found[a, b], marked=any(stand_ins.get((scope, label)) for label in (a, b)))
                if (a, b) in found
                else Cell(NOTHING)
                for b in present
            ),
        )
        for a in present
    )
    caption = sentences(
        "Probability that a run of the row's method scores higher than one of the column's, on a task drawn at random"
        " [95 %]; 0.5 is a tie.",
        explained(
            [cell.text for row in rows for cell in row],
            {key: data for key, data in stand_ins.items() if key[0] == scope},
        ),
    )
    table = Table(("Method", *present), rows, (None, *present), label_column=0)
    return TableBlock(f"improvement-{slug(scope)}", f"Probability of improvement, {scope}", table, caption)


def _probability(estimate: tuple[float, float, float], *, marked: bool) -> Cell:
    probability, low, high = estimate
    value = float(probability) if math.isfinite(probability) else None
    text = with_interval(probability, low, high)
    return Cell(
        f"{text} {STAND_IN}" if marked else text, value=value, note=f"{number(100 * probability, 0)} %"
    )
