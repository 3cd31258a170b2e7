"""Which runs count, and at how many online steps the runs of a task are compared."""

from typing import Final

import numpy as np
import pandas as pd

from vitamin.analysis.choice import Choice
from vitamin.errors import ReportError

NOT_EVALUATED: Final = "no online evaluation"
SHORTENED: Final = "its last evaluation may be lost"
INFINITE: Final = "its last evaluation is not a finite number"
ALTERED: Final = "its run.json changed since the run wrote it"
UNFINISHED: Final = {"running": "not finished", "stopped": "stopped before its end", "failed": "failed"}
RERUN: Final = "rerun of "
_RERUN: Final = RERUN + "{}, whose result counts"
TOO_SHORT: Final = "its budget is below {} steps"


def leave_out(frame: pd.DataFrame, choice: Choice) -> pd.Series:
    """Why each run does not count, empty if it does.

    Args:
        frame: A row for each run, in the order of their starts within a task, label and seed. Columns ``run``,
            ``task``, ``label``, ``seed``, ``status``, ``budget``, ``end_steps``, ``trusted`` (whether its ``run.json``
            is as the run wrote it), ``shortened``, ``infinite`` (whether its last evaluation may be lost, or is not
            finite), ``has_pretrained``, ``has_online`` (evaluations).
        choice: What was chosen.

    Raises:
        ReportError: If no run reaches the chosen step.
    """
    diverged = frame["status"] == "diverged"
    has_result = frame["has_online"] | (diverged & frame["has_pretrained"])
    reasons = pd.Series(np.where(has_result, "", NOT_EVALUATED), index=frame.index, dtype=object)
    reasons[frame["infinite"] & ~diverged] = INFINITE
    if not choice.include_unfinished:
        reasons[frame["shortened"] & ~diverged] = SHORTENED
        unfinished = frame["status"].map(UNFINISHED)
        reasons[unfinished.notna()] = unfinished
    reasons[~frame["trusted"]] = ALTERED
    if choice.at_steps is not None:
        reasons[_too_short(frame, reasons, choice.at_steps)] = TOO_SHORT.format(choice.at_steps)
    counts = frame[reasons == ""]
    first = counts.groupby(["task", "label", "seed"], sort=False, observed=True)["run"].transform("first")
    rerun = first[first != counts["run"]]
    reasons[rerun.index] = [_RERUN.format(run) for run in rerun]
    return reasons


def _too_short(frame: pd.DataFrame, reasons: pd.Series, steps: int) -> pd.Series:
    """Which of the runs that would count do not reach ``steps``."""
    candidates = reasons == ""
    largest = frame.loc[candidates, "budget"].max()
    if steps < 1 or steps > largest:
        most = "" if np.isnan(largest) else f" to {int(largest)}, the most that a run reaches"
        raise ReportError(f"No run can be compared at {steps} online steps. Choose a step from 1{most}.")
    return candidates & (frame["budget"] < steps)


def budgets(frame: pd.DataFrame) -> pd.Series:
    """The online steps that each run was given; if that is not known, those it made, but for one that diverged."""
    made = frame["end_steps"].where(frame["status"] != "diverged").astype(np.float64)
    return frame["online_steps"].astype(np.float64).fillna(made)


def common_steps(frame: pd.DataFrame, at_steps: int | None) -> dict[str, int]:
    """The online steps at which the runs of each task are compared: ``at_steps``, or the most that all counted reach.

    Runs that were let in although they have not finished do not lower them.
    """
    counted = frame[frame["left_out"] == ""]
    if at_steps is not None:
        return dict.fromkeys(map(str, counted["task"].unique()), at_steps)
    finished = counted["budget"].where(~counted["status"].isin(UNFINISHED))
    choices = [
        finished.groupby(counted["task"], sort=False).min(),
        counted["budget"].groupby(counted["task"], sort=False).min(),
        counted["end_steps"].groupby(counted["task"], sort=False).max(),
    ]
    steps = choices[0].fillna(choices[1]).fillna(choices[2])
    return {str(task): int(value) for task, value in steps.items()}
