"""Every run, and what became of it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pandas as pd

from vitamin.analysis.report.blocks import TableBlock
from vitamin.analysis.table import NOTHING, Cell, Table
from vitamin.analysis.tables.marks import explained, marked_if
from vitamin.analysis.tables.summary import without_empty_columns
from vitamin.analysis.tables.texts import capital, count_text, digits_of, number, sentences, whole

NOT_STARTED: Final = "not started"
_COUNTED: Final = "counts"


def runs_table(
    frame: pd.DataFrame,
    *,
    links: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    messages: Mapping[str, str] | None = None,
    missing: tuple[str, ...] = (),
) -> TableBlock:
    """A row for each run: what it is, how it ended, its final score, and whether it counts, or why not.

    Args:
        frame: ``Scores.frame``.
        links: Where the name of a run leads: what `run_links` made.
        settings: The settings in which a run differs from others of its method, in words.
        messages: Why runs failed or diverged.
        missing: Names of trials that left no run.
    """
    links, settings, messages = links or {}, settings or {}, messages or {}
    columns = ["run", "task", "label", "seed", "status", "final", "final_steps", "unit", "left_out", "data"]
    rows = [
        (
            Cell(run, link=links.get(run)),
            Cell(marked_if(task, data), note=data or None),
            Cell(label),
            Cell(str(seed), value=float(seed)),
            Cell(status),
            Cell(number(final, digits_of(unit)), value=None if pd.isna(final) else float(final)),
            Cell(whole(steps), value=None if pd.isna(steps) else float(steps)),
            Cell(left_out or _COUNTED),
            Cell(settings.get(run) or NOTHING),
            Cell(" ".join((messages.get(run) or "").split()) or NOTHING),
        )
        for run, task, label, seed, status, final, steps, unit, left_out, data in frame[columns]
        .fillna({"data": ""})
        .itertuples(index=False)
    ]
    nothing = Cell(NOTHING)
    rows += [
        (
            Cell(run),
            nothing,
            nothing,
            nothing,
            Cell(NOT_STARTED),
            nothing,
            nothing,
            Cell("a trial of a sweep that left no run"),
            nothing,
            nothing,
        )
        for run in missing
    ]
    names = ("Run", "Task", "Method", "Seed", "Status", "Final", "At step", "In the statistics", "Settings")
    header = (*names, "Message")
    table = without_empty_columns(Table(header, tuple(rows), label_column=2))
    marked = [cell.text for row in rows for cell in row[1:2]]
    places = {
        (task, ""): data
        for task, data in frame[["task", "data"]].drop_duplicates().itertuples(index=False)
        if data
    }
    caption = sentences(
        f"{sum(frame['left_out'] == '')} of {len(frame)} runs count.",
        f"{capital(count_text(len(missing), 'trial'))} of a sweep left no run." if missing else "",
        explained(marked, places),
    )
    return TableBlock("runs", "Runs", table, caption)


def run_links(folders: Mapping[str, str], report: Path) -> dict[str, str]:
    """Where the folder of each run lies, seen from the folder of the report, as a link.

    Args:
        folders: Of each run, by key: a path, or a URI, which is kept.
        report: Folder of the report.
    """
    links = {}
    for run, folder in folders.items():
        if "://" in folder:
            links[run] = folder
            continue
        relative = os.path.relpath(folder, report)
        links[run] = quote(os.fsencode(relative.replace(os.sep, "/")))
    return links
