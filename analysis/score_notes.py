"""Sentences on what the scores leave out, and on what else their reader has to know."""

from collections.abc import Iterator, Sequence
from typing import Final

import pandas as pd

from vitamin.analysis.choice import FinalRule
from vitamin.analysis.counting import INFINITE, NOT_EVALUATED, RERUN, SHORTENED, UNFINISHED
from vitamin.analysis.units import Units
from vitamin.analysis.wording import listed

_MOST_NAMED: Final = 3
_PAST: Final = {
    "failed": "failed",
    "stopped": "was stopped",
    "running": "has not finished",
    "diverged": "diverged",
}
_FAR: Final = 0.1
"""Share of the common step by which the evaluation that counts may lie beside it without a note."""


def score_notes(frame: pd.DataFrame, labels: Sequence[str], units: Units, rule: FinalRule) -> tuple[str, ...]:
    """The notes on scores.

    Args:
        frame: The columns of ``Scores.frame``, and ``count``: how many evaluations the rule looked at.
        labels: In the order of tables.
        units: Of the tasks.
        rule: How final scores are made.
    """
    counted = frame[frame["left_out"] == ""]
    return (
        *_on_units(units),
        *_on_methods(frame, counted, labels),
        *_on_seeds(counted),
        *_on_runs(frame),
        *_on_reruns(frame, counted),
        *_on_finals(counted, rule),
    )


def _on_units(units: Units) -> Iterator[str]:
    for task in units.unreferenced:
        yield f"{task} has no reference scores: returns are compared there."
    for task, pairs in units.disputed.items():
        values = "; ".join(f"{low:.10g} … {high:.10g}" for low, high in pairs)
        yield f"Reference scores on {task} differ ({values}): returns are compared there, not scores."
    if units.lacking:
        yield (
            f"{_runs(len(units.lacking))} without reference scores: the scores are by those of the task's other runs"
            f" ({listed(units.lacking, _MOST_NAMED)})."
        )


def _on_methods(frame: pd.DataFrame, counted: pd.DataFrame, labels: Sequence[str]) -> Iterator[str]:
    tasks = list(frame["task"].unique())
    having = counted.groupby("label")["task"].agg(set).to_dict()
    where: dict[str, list[str]] = {}
    for label in labels:
        missing = [task for task in tasks if task not in having.get(label, ())]
        of_all = f", {len(missing)} of {len(tasks)} tasks" if len(missing) > _MOST_NAMED else ""
        if missing:
            on = f" on {', '.join(missing)}{of_all}" if label in having else ""
            where.setdefault(on, []).append(label)
    for on, lacking in where.items():
        yield f"{_together(lacking)} no run that counts{on}."


def _on_seeds(counted: pd.DataFrame) -> Iterator[str]:
    seeds = counted.groupby(["label", "task"], sort=False)["seed"].nunique()
    most = seeds.max()
    where: dict[str, list[str]] = {}
    for label, of_label in seeds[seeds < most].groupby("label", sort=False):
        on_tasks = of_label.droplevel("label")
        fewer = ", ".join(f"{task} ({count})" for task, count in on_tasks.items())
        where.setdefault(fewer, []).append(str(label))
    for fewer, having in where.items():
        yield f"{_together(having)} fewer than {most} seeds on {fewer}."


def _on_runs(frame: pd.DataFrame) -> Iterator[str]:
    left_out = frame[frame["left_out"] != ""]
    is_rerun = left_out["left_out"].str.startswith(RERUN)
    reasons = left_out["left_out"].mask(is_rerun, "rerun of a run whose result counts")
    for reason, runs in left_out["run"].groupby(reasons):
        verb = "does" if len(runs) == 1 else "do"
        yield f"{_runs(len(runs))} {verb} not count: {reason} ({listed(runs, _MOST_NAMED)})."


def _on_reruns(frame: pd.DataFrame, counted: pd.DataFrame) -> Iterator[str]:
    """The runs that count in place of earlier ones without a result."""
    key = ["task", "label", "seed"]
    tries = frame[frame["left_out"].isin([*UNFINISHED.values(), NOT_EVALUATED, SHORTENED, INFINITE])]
    both = counted[[*key, "run", "started"]].merge(tries[[*key, "run", "started", "status"]], on=key)
    earlier = both[both["started_y"] <= both["started_x"]]
    sentences = [
        f"{row.run_x} of seed {row.seed} counts, {row.run_y} before it {_PAST.get(str(row.status), 'has no result')}"
        for row in earlier.itertuples()
    ]
    if sentences:
        yield f"{'; '.join(sentences[:_MOST_NAMED])}{_and_more(len(sentences))}."


def _on_finals(counted: pd.DataFrame, rule: FinalRule) -> Iterator[str]:
    early = counted[(counted["status"] == "diverged") & (counted["final_steps"] == 0)]
    if len(early):
        yield (
            f"{_runs(len(early))} diverged before the first online evaluation: the pretrained score counts as the"
            f" final one ({listed(early['run'], _MOST_NAMED)})."
        )
    far = counted[
        (counted["budget"] > counted["at_steps"])
        & (counted["status"] != "diverged")
        & ((counted["final_steps"] - counted["at_steps"]).abs() > _FAR * counted["at_steps"])
    ]
    if len(far) and rule.kind != "best":
        yield (
            f"{_runs(len(far))} {'has' if len(far) == 1 else 'have'} no evaluation near the step of the comparison; the"
            f" nearest one counts ({listed(far['run'], _MOST_NAMED)})."
        )
    if rule.kind == "best":
        yield (
            f"Final scores are {rule.text}: a maximum over noisy evaluations flatters, and the more so the more there"
            " are."
        )
    short = counted[counted["count"] < (rule.count or 0)]
    if len(short) and rule.kind == "mean":
        yield (
            f"{_runs(len(short))} with fewer than {rule.count} evaluations: the mean is of those that there are"
            f" ({listed(short['run'], _MOST_NAMED)})."
        )


def _together(labels: Sequence[str]) -> str:
    """``ODT has``, ``ODT and IQL have``; labels with settings have commas of their own."""
    apart = "; " if any("," in label for label in labels) else ", "
    *first, last = labels
    return f"{apart.join(first)} and {last} have" if first else f"{last} has"


def _runs(count: int) -> str:
    return f"{count} run{'s' if count > 1 else ''}"


def _and_more(count: int) -> str:
    return f"; and {count - _MOST_NAMED} more" if count > _MOST_NAMED else ""
