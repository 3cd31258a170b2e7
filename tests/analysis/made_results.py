"""Makes ``Results`` from what runs are to be, without folders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.analysis.run_folders import run_info
from vitamin.analysis.results import Results
from vitamin.analysis.schema import DatasetInfo, ReferenceScores, RunInfo

START = datetime(2026, 1, 2, tzinfo=UTC)
FINGERPRINT = "sha256:0123456789abcdef"


@dataclass(frozen=True)
class MadeResults(Results):
    """Results whose resolved settings are given.

    Attributes:
        resolved: Those of each run that has some.
        asked: Keys of the runs whose settings were asked for.
    """

    resolved: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def settings(self, run: str) -> Mapping[str, Any] | None:
        self.asked.append(run)
        return self.resolved.get(run)


def run(
    key: str = "run", points: Sequence[float] | Mapping[int, float] = (10, 20), **values: Any
) -> dict[str, Any]:
    """The description of a run that is to be made.

    Args:
        key: Its key.
        points: Normalized score of its evaluations by online steps, 0 for the pretrained one; a sequence has one at
            every 1 000 steps. Returns are 10 times as high.
        values: Entries of ``run.json``; or ``settings`` (resolved), ``reference`` (two returns, or None), ``budget``,
            ``hour`` (of its start), ``label`` of its data, its ``fingerprint`` and ``file``, ``success`` (a rate),
            ``episodes`` (of an evaluation).
    """
    return {"key": key, "points": points} | values


def results_of(
    *runs: Mapping[str, Any], shortened: Sequence[str] = (), altered: Sequence[str] = ()
) -> MadeResults:
    """The results that hold these runs."""
    infos = {made["key"]: _info(made) for made in runs}
    evaluations = pd.concat([_evaluations(made) for made in runs], ignore_index=True)
    return MadeResults(
        sources=("results",),
        directory=Path("results"),
        infos=infos,
        runs=pd.DataFrame([_row(made, infos[made["key"]]) for made in runs]),
        evaluations=evaluations.assign(run=pd.Categorical(evaluations["run"], list(infos))),
        shortened=frozenset(shortened),
        altered=frozenset(altered),
        resolved={made["key"]: made["settings"] for made in runs if made.get("settings")},
    )


def _info(made: Mapping[str, Any]) -> RunInfo:
    reference = made.get("reference", (0.0, 1000.0))
    entries = {name: value for name, value in made.items() if name in RunInfo.model_fields}
    dataset = DatasetInfo(
        path=f"/data/{made.get('file', 'hopper.hdf5')}",
        fingerprint=made.get("fingerprint", FINGERPRINT),
        trajectories=10,
        steps=100,
        label=made.get("label"),
    )
    started = START + timedelta(hours=made.get("hour", 0))
    return run_info(
        **{
            "name": made["key"],
            "started": started,
            "updated": started + timedelta(hours=1),
            "dataset": dataset,
            "reference_scores": reference and ReferenceScores(min=reference[0], max=reference[1]),
        }
        | entries
    )


def _row(made: Mapping[str, Any], info: RunInfo) -> dict[str, Any]:
    points = _points(made)
    reference = info.reference_scores
    names = ("task", "method", "preset", "seed", "status", "message", "name", "wall_time_s", "host", "commit")
    return {
        "run": made["key"],
        "folder": f"results/{made['key']}",
        **{name: getattr(info, name) for name in names},
        "started": pd.Timestamp(info.started),
        "updated": pd.Timestamp(info.updated),
        "version": info.versions["vitamin"],
        "data": (info.dataset and info.dataset.label) or "",
        "fingerprint": info.dataset.fingerprint if info.dataset else "",
        "reference_min": reference.min if reference else np.nan,
        "reference_max": reference.max if reference else np.nan,
        "online_steps": made.get("budget", max([*points, 0])),
        "env_steps": max([*points, 0]),
        "gradient_updates": 300 * len(points),
        **dict.fromkeys(("sample_s", "update_s", "evaluate_s", "sync_s"), np.nan),
    }


def _points(made: Mapping[str, Any]) -> Mapping[int, float]:
    points = made["points"]
    return points if isinstance(points, Mapping) else {1000 * n: score for n, score in enumerate(points)}


def _evaluations(made: Mapping[str, Any]) -> pd.DataFrame:
    points = _points(made)
    steps = np.array([*points], dtype=np.int64)
    returns = 10 * np.array([*points.values()], dtype=np.float64)
    return pd.DataFrame(
        {
            "run": made["key"],
            "phase": pd.Categorical(np.where(steps > 0, "online", "pretrain"), ["pretrain", "online"]),
            "iteration": np.arange(1, len(steps) + 1),
            "env_steps": steps,
            "gradient_updates": 300 * np.arange(1, len(steps) + 1),
            "episodes": made.get("episodes", 2),
            "target_return": 3.6,
            "return": returns,
            "return_std": 5.0,
            "length": 50.0,
            "normalized_score": returns / 10 if made.get("reference", True) else np.nan,
            "success": made.get("success", np.nan),
        }
    )
