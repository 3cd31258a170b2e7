"""Final scores like the paper's Tables 1 to 3: tasks by methods, a table for each suite."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from vitamin.analysis.report.blocks import TableBlock
from vitamin.analysis.statistics.verdicts import within_ten_percent
from vitamin.analysis.table import NOTHING, Cell
from vitamin.analysis.tables.grid import Line, grid_blocks
from vitamin.analysis.tables.marks import (
    BOLD_TEXT,
    PARTIAL,
    STAND_IN,
    WITHIN,
    Places,
    common_stand_in,
    explained,
    marked_if,
    stand_in,
    task_stand_ins,
)
from vitamin.analysis.tables.suite import Row, Suite, average_text, seeds_text, steps_text
from vitamin.analysis.tables.texts import count_text, digits_of, number, sentences, suite_title, with_spread
from vitamin.analysis.units import NORMALIZED
from vitamin.analysis.wording import listed

NotWorse = Mapping[str, frozenset[str]]
"""By scope, the labels that are best or not told apart from the best."""


def score_tables(
    frame: pd.DataFrame, summary: pd.DataFrame, labels: Sequence[str], *, not_worse: NotWorse | None = None
) -> tuple[TableBlock, ...]:
    """Mean final score ± standard deviation over seeds and, in parentheses, the change from the pretrained policy.

    A table for each suite, and one for all other tasks. The last row is the average over the tasks that all methods
    with runs in the suite share, which is the mean of aggregates. A task without reference scores shows returns.

    Args:
        frame: ``Scores.frame``, which also names the tasks and methods of which no run counts.
        summary: What ``summarize`` made of it.
        labels: ``Scores.labels``.
        not_worse: What is bold in the row of each task, and in the averages of ``mujoco (12 tasks)``; where a scope is
            missing, and by default, the best alone.
    """
    counted = frame[frame["left_out"] == ""]
    means = {(row["task"], row["label"]): row for row in summary.to_dict("records")}
    unfinished = counted.loc[counted["status"] != "finished", ["task", "label"]]
    partial = Counter(unfinished.itertuples(index=False, name=None))
    stand_ins = task_stand_ins(counted)
    blocks: list[TableBlock] = []
    for suite, rows in frame.groupby("suite", sort=False):
        present = set(rows["label"])
        units = rows.drop_duplicates("task")
        content = Suite(
            name=str(suite),
            tasks=dict(zip(units["task"], units["unit"], strict=True)),
            labels=tuple(label for label in labels if label in present),
            means={key: row for key, row in means.items() if row["suite"] == suite},
            partial=partial,
            stand_ins=stand_ins,
        )
        absent = [label for label in labels if label not in present]
        blocks += _suite_blocks(content, rows["at_steps"].dropna().unique().tolist(), absent, not_worse or {})
    return tuple(blocks)


def _suite_blocks(
    suite: Suite, steps: Sequence[float], absent: Sequence[str], not_worse: NotWorse
) -> tuple[TableBlock, ...]:
    lines: list[Line] = []
    cells: dict[tuple[str, str], Cell] = {}
    for task, unit in suite.tasks.items():
        common = common_stand_in(
            suite.stand_ins, task, [label for label in suite.labels if (task, label) in suite.means]
        )
        head = task if unit == NORMALIZED else f"{task} (return)"
        lines.append(Line(task, marked_if(head, common)))
        cells |= _task_cells(suite, task, unit, not_worse.get(task), mark_data=not common)
    tasks = suite.averaged
    if tasks:
        scope = f"{suite.name} ({len(tasks)} tasks)"
        averaged = {(scope, label): _averaged_data(suite, label) for label in suite.compared}
        common = common_stand_in(averaged, scope, suite.compared)
        lines.append(Line(scope, marked_if(f"Average of {len(tasks)} tasks", common)))
        cells |= _average_cells(suite, scope, not_worse.get(scope), {} if common else averaged)
    texts = [*(line.head for line in lines), *(cell.text for cell in cells.values())]
    data = {key: data for key, data in suite.stand_ins.items() if key in suite.means}
    caption = sentences(
        "Mean final score ± standard deviation over seeds (change from the pretrained policy).",
        seeds_text(suite),
        steps_text(steps),
        (BOLD_TEXT if not_worse else "Bold: the highest mean.")
        if any(cell.bold for cell in cells.values())
        else "",
        average_text(suite),
        f"Without runs here: {listed(absent)}." if absent else "",
        explained(texts, data),
    )
    title = f"Final scores, {suite_title(suite.name)}"
    return grid_blocks(f"scores-{suite.name}", title, lines, suite.labels, cells, caption)


def _task_cells(
    suite: Suite, task: str, unit: str, not_worse: frozenset[str] | None, *, mark_data: bool
) -> dict[tuple[str, str], Cell]:
    finals = {
        label: float(suite.means[task, label]["final_mean"])
        for label in suite.labels
        if (task, label) in suite.means
    }
    within = within_ten_percent(finals) if unit == NORMALIZED else frozenset()
    bold = _bold(finals, not_worse)
    usual = suite.usual_seeds
    cells = {}
    for label, final in finals.items():
        row, key = suite.means[task, label], (task, label)
        marks = PARTIAL if suite.partial.get(key) else ""
        if mark_data and suite.stand_ins.get(key):
            marks += STAND_IN
        if label in within:
            marks += WITHIN
        seeds = int(row["seeds"])
        text = (
            f"{with_spread(final, float(row['final_std']), digits_of(unit))} "
            f"({number(float(row['change_mean']), digits_of(unit), signed=True)}){marks}"
            f"{'' if seeds == usual else f', n = {seeds}'}"
        )
        cells[key] = Cell(text, bold=label in bold, value=final, note=_note(suite, key, row))
    return cells


def _note(suite: Suite, key: tuple[str, str], row: Row) -> str:
    parts = [count_text(int(row["seeds"]), "seed")]
    low, high = number(float(row["final_low"])), number(float(row["final_high"]))
    if NOTHING not in (low, high):
        parts.append(f"95 % interval of the mean {low} to {high}")
    if key in suite.partial:
        parts.append(f"{count_text(suite.partial[key], 'run')} diverged or unfinished")
    if suite.stand_ins.get(key):
        parts.append(f"stand-in data: {stand_in(suite.stand_ins[key])}")
    return "; ".join(parts)


def _averaged_data(suite: Suite, label: str) -> str:
    """The stand-ins for the data of the tasks that are averaged."""
    data = (suite.stand_ins.get((task, label), "") for task in suite.averaged)
    return "; ".join(dict.fromkeys(filter(None, data)))


def _average_cells(
    suite: Suite, scope: str, not_worse: frozenset[str] | None, data: Places
) -> dict[tuple[str, str], Cell]:
    """Means of the rows, marked if some of them are; unknown as soon as one of them is."""

    def mean(label: str, column: str) -> float:
        return math.fsum(float(suite.means[task, label][column]) for task in suite.averaged) / len(
            suite.averaged
        )

    finals = {label: mean(label, "final_mean") for label in suite.compared}
    bold = _bold(finals, not_worse)
    return {
        (scope, label): Cell(
            f"{number(final)} ({number(mean(label, 'change_mean'), signed=True)})"
            f"{STAND_IN if data.get((scope, label)) else ''}",
            bold=label in bold,
            value=final,
        )
        for label, final in finals.items()
    }


def _bold(finals: Mapping[str, float], not_worse: frozenset[str] | None) -> frozenset[str]:
    """Nothing stands out where there is nothing to compare."""
    if len(finals) < 2:
        return frozenset()
    if not_worse is not None:
        return not_worse
    best = max(finals.values())
    return frozenset(label for label, final in finals.items() if final == best)
