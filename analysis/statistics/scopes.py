"""Which tasks and methods an estimate is about: one task, or tasks that all its methods share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vitamin.analysis.statistics.bootstrap import Strata
from vitamin.analysis.statistics.names import ALL, SUITE
from vitamin.analysis.units import NORMALIZED
from vitamin.analysis.wording import listed

if TYPE_CHECKING:
    from vitamin.analysis.scores import Scores


@dataclass(frozen=True)
class Scope:
    """Several tasks, and the methods that all have runs on each.

    Attributes:
        name: As frames and tables have it: ``mujoco (12 tasks)``.
        kind: ``suite`` or ``all``.
        tasks: Names of tasks, in the order of tables.
        labels: Methods, in the order of tables.
    """

    name: str
    kind: str
    tasks: tuple[str, ...]
    labels: tuple[str, ...]

    def strata(self, counted: pd.DataFrame, column: str = "final") -> dict[str, Strata]:
        """Scores of each method.

        Args:
            counted: ``Scores.counted``.
            column: Which score.
        """
        chosen = counted[counted["task"].isin(self.tasks) & counted["label"].isin(self.labels)]
        parts = {
            key: part.to_numpy(dtype=np.float64) for key, part in chosen.groupby(["label", "task"])[column]
        }
        return {label: Strata.of([parts[label, task] for task in self.tasks]) for label in self.labels}


def scopes_over_tasks(scores: "Scores") -> tuple[tuple[Scope, ...], tuple[str, ...]]:
    """Each suite, and all tasks, as far as all methods share two tasks or more; what that leaves out, as sentences.

    Only normalized scores can be averaged over tasks. A method without any run that counts does not narrow what the
    others share, nor does one without runs in a suite narrow that suite. All tasks are a scope of their own only where
    they are not those of one suite.
    """
    counted = scores.counted
    normalized = counted[counted["unit"] == NORMALIZED]
    notes = _without_runs(scores, counted) + _returns(counted, normalized)
    scopes: list[Scope] = []
    suites = list(dict.fromkeys(normalized["suite"]))
    for suite in suites:
        found, said = _shared(normalized[normalized["suite"] == suite], scores.labels, suite)
        scopes += found
        notes += said
    if len(suites) > 1:
        found, said = _shared(normalized, scores.labels, ALL)
        same = {scope.tasks for scope in scopes}
        scopes += [scope for scope in found if scope.tasks not in same]
        notes += said
    return tuple(scopes), tuple(notes)


def _shared(runs: pd.DataFrame, labels: Sequence[str], suite: str) -> tuple[list[Scope], list[str]]:
    """The scope of these runs, if their methods share two tasks, and what is left out of it."""
    tasks = list(dict.fromkeys(runs["task"]))
    found = {label: set(part) for label, part in runs.groupby("label", observed=True)["task"]}
    of_label: dict[str, set[str]] = {label: found.get(label, set()) for label in labels}
    present = tuple(label for label in labels if of_label[label])
    shared = tuple(task for task in tasks if all(task in of_label[label] for label in present))
    where = "all tasks" if suite == ALL else suite
    if len(tasks) < 2:
        return [], []
    partial = [label for label in present if len(of_label[label]) < len(tasks)]
    if len(shared) < 2:
        cause = f"{listed(partial)} {'has' if len(partial) == 1 else 'have'} no run that counts on some"
        return [], [
            f"No aggregates over {where}: all methods share fewer than two tasks ({cause}); choose methods."
        ]
    notes = []
    if len(shared) < len(tasks):
        out = listed([task for task in tasks if task not in shared])
        lack = "lacks" if len(partial) == 1 else "lack"
        notes.append(
            f"Aggregates over {where} leave out {out}: {listed(partial)} {lack} runs that count there."
        )
    absent = [label for label in labels if not of_label[label]]
    if absent and suite != ALL:
        notes.append(f"Aggregates over {where} are without {listed(absent)}: no run there counts.")
    name = f"all tasks ({len(shared)})" if suite == ALL else f"{suite} ({len(shared)} tasks)"
    return [Scope(name, ALL if suite == ALL else SUITE, shared, present)], notes


def _without_runs(scores: "Scores", counted: pd.DataFrame) -> list[str]:
    """Methods of which no run counts at all."""
    known = dict.fromkeys([*scores.labels, *scores.frame["label"]])
    missing = [label for label in known if label not in set(counted["label"])]
    return [f"No run of {listed(missing)} counts: no statistics."] if missing else []


def _returns(counted: pd.DataFrame, normalized: pd.DataFrame) -> list[str]:
    tasks = [task for task in dict.fromkeys(counted["task"]) if task not in set(normalized["task"])]
    if not tasks:
        return []
    return [f"Returns are compared on {listed(tasks)}, and do not enter aggregates over tasks."]


def stand_ins(data: Iterable[str]) -> str:
    """The stand-ins for the data of runs, once each."""
    return "; ".join(dict.fromkeys(mark for mark in data if mark))
