"""The cost of the methods: time and its parts, and speed (as the paper's Appendix H)."""

import math
from collections.abc import Sequence
from typing import Final

import pandas as pd

from vitamin.analysis.report.blocks import TableBlock
from vitamin.analysis.table import NOTHING, Cell, Table
from vitamin.analysis.tables.summary import without_empty_columns
from vitamin.analysis.tables.texts import capital, count_text, number, sentences
from vitamin.analysis.wording import listed

_HOUR: Final = 3600  # seconds
_PARTS: Final = {
    "Updates": "update_s",
    "Rollouts": "sample_s",
    "Evaluation": "evaluate_s",
    "Weights": "sync_s",
    "Other": "other_s",
}
_RATES: Final = {"Updates/s": "updates_per_s", "Env. steps/s": "env_steps_per_s"}


def cost_table(
    frame: pd.DataFrame, timing: pd.DataFrame, runs: pd.DataFrame, labels: Sequence[str]
) -> TableBlock:
    """For each method the hours of a run and what they were spent on, and its speed; means over runs that count.

    Runs without times, as of earlier versions, are left out and counted in the caption.

    Args:
        frame: ``Scores.frame``; if none of its runs counts, all are looked at.
        timing: What ``Results.timing`` returned: ``run``, seconds of each part, ``wall_time_s``, ``updates_per_s``,
            ``env_steps_per_s``; NaN where unknown.
        runs: ``Results.runs``: ``run`` and ``host``.
        labels: ``Scores.labels``.
    """
    counted = frame[frame["left_out"] == ""]
    chosen = (counted if len(counted) else frame)[["run", "label", "task"]]
    times = [*_PARTS.values(), "wall_time_s", *_RATES.values()]
    merged = chosen.merge(timing[["run", *times]], on="run", how="left").merge(
        runs[["run", "host"]], on="run", how="left"
    )
    known = merged[merged["wall_time_s"] > 0]
    present = set(chosen["label"])
    groups = dict(list(known.groupby("label", sort=False)))
    rows = tuple(_row(label, groups.get(label, known.iloc[:0])) for label in labels if label in present)
    header = ("Method", "Runs", "Tasks", "Hours a run", *_PARTS, *_RATES, "Machine")
    without = len(merged) - len(known)
    total = float(known["wall_time_s"].sum()) / _HOUR
    parts = (
        ", and hours of it spent on each part"
        if known[list(_PARTS.values())].notna().any(axis=None)
        else "; what it was spent on is not known"
    )
    caption = sentences(
        f"Wall time of a run in hours, mean over the runs that count{parts}."
        if len(counted)
        else f"No run counts; wall time of a run in hours, mean over all{parts}.",
        "Methods on the same tasks and machine can be compared.",
        f"All together {number(total, 1)} hours." if len(known) else "",
        f"{capital(count_text(without, 'run'))} without known times." if without else "",
    )
    table = without_empty_columns(Table(header, rows, label_column=0))
    return TableBlock("cost", "Time and cost", table, caption)


def _row(label: str, runs: pd.DataFrame) -> tuple[Cell, ...]:
    hours = [_hours(runs[column]) for column in ("wall_time_s", *_PARTS.values())]
    hosts = dict.fromkeys(str(host) for host in runs["host"].dropna() if host)
    return (
        Cell(label),
        Cell(str(len(runs)), value=float(len(runs))),
        Cell(str(len(set(runs["task"]))), value=float(len(set(runs["task"])))),
        *hours,
        *(_rate(runs[column]) for column in _RATES.values()),
        Cell(listed(hosts) or NOTHING),
    )


def _hours(seconds: pd.Series) -> Cell:
    value = float(seconds.mean()) / _HOUR
    return Cell(_significant(value), value=value if math.isfinite(value) else None)


def _rate(values: pd.Series) -> Cell:
    value = float(values[values < math.inf].mean())
    return Cell(_significant(value), value=value if math.isfinite(value) else None)


def _significant(value: float) -> str:
    """Two digits after the point; three of what is small, one of what is large."""
    if not math.isfinite(value):
        return NOTHING
    size = abs(value)
    return number(value, 3 if size < 0.1 else 2 if size < 100 else 1)
