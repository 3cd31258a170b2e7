"""Whether our runs of a method on a task are what the paper ran."""

from collections.abc import Mapping
from typing import Final

import pandas as pd

from vitamin.analysis.paper import PAPER_PRESET, published_steps
from vitamin.analysis.tables.texts import NORMALIZED, listed, whole

_STEP_TOLERANCE: Final = 0.05
"""By how much the step of our evaluation may miss the paper's: evaluations come every few iterations."""


def why_not_comparable(
    frame: pd.DataFrame, runs: pd.DataFrame, changed: Mapping[str, str] | None = None
) -> dict[tuple[str, str], str]:
    """For each task and label, in what our runs differ from the paper's; empty if in nothing.

    Comparable is what ran with the ``paper`` preset, unchanged, on the task's published dataset, and is compared at the
    paper's number of online steps.

    Args:
        frame: ``Scores.frame``.
        runs: ``Results.runs``: ``run``, ``preset``, ``reference_min``.
        changed: Of runs whose settings of influence differ from their preset, these settings in words, by key.
    """
    counted = frame[frame["left_out"] == ""].merge(runs[["run", "preset"]], on="run", how="left")
    counted["changed"] = counted["run"].map(dict(changed or {})).fillna("")
    return {
        (str(task), str(label)): "; ".join(_reasons(str(part["suite"].iloc[0]), part))
        for (task, label), part in counted.groupby(["task", "label"], sort=False)
    }


def _reasons(suite: str, runs: pd.DataFrame) -> list[str]:
    """In what runs of one method on one task differ from the paper's."""
    reasons = []
    presets = [str(preset) for preset in dict.fromkeys(runs["preset"]) if preset != PAPER_PRESET]
    if presets:
        reasons.append(f"preset {listed(presets)}")
    changed = [text for text in dict.fromkeys(runs["changed"]) if text]
    if changed:
        reasons.append(listed(changed))
    data = [text for text in dict.fromkeys(runs["data"].fillna("")) if text]
    if data:
        reasons.append(f"stand-in data: {listed(data)}")
    steps, theirs = runs["at_steps"].dropna(), published_steps(suite)
    if theirs is not None and len(steps) and ((steps - theirs).abs() > _STEP_TOLERANCE * theirs).any():
        reasons.append(
            f"{listed(whole(step) for step in dict.fromkeys(steps))} steps instead of {whole(theirs)}"
        )
    if (runs["unit"] != NORMALIZED).any():
        reasons.append("returns, not normalized scores")
    return reasons
