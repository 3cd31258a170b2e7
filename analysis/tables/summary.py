"""Summaries of each task and method, and the shares of episodes that reach a goal."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from vitamin.analysis.report.blocks import TableBlock
from vitamin.analysis.table import NOTHING, Cell, Table
from vitamin.analysis.tables.grid import Line, grid_blocks
from vitamin.analysis.tables.marks import explained, marked_if, task_stand_ins
from vitamin.analysis.tables.texts import digits_of, number, sentences, sortable, whole, with_spread

_ONE_STEP = 0.5  # a difference of steps that is one


def summary_table(frame: pd.DataFrame, summary: pd.DataFrame) -> TableBlock:
    """For each task and method: seeds, scores, change, regret, success, and the score at its own end.

    A column of which nothing is known is left out.

    Args:
        frame: ``Scores.frame``.
        summary: What ``summarize`` made of it.
    """
    counted = frame[frame["left_out"] == ""]
    stand_ins = task_stand_ins(counted)
    compared_at = counted.groupby(["task", "label"])["final_steps"].mean().to_dict()
    heads = ("Pretrained", "Final", "Change", "Regret", "Success", "At its own end")
    rows = []
    for row in summary.to_dict("records"):
        key = row["task"], row["label"]
        digits = digits_of(row["unit"])
        scores = [
            _score(row, "pretrained", digits),
            _score(row, "final", digits),
            _score(row, "change", digits, signed=True),
            Cell(number(row["regret_mean"], digits), value=sortable(row["regret_mean"])),
            _share(row["success_mean"]),
            _own_end(row, compared_at.get(key, math.nan), digits),
        ]
        task = Cell(marked_if(row["task"], stand_ins.get(key)), note=stand_ins.get(key) or None)
        rows.append((task, Cell(row["label"]), Cell(whole(row["seeds"]), value=float(row["seeds"])), *scores))
    table = without_empty_columns(Table(("Task", "Method", "Seeds", *heads), tuple(rows), label_column=1))
    caption = sentences(
        "Means ± standard deviations over seeds.",
        "Regret: 100 less the mean score over the online steps compared." if "Regret" in table.header else "",
        "At its own end: the score and the online steps of a method that went on longer than all others."
        if "At its own end" in table.header
        else "",
        explained([row[0].text for row in rows], stand_ins),
    )
    return TableBlock("summary", "Each task and method", table, caption)


def success_tables(
    frame: pd.DataFrame, summary: pd.DataFrame, labels: Sequence[str]
) -> tuple[TableBlock, ...]:
    """Tasks with a goal by methods: the share of the final evaluation's episodes that reached it.

    Args:
        frame: ``Scores.frame``.
        summary: What ``summarize`` made of it.
        labels: ``Scores.labels``.
    """
    known = summary.dropna(subset=["success_mean"])
    if known.empty:
        return ()
    stand_ins = task_stand_ins(frame[frame["left_out"] == ""])
    cells = {}
    for row in known.to_dict("records"):
        share, data = _share(row["success_mean"]), stand_ins.get((row["task"], row["label"]))
        cells[row["task"], row["label"]] = Cell(
            marked_if(share.text, data), value=share.value, note=f"{whole(row['seeds'])} seeds"
        )
    tasks = list(dict.fromkeys(known["task"]))
    present = set(frame.loc[frame["task"].isin(tasks), "label"])
    caption = sentences(
        "Share of the final evaluation's episodes that reached their goal, mean over seeds.",
        explained([cell.text for cell in cells.values()], {key: stand_ins.get(key, "") for key in cells}),
    )
    lines = [Line(task, task) for task in tasks]
    shown = [label for label in labels if label in present]
    return grid_blocks("success", "Success rates", lines, shown, cells, caption)


def without_empty_columns(table: Table) -> Table:
    """The table without columns of dashes; ``label_column`` is to be among the first that stay."""
    if table.is_empty:
        return table
    kept = [
        place for place in range(len(table.header)) if any(row[place].text != NOTHING for row in table.rows)
    ]
    return Table(
        tuple(table.header[place] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in table.rows),
        tuple(table.labels[place] for place in kept) if table.labels else (),
        None if table.label_column is None else kept.index(table.label_column),
    )


def _score(row: Mapping[Any, Any], name: str, digits: int, *, signed: bool = False) -> Cell:
    mean, deviation = row[f"{name}_mean"], row[f"{name}_std"]
    return Cell(with_spread(mean, deviation, digits, signed=signed), value=sortable(mean))


def _own_end(row: Mapping[Any, Any], compared_at: float, digits: int) -> Cell:
    if not row["own_steps"] > compared_at + _ONE_STEP or not math.isfinite(row["own_final_mean"]):
        return Cell(NOTHING)
    return Cell(
        f"{number(row['own_final_mean'], digits)} at {whole(row['own_steps'])}",
        value=sortable(row["own_final_mean"]),
    )


def _share(value: float) -> Cell:
    return Cell(f"{number(100 * value, 1)} %", value=float(value)) if math.isfinite(value) else Cell(NOTHING)
