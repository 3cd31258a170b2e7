"""In which unit the runs of a task are compared: normalized scores if their reference scores agree, else returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from vitamin.scores import normalized_score

Floats = npt.NDArray[np.float64]
Unit = Literal["normalized", "return"]
NORMALIZED: Final = "normalized"
RETURN: Final = "return"
_SMALLEST_SPAN: Final = 1e-100
_ROUNDING: Final = 1e-6
"""Share of their span by which reference scores may differ and be the same: how some file was rounded."""


@dataclass(frozen=True)
class Units:
    """The unit of each task.

    Attributes:
        by_task: Its unit.
        references: Of tasks with normalized scores the returns that count as 0 and 100.
        unreferenced: Tasks none of whose runs has reference scores.
        disputed: Tasks whose runs have different ones, with these.
        lacking: Keys of runs without reference scores on tasks whose other runs have some.
    """

    by_task: Mapping[str, Unit]
    references: Mapping[str, tuple[float, float]]
    unreferenced: tuple[str, ...]
    disputed: Mapping[str, tuple[tuple[float, float], ...]]
    lacking: tuple[str, ...]

    def scores(self, returns: Floats, rows: npt.NDArray[np.int64], tasks: pd.Series) -> Floats:
        """Scores for returns (E,) of the runs ``rows`` (E,), whose ``tasks`` are (R,): each in its task's unit."""

        def of_runs(end: int) -> Floats:
            by_task = {task: pair[end] for task, pair in self.references.items()}
            return np.asarray(tasks.map(by_task), np.float64)[rows]

        low, high = of_runs(0), of_runs(1)
        return np.where(np.isnan(low), returns, normalized_score(returns, low, high))


def same_references(found: Sequence[tuple[float, float]]) -> bool:
    """Whether reference scores differ by rounding at the most."""
    low, high = found[0]
    return bool(np.ptp(found, axis=0).max() <= _ROUNDING * (high - low))


def find_units(frame: pd.DataFrame) -> Units:
    """The units of the tasks of runs.

    Only if none of a task's runs that count has reference scores are those of its other trusted runs looked at.

    Args:
        frame: A row for each run. Columns ``run``, ``task``, ``trusted``, ``left_out``, ``reference_min`` and
            ``reference_max`` (NaN for a run without).
    """
    references: dict[str, tuple[float, float]] = {}
    disputed: dict[str, tuple[tuple[float, float], ...]] = {}
    has_reference = (frame["reference_max"] - frame["reference_min"]).gt(_SMALLEST_SPAN)
    known = frame[has_reference & frame["trusted"]]
    for task, rows in known.groupby("task", observed=True, sort=False):
        counted = rows[rows["left_out"] == ""]
        pairs = (counted if len(counted) else rows)[["reference_min", "reference_max"]].drop_duplicates()
        found = sorted((float(low), float(high)) for low, high in pairs.itertuples(index=False))
        if same_references(found):
            references[str(task)] = found[0]
        else:
            disputed[str(task)] = tuple(found)
    tasks = [str(task) for task in frame["task"].unique()]
    lacking = frame["task"].isin(references) & ~has_reference
    return Units(
        by_task={task: NORMALIZED if task in references else RETURN for task in tasks},
        references=references,
        unreferenced=tuple(task for task in tasks if task not in references and task not in disputed),
        disputed=disputed,
        lacking=tuple(frame.loc[lacking, "run"]),
    )
