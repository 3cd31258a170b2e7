"""Final scores against one swept setting, or two."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from vitamin.analysis.report.blocks import TableBlock
from vitamin.analysis.table import NOTHING, Cell, Table
from vitamin.analysis.tables.grid import MOST_METHODS
from vitamin.analysis.tables.marks import STAND_IN, explained, marked_if
from vitamin.analysis.tables.texts import digits_of, sentences, slug, with_interval

_CAPTION = "Mean final score [95 % interval of t]."


def ablation_tables(frame: pd.DataFrame) -> tuple[TableBlock, ...]:
    """For each method and swept setting: tasks by values; of two settings, on each task one by the other.

    Args:
        frame: ``task``, ``method``, ``x_name``, ``x``, ``z_name`` and ``z`` (the second setting, empty if there is
            none), ``mean``, ``low``, ``high``, ``seeds``; ``unit`` and ``data`` (what stands in) as far as known.
    """
    blocks: list[TableBlock] = []
    for (method, x_name, z_name), part in frame.groupby(["method", "x_name", "z_name"], sort=False):
        if z_name == "":
            name = f"ablation-{slug(f'{method} {x_name}')}"
            blocks.append(_block(name, f"{method}: {x_name}", part, "task", "Task", str(x_name)))
            continue
        for task, on_task in part.groupby("task", sort=False):
            name = f"ablation-{slug(f'{method} {x_name} {z_name} {task}')}"
            title = f"{method}: {x_name} and {z_name}, {task}"
            blocks.append(_block(name, title, on_task, "z", str(z_name), str(x_name)))
    return tuple(blocks)


def _block(name: str, title: str, frame: pd.DataFrame, line: str, line_head: str, x_name: str) -> TableBlock:
    lines, values = list(dict.fromkeys(frame[line])), _ordered(frame["x"])
    if line == "z":
        lines = _ordered(frame[line])
    found = {(row[line], row["x"]): row for row in frame.to_dict("records")}
    data = dict.fromkeys(frame["data"].dropna()) if "data" in frame else {}
    heads = [f"{x_name} = {_text(value)}" for value in values]
    seeds = sorted({int(count) for count in frame["seeds"]})
    cells = [[_score(found.get((each, value)), several=len(seeds) > 1) for value in values] for each in lines]
    if len(values) > MOST_METHODS >= len(lines):
        header = (x_name, *map(_text, lines))
        rows = [(Cell(_text(x)), *column) for x, column in zip(values, zip(*cells, strict=True), strict=True)]
    else:
        header = (line_head, *heads)
        rows = [(Cell(_text(each)), *row) for each, row in zip(lines, cells, strict=True)]
    marks = [cell.text for row in cells for cell in row]
    which = {(str(frame["task"].iloc[0]) if line == "z" else "marked", ""): "; ".join(filter(None, data))}
    caption = sentences(
        _CAPTION,
        f"{seeds[0]} seed{'' if seeds[0] == 1 else 's'} each." if len(seeds) == 1 else "",
        explained(marks, which if line == "z" else _by_task(frame)),
    )
    return TableBlock(name, title, Table(header, tuple(tuple(row) for row in rows)), caption)


def _by_task(frame: pd.DataFrame) -> dict[tuple[str, str], str]:
    if "data" not in frame:
        return {}
    return {
        (str(task), ""): str(data) for task, data in zip(frame["task"], frame["data"].fillna(""), strict=True)
    }


def _score(row: dict[Any, Any] | None, *, several: bool) -> Cell:
    if row is None or not math.isfinite(row["mean"]):
        return Cell(NOTHING)
    digits = digits_of(row.get("unit", "normalized"))
    text = with_interval(row["mean"], row["low"], row["high"], digits)
    data = row.get("data") or ""
    n = f", n = {int(row['seeds'])}" if several else ""
    return Cell(
        f"{marked_if(text, data)}{n}", value=float(row["mean"]), note=f"{STAND_IN} {data}" if data else None
    )


def _ordered(values: Sequence[Any] | pd.Series) -> list[Any]:
    """Distinct values: numbers by their size, also those that are texts, then other texts."""

    def order(value: Any) -> tuple[int, float, str]:
        try:
            return 0, float(value), ""
        except (TypeError, ValueError):
            return 1, 0.0, str(value)

    return sorted(dict.fromkeys(values), key=order)


def _text(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)
