"""Whether our runs of a method on a task are what the paper ran."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

import pandas as pd

from vitamin.analysis.paper import PAPER_PRESET, published_steps
from vitamin.analysis.schema import RunInfo
from vitamin.analysis.tables.marks import stand_in
from vitamin.analysis.tables.texts import whole
from vitamin.analysis.units import NORMALIZED
from vitamin.analysis.wording import listed

_STEP_TOLERANCE: Final = 0.05
"""By how much the step of our evaluation may miss the paper's: evaluations come every few iterations."""


def changed_settings(
    infos: Mapping[str, RunInfo], without_influence: Callable[[str], Collection[str]]
) -> dict[str, str]:
    """Of runs whose settings of influence differ from their preset, these settings in words.

    Args:
        infos: ``Results.infos``.
        without_influence: Which settings of a method have none.
    """
    ignored: dict[str, Collection[str]] = {}
    changed = {}
    for run, info in infos.items():
        if info.method not in ignored:
            ignored[info.method] = without_influence(info.method)
        names = sorted(info.overrides.keys() - ignored[info.method])
        if names:
            changed[run] = ", ".join(f"{name}={_text(info.overrides[name])}" for name in names)
    return changed


def why_not_comparable(
    frame: pd.DataFrame, runs: pd.DataFrame, changed: Mapping[str, str] | None = None
) -> dict[tuple[str, str], str]:
    """For each task and label, in what our runs differ from the paper's; empty if in nothing.

    Comparable is what ran with the ``paper`` preset, unchanged, on the task's published dataset, and is compared at the
    paper's number of online steps.

    Args:
        frame: ``Scores.frame``.
        runs: ``Results.runs``: ``run``, ``preset``, ``reference_min``.
        changed: What `changed_settings` found.
    """
    counted = frame[frame["left_out"] == ""].merge(runs[["run", "preset"]], on="run", how="left")
    counted["changed"] = counted["run"].map(dict(changed or {})).fillna("")
    kinds = counted[["task", "label", "suite", *_Kind._fields]].fillna({"data": ""}).drop_duplicates()
    found: dict[tuple[str, str], list[_Kind]] = {}
    suites: dict[str, str] = {}
    for task, label, suite, *kind in kinds.itertuples(index=False, name=None):
        suites[task] = suite
        found.setdefault((task, label), []).append(_Kind(*kind))
    return {key: "; ".join(_reasons(suites[key[0]], of_runs)) for key, of_runs in found.items()}


class _Kind(NamedTuple):
    """The facts that decide whether a run is the paper's."""

    preset: str
    changed: str
    data: str
    at_steps: float
    unit: str


def _reasons(suite: str, kinds: Sequence[_Kind]) -> list[str]:
    """In what runs of one method on one task differ from the paper's."""
    presets = [str(kind.preset) for kind in kinds if kind.preset != PAPER_PRESET]
    changed = [kind.changed for kind in kinds if kind.changed]
    data = [stand_in(kind.data) for kind in kinds if kind.data]
    theirs = published_steps(suite)
    unlike = [
        kind.at_steps
        for kind in kinds
        if theirs is not None and abs(kind.at_steps - theirs) > _STEP_TOLERANCE * theirs
    ]
    reasons = (
        f"preset {listed(presets)}" if presets else "",
        listed(changed),
        f"stand-in data: {listed(data)}" if data else "",
        f"{listed(map(whole, unlike))} steps instead of {whole(theirs)}" if unlike and theirs else "",
        "returns, not normalized scores" if any(kind.unit != NORMALIZED for kind in kinds) else "",
    )
    return [reason for reason in reasons if reason]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
