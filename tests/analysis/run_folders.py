"""Writes run folders with known numbers."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vitamin.analysis.schema import (
    EVALUATION_HEADER,
    EVALUATIONS_FILE,
    SWEEP_FILE,
    DatasetInfo,
    ReferenceScores,
    RunInfo,
    Status,
)

REFERENCE = ReferenceScores(min=0.0, max=1000.0)
VERSIONS = {"vitamin": "0.1.0", "python": "3.11.9", "torch": "2.13.0"}


def run_info(**changes: Any) -> RunInfo:
    values: dict[str, Any] = {
        "name": "run",
        "task": "hopper-medium-v2",
        "method": "td3_odt",
        "preset": "small",
        "seed": 0,
        "status": "finished",
        "versions": VERSIONS,
        "host": "here",
        "dataset": DatasetInfo(
            path="/data/hopper.hdf5", fingerprint="sha256:0123456789abcdef", trajectories=10, steps=100
        ),
        "reference_scores": REFERENCE,
        "started": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "updated": datetime(2026, 1, 2, 4, 4, 5, tzinfo=UTC),
        "wall_time_s": 3600.0,
    }
    return RunInfo(**(values | changes))


def write_run(
    folder: Path,
    scores: Sequence[float] | Mapping[int, float],
    *,
    spread: float = 5.0,
    successes: Sequence[int] | None = None,
    episodes: int = 2,
    **info: Any,
) -> RunInfo:
    """A run with the given scores: the pretrained one, then those of the online evaluations.

    A sequence is evaluated every 1 000 steps, a mapping gives the steps. Each evaluation has two episodes (or another
    even number), ``spread`` below and above the score in turn, with the given ``successes``. Further options, such as
    ``online_steps``, are entries of ``run.json``. Without reference scores, scores are
    returns; with ``REFERENCE`` returns are 10 times the normalized scores.
    """
    made = run_info(name=folder.name, **info)
    points = (
        scores
        if isinstance(scores, Mapping)
        else {1000 * number: score for number, score in enumerate(scores)}
    )
    lines = [",".join(EVALUATION_HEADER)]
    for iteration, (steps, score) in enumerate(points.items(), start=1):
        phase = "online" if steps else "pretrain"
        for episode, value in enumerate((score - spread, score + spread) * (episodes // 2)):
            result = f"{10 * value},50,{value}" if made.reference_scores else f"{value},50,"
            success = "" if successes is None else successes[episode]
            lines.append(f"{phase},{iteration},{steps},{iteration * 300},3.6,{episode},{result},{success}")
    folder.mkdir(parents=True)
    made.write(folder)
    (folder / EVALUATIONS_FILE).write_text("\n".join(lines) + "\n")
    return made


def write_seeds(
    directory: Path,
    finals: Sequence[float],
    *,
    pretrained: float = 10.0,
    status: Status = "finished",
    **info: Any,
) -> None:
    """A run for each final score, with seeds 0, 1, ... and one online evaluation."""
    name = "-".join(str(value) for value in ("run", *info.values()) if isinstance(value, str | float))
    for seed, final in enumerate(finals):
        write_run(directory / f"{name}-{seed}", [pretrained, final], seed=seed, status=status, **info)


def write_sweep(directory: Path, *trials: str) -> None:
    """The ``sweep.json`` of a sweep with these trials."""
    content = {"schema_version": 1, "spec": {}, "trials": [{"name": name} for name in trials]}
    (directory / SWEEP_FILE).write_text(json.dumps(content))
