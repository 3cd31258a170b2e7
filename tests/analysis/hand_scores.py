"""Scores made by hand: what statistics are functions of, without any file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from vitamin.analysis.scores import Scores

Finals = Mapping[str, Mapping[str, Sequence[float]]]
"""Final scores of each label, by task."""


@dataclass(frozen=True)
class HandScores:
    """Stands in for `vitamin.analysis.scores.Scores`."""

    frame: pd.DataFrame
    evaluations: pd.DataFrame
    common_steps: Mapping[str, int]
    labels: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def counted(self) -> pd.DataFrame:
        return self.frame[self.frame["left_out"] == ""]


def scores_of(
    finals: Finals,
    *,
    suites: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    labels: Sequence[str] | None = None,
    curves: Mapping[str, Mapping[int, float]] | None = None,
    common_steps: Mapping[str, int] | None = None,
    **columns: Any,
) -> "Scores":
    """Scores of finished runs, pretrained to 10, evaluated at step 0 and 1000; ``label/task/seed`` is a run's key.

    Args:
        finals: Final scores.
        suites: Of tasks, ``mujoco`` if not given.
        units: Of tasks, ``normalized`` if not given.
        labels: In the order of tables; those of ``finals`` if not given.
        curves: Scores of a run by step, in the place of its two evaluations.
        common_steps: Of tasks, 1000 if not given.
        columns: Further columns of ``frame``, for all its rows.
    """
    tasks = list(dict.fromkeys(task for of_label in finals.values() for task in of_label))
    rows: list[dict[str, Any]] = []
    for task in tasks:
        for label, of_label in finals.items():
            for seed, final in enumerate(of_label.get(task, ())):
                row = {
                    "run": f"{label}/{task}/{seed}",
                    "task": task,
                    "label": label,
                    "seed": seed,
                    "final": float(final),
                }
                row |= {
                    "suite": (suites or {}).get(task, "mujoco"),
                    "unit": (units or {}).get(task, "normalized"),
                }
                rows.append(row | {"method": label.split(",")[0]})
    frame = pd.DataFrame(rows)
    frame = frame.assign(
        status="finished",
        data="",
        end_steps=1000,
        budget=np.nan,
        pretrained=10.0,
        change=frame["final"] - 10,
        success=np.nan,
    )
    frame = frame.assign(own_final=frame["final"], regret=100 - frame["final"], left_out="").assign(**columns)
    points = []
    for row in frame.to_dict("records"):
        curve = (curves or {}).get(row["run"], {0: 10.0, 1000: row["final"]})
        for iteration, (step, score) in enumerate(curve.items()):
            point = {"run": row["run"], "task": row["task"], "label": row["label"], "iteration": iteration}
            phase = "online" if step else "pretrain"
            points.append(
                point | {"env_steps": step, "score": float(score), "phase": phase, "success": np.nan}
            )
    evaluations = pd.DataFrame(points).astype({"run": "category", "phase": "category"})
    steps = dict.fromkeys(tasks, 1000) | dict(common_steps or {})
    return cast("Scores", HandScores(frame, evaluations, steps, tuple(labels or finals)))
