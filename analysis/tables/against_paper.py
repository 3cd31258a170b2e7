"""Our final scores beside the published ones."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from vitamin.analysis.paper import MISPRINTS, published
from vitamin.analysis.report.blocks import TableBlock
from vitamin.analysis.table import NOTHING, Cell, Table
from vitamin.analysis.tables.marks import explained, marked_if, task_stand_ins
from vitamin.analysis.tables.texts import (
    capital,
    digits_of,
    number,
    sentences,
    sortable,
    suite_title,
    with_interval,
)
from vitamin.analysis.units import NORMALIZED
from vitamin.analysis.wording import listed

_HEADER: Final = ("Task", "Method", "Seeds", "Ours", "Published", "Difference", "Our interval", "Comparable")
_NOT_COMPARABLE: Final = "not comparable"


@dataclass(frozen=True)
class Against:
    """A comparison with other scores.

    Attributes:
        tables: One for each suite that both have.
        notes: What could not be compared, a sentence each.
    """

    tables: tuple[TableBlock, ...]
    notes: tuple[str, ...]


def paper_tables(
    frame: pd.DataFrame,
    summary: pd.DataFrame,
    labels: Sequence[str],
    not_comparable: Mapping[tuple[str, str], str],
) -> Against:
    """Our mean with its interval, the published score, the difference, and whether our interval covers it.

    What is not comparable is shown and says why. Tasks that the paper lacks are named; its place is a dash for methods
    that it lacks.

    Args:
        frame: ``Scores.frame``.
        summary: What ``summarize`` made of it.
        labels: ``Scores.labels``.
        not_comparable: What `why_not_comparable` found.
    """
    theirs = published()
    known = set(theirs["task"])
    methods = dict(zip(frame["label"], frame["method"], strict=True))
    stand_ins = task_stand_ins(frame[frame["left_out"] == ""])
    scores = {
        (task, method): (final, change)
        for task, method, final, change in theirs[["task", "method", "final", "change"]].itertuples(
            index=False
        )
    }
    rank = {label: place for place, label in enumerate(labels)}
    ours = summary[summary["task"].isin(known)]
    ours = ours.assign(task_order=pd.factorize(ours["task"])[0], label_order=ours["label"].map(rank))
    tables = []
    for suite, part in ours.sort_values(["task_order", "label_order"], kind="stable").groupby(
        "suite", sort=False
    ):
        records = part.to_dict("records")
        rows = [
            _row(row, scores.get((row["task"], methods[row["label"]])), not_comparable, stand_ins)
            for row in records
        ]
        averages, footnotes = _averages(str(suite), records, methods, scores, not_comparable)
        every = [not_comparable.get((row["task"], row["label"]), "") for row in records]
        common = every[0] if len(set(every)) == 1 else ""
        if common:  # told once, below the table
            rows = [_without_reason(row) for row in rows]
        caption = sentences(
            "Ours: mean final score [95 % interval of t] (change from the pretrained policy); published: the paper's"
            " final score (change), whose spread it does not give.",
            f"None of these can be compared with the paper's{f': {common}' if common else ''}."
            if all(every)
            else "",
            *footnotes,
            explained(
                [row[0].text for row in rows],
                {
                    (row["task"], row["label"]): stand_ins.get((row["task"], row["label"]), "")
                    for row in records
                },
            ),
        )
        table = Table(_HEADER, (*rows, *averages), label_column=1)
        tables.append(
            TableBlock(f"paper-{suite}", f"Against the paper, {suite_title(str(suite))}", table, caption)
        )
    return Against(tuple(tables), _notes(frame, summary, known, set(theirs["method"]), methods))


def _notes(
    frame: pd.DataFrame,
    summary: pd.DataFrame,
    tasks: set[str],
    methods: set[str],
    method_of: Mapping[str, str],
) -> tuple[str, ...]:
    lacking = [task for task in dict.fromkeys(frame["task"]) if task not in tasks]
    uncounted = [
        task for task in dict.fromkeys(frame["task"]) if task in tasks and task not in set(summary["task"])
    ]
    others = [method for method in dict.fromkeys(method_of.values()) if method not in methods]
    notes = (
        f"The paper has no scores on {listed(lacking)}." if lacking else "",
        f"The paper has no scores of {listed(others)}." if others else "",
        f"No run on {listed(uncounted)} counts, so nothing is compared there." if uncounted else "",
    )
    return tuple(note for note in notes if note)


def _row(
    row: Mapping[Any, Any],
    theirs: tuple[float, float] | None,
    not_comparable: Mapping[tuple[str, str], str],
    stand_ins: Mapping[tuple[str, str], str],
) -> tuple[Cell, ...]:
    key = row["task"], row["label"]
    digits = digits_of(row["unit"])
    normalized = row["unit"] == NORMALIZED
    reason = not_comparable.get(key, "")
    final, low, high = row["final_mean"], row["final_low"], row["final_high"]
    ours = with_interval(final, low, high, digits)
    task = row["task"] if normalized else f"{row['task']} (return)"
    return (
        Cell(marked_if(task, stand_ins.get(key))),
        Cell(row["label"]),
        Cell(str(int(row["seeds"])), value=float(row["seeds"])),
        Cell(f"{ours} ({number(row['change_mean'], digits, signed=True)})", value=sortable(final)),
        *_compared(final, (low, high), theirs if normalized else None, theirs),
        _verdict(reason, theirs),
    )


def _compared(
    final: float,
    interval: tuple[float, float],
    compared: tuple[float, float] | None,
    theirs: tuple[float, float] | None,
) -> tuple[Cell, Cell, Cell]:
    """The published score, the difference, and where the published one lies to our interval."""
    published_cell = Cell(NOTHING)
    if theirs is not None:
        published_cell = Cell(f"{number(theirs[0])} ({number(theirs[1], signed=True)})", value=theirs[0])
    if compared is None:
        return published_cell, Cell(NOTHING), Cell(NOTHING)
    difference = final - compared[0]
    low, high = interval
    covers = NOTHING
    if math.isfinite(low) and math.isfinite(high):
        covers = "covers it" if low <= compared[0] <= high else "does not"
    return published_cell, Cell(number(difference, signed=True), value=sortable(difference)), Cell(covers)


def _verdict(reason: str, theirs: tuple[float, float] | None) -> Cell:
    if theirs is None:
        return Cell(NOTHING, note="the paper has no such score")
    return Cell(f"{_NOT_COMPARABLE}: {reason}" if reason else "yes")


def _without_reason(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
    *others, last = row
    return (*others, Cell("no") if last.text != NOTHING else last)


def _averages(
    suite: str,
    records: Sequence[Mapping[Any, Any]],
    methods: Mapping[str, str],
    scores: Mapping[tuple[str, str], tuple[float, float]],
    not_comparable: Mapping[tuple[str, str], str],
) -> tuple[list[tuple[Cell, ...]], list[str]]:
    """A row for each method on two tasks or more: averages of the rows that both have; and footnotes on misprints."""
    by_label: dict[str, list[Mapping[Any, Any]]] = {}
    for row in records:
        if row["unit"] == NORMALIZED and (row["task"], methods[row["label"]]) in scores:
            by_label.setdefault(row["label"], []).append(row)
    rows: list[tuple[Cell, ...]] = []
    footnotes: dict[str, str] = {}
    for label, ours in by_label.items():
        count = len(ours)
        if count < 2:
            continue
        theirs = [scores[row["task"], methods[label]] for row in ours]
        final, change = (
            math.fsum(row[name] for row in ours) / count for name in ("final_mean", "change_mean")
        )
        printed, printed_change = (math.fsum(values) / count for values in zip(*theirs, strict=True))
        difference = final - printed
        reasons = [not_comparable.get((row["task"], label), "") for row in ours]
        rows.append(
            (
                Cell(f"Average of {count} tasks"),
                Cell(label),
                Cell(NOTHING),
                Cell(f"{number(final)} ({number(change, signed=True)})", value=sortable(final)),
                Cell(f"{number(printed)} ({number(printed_change, signed=True)})", value=printed),
                Cell(number(difference, signed=True), value=sortable(difference)),
                Cell(NOTHING),
                Cell(f"{_NOT_COMPARABLE} on {sum(map(bool, reasons))} of them" if any(reasons) else "yes"),
            )
        )
        if count == _published_count(suite, methods[label]):
            footnotes[methods[label]] = misprint_text(suite, methods[label])
    return rows, list(filter(None, ["Averages are those of the rows." if rows else "", *footnotes.values()]))


def misprint_text(suite: str, method: str) -> str:
    """The average that the paper prints for a method, where its rows give another; else empty."""
    found = [misprint for misprint in MISPRINTS if (misprint.suite, misprint.method) == (suite, method)]
    if not found:
        return ""
    rows = published().query("suite == @suite and method == @method")
    parts = [
        f"{number(misprint.printed, signed=misprint.quantity == 'change')} as the average"
        f"{' change' if misprint.quantity == 'change' else ''}, its rows give"
        f" {number(rows[misprint.quantity].mean(), signed=misprint.quantity == 'change')}"
        for misprint in found
    ]
    return f"{capital(suite_title(suite))}, {method}: the paper prints {'; and '.join(parts)}."


def _published_count(suite: str, method: str) -> int:
    rows = published()
    return int(((rows["suite"] == suite) & (rows["method"] == method)).sum())
