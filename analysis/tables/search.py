"""The settings that a search tried: the score of each seed, and what it cost."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from vitamin.analysis.labels import base_label
from vitamin.analysis.report.blocks import TableBlock
from vitamin.analysis.table import NOTHING, Cell, Table
from vitamin.analysis.tables.marks import explained, marked_if, task_stand_ins
from vitamin.analysis.tables.texts import count_text, digits_of, number, sentences, sortable, step_text
from vitamin.analysis.wording import listed

_MINUTE: Final = 60
_HOUR: Final = 3600


def search_table(
    frame: pd.DataFrame,
    summary: pd.DataFrame,
    runs: pd.DataFrame,
    labels: Sequence[str],
    settings: Mapping[str, Mapping[str, str]],
) -> TableBlock:
    """A row for each task, method and setting: the final score of each seed, their mean, and minutes of a run.

    Args:
        frame: ``Scores.frame``.
        summary: What ``summarize`` made of it.
        runs: ``Results.runs``: ``run`` and ``wall_time_s``.
        labels: ``Scores.labels``.
        settings: ``Scores.settings``.
    """
    counted = frame[frame["left_out"] == ""]
    finals = counted.set_index(["task", "label", "seed"])["final"].to_dict()
    means = {(row["task"], row["label"]): float(row["final_mean"]) for row in summary.to_dict("records")}
    highest: dict[tuple[str, str], float] = {}
    for (task, label), mean in means.items():
        key = task, base_label(label)
        highest[key] = max(mean, highest.get(key, -math.inf))
    timed = frame.merge(runs[["run", "wall_time_s"]], on="run")
    timed["seconds"] = timed["wall_time_s"].where(timed["left_out"] == "")
    seconds = timed.groupby(["task", "label"])["seconds"].mean().to_dict()
    stand_ins = task_stand_ins(frame)
    seeds = sorted(frame["seed"].unique())
    rows = []
    for task, unit in dict(zip(frame["task"], frame["unit"], strict=True)).items():
        for label in (label for label in labels if (task, label) in seconds):
            mean = means.get((task, label), math.nan)
            scores = [float(finals.get((task, label, seed), math.nan)) for seed in seeds]
            best = mean == highest.get((task, base_label(label)))
            given = (f"{name} {value}" for name, value in sorted(settings[label].items()))
            rows.append(
                (
                    Cell(marked_if(task, stand_ins.get((task, label)))),
                    Cell(base_label(label)),
                    Cell(", ".join(given) or NOTHING),
                    *(_score(score, unit, bold=best and len(seeds) == 1) for score in scores),
                    _score(mean, unit, bold=best),
                    Cell(number(seconds[task, label] / _MINUTE, 1)),
                )
            )
    header = ("Task", "Method", "Settings", *(f"Seed {seed}" for seed in seeds), "Mean", "Minutes")
    if len(seeds) == 1:  # whose mean is the same once more
        header, rows = (*header[:-2], header[-1]), [(*row[:-2], row[-1]) for row in rows]
    tasks = list(dict.fromkeys(row[0].text for row in rows))
    if len(tasks) == 1:
        header, rows = header[1:], [row[1:] for row in rows]
    table = Table(header, tuple(rows), label_column=header.index("Method"))
    hours = float(timed["wall_time_s"].sum()) / _HOUR
    steps = step_text(frame["at_steps"].dropna().unique().tolist())
    caption = sentences(
        f"Final score on {listed(tasks)} of each seed at {steps} online steps, and minutes of a run."
        if steps
        else "",
        "Bold: the highest of each method. No test was made: a search finds settings, it shows nothing.",
        f"All together {count_text(len(frame), 'run')}, {number(hours, 1)} hours.",
        explained(tasks, stand_ins),
    )
    return TableBlock("search", "What was tried", table, caption)


def _score(score: float, unit: str, *, bold: bool) -> Cell:
    return Cell(number(score, digits_of(unit)), bold=bold, value=sortable(score))
