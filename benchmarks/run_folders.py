"""Folders of many runs, with the files that real runs have, for benchmarks of what reads them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from vitamin.algorithms.methods import METHODS
from vitamin.analysis.manifest import FileState, Manifest
from vitamin.analysis.paper import published
from vitamin.analysis.schema import (
    CONFIG_FILE,
    EVALUATION_HEADER,
    EVALUATIONS_FILE,
    MANIFEST_FILE,
    METRIC_KEYS,
    METRICS_FILE,
    RUN_FILE,
    ReferenceScores,
    RunInfo,
    RunTime,
)
from vitamin.platform.catalog import get_task
from vitamin.platform.experiments.same_run import config_text
from vitamin.platform.experiments.spec import ExperimentSpec

TASKS: Final = tuple(dict.fromkeys(published()["task"]))
"""The paper's thirty."""
_PAPER: Final = ("td3_bc", "iql", "odt", "pdt", "td3", "ddpg_odt", "td3_odt")
_STEPS: Final = 1000
_UPDATES: Final = 300
_STARTED: Final = datetime(2026, 1, 2, tzinfo=UTC)
_LOSSES: Final = [key.name for key in METRIC_KEYS if key.name.startswith(("loss/", "q/", "gradient_norm/"))]


def make_runs(folder: Path, runs: int, evaluations: int, episodes: int, swept: int = 0) -> None:
    """Writes finished runs of the paper's methods on ``TASKS``, with as many seeds as it takes.

    Each has an evaluation after its pretraining and others after each online iteration; scores rise from 20 to 20-80,
    by method. Equal arguments give equal files.

    Args:
        folder: Where to.
        runs: How many.
        evaluations: Of each run.
        episodes: Of each evaluation.
        swept: If not 0, one method with this number of values of its ``rl_coefficient`` instead of several methods.
    """
    names = ["td3_odt"] if swept else [name for name in _PAPER if name in METHODS]
    values = [{"rl_coefficient": (number + 1) / 100} for number in range(swept)] if swept else [{}]
    variants = [(name, overrides) for name in names for overrides in values]
    cases = ((seed, task, number) for seed in count() for task in TASKS for number in range(len(variants)))
    configs: dict[tuple[str, int], str] = {}
    rng = np.random.default_rng(0)
    for _, (seed, task, number) in zip(range(runs), cases, strict=False):
        method, overrides = variants[number]
        if (task, number) not in configs:
            spec = ExperimentSpec.create(task=task, method=method, overrides=overrides)
            configs[task, number] = config_text(spec)
        info = _info(task, method, seed, evaluations, overrides)
        _write(
            folder / f"{info.name}-{number}" if swept else folder / info.name,
            info,
            configs[task, number].replace("\nseed: 0\n", f"\nseed: {seed}\n"),
            _scores(rng, 20 + 60 * (number + 1) / len(variants), evaluations, episodes),
        )


def _scores(rng: np.random.Generator, best: float, evaluations: int, episodes: int) -> NDArray[np.float64]:
    """Normalized scores, (evaluations, episodes)."""
    mean = 20 + (best - 20) * np.linspace(0, 1, evaluations) + rng.normal(0, 5)
    return mean[:, None] + rng.normal(0, 4, (evaluations, episodes))


def _info(task: str, method: str, seed: int, evaluations: int, overrides: dict[str, Any]) -> RunInfo:
    known = get_task(task)
    assert known.reference_min is not None
    assert known.reference_max is not None
    return RunInfo(
        name=f"{task}-{method}-seed{seed}",
        task=task,
        method=method,
        preset="paper",
        seed=seed,
        overrides=overrides,
        status="finished",
        versions={"vitamin": "0.1.0", "python": "3.11.7", "torch": "2.13.0", "ray": "2.60.0"},
        commit="0" * 40,
        host="benchmark",
        reference_scores=ReferenceScores(min=known.reference_min, max=known.reference_max),
        started=_STARTED,
        updated=_STARTED,
        wall_time_s=20.0 * evaluations,
        time=RunTime(sample_s=5.0 * evaluations, update_s=10.0 * evaluations, evaluate_s=4.0 * evaluations),
        online_steps=_STEPS * (evaluations - 1),
    )


def _write(folder: Path, info: RunInfo, config: str, scores: NDArray[np.float64]) -> None:
    reference = info.reference_scores
    assert reference is not None
    returns = reference.min + scores * (reference.max - reference.min) / 100
    contents = {
        RUN_FILE: info.text().encode(),
        CONFIG_FILE: config.encode(),
        EVALUATIONS_FILE: _evaluations(scores, returns),
        METRICS_FILE: "".join(_metrics(scores, returns)).encode(),
    }
    manifest = Manifest(files={name: (FileState.of(content),) for name, content in contents.items()})
    contents[MANIFEST_FILE] = manifest.model_dump_json(indent=1).encode()
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def _evaluations(scores: NDArray[np.float64], returns: NDArray[np.float64]) -> bytes:
    evaluations, episodes = scores.shape
    iteration = np.repeat(np.arange(1, evaluations + 1), episodes)
    columns: dict[str, Any] = {
        "phase": np.where(iteration == 1, "pretrain", "online"),
        "iteration": iteration,
        "env_steps": _STEPS * (iteration - 1),
        "gradient_updates": _UPDATES * iteration,
        "target_return": np.full(iteration.shape, 3600.0),
        "episode": np.tile(np.arange(episodes), evaluations),
        "return": returns.ravel(),
        "length": np.full(iteration.shape, 1000),
        "normalized_score": scores.ravel(),
        "success": pa.nulls(len(iteration)),
    }
    buffer = pa.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    pyarrow.csv.write_csv(pa.table({name: columns[name] for name in EVALUATION_HEADER}), buffer, options)
    return ",".join(EVALUATION_HEADER).encode() + b"\n" + bytes(buffer.getvalue())


def _metrics(scores: NDArray[np.float64], returns: NDArray[np.float64]) -> Iterator[str]:
    times = {"sample": 5.0, "update": 10.0, "sync": 0.1, "evaluate": 4.0, "iteration": 19.2}
    rest = dict.fromkeys(_LOSSES, 0.12345678901234568) | {
        f"time/{part}_s": seconds for part, seconds in times.items()
    }
    ending = json.dumps(rest)[1:] + "\n"
    spread = returns.std(axis=1).tolist()
    means = zip(returns.mean(axis=1).tolist(), spread, scores.mean(axis=1).tolist(), strict=True)
    for number, (value, deviation, score) in enumerate(means):
        phase = "online" if number else "pretrain"
        yield (
            f'{{"phase": "{phase}", "iteration": {number + 1}, "env_steps": {_STEPS * number}, "episodes": {number}, '
            f'"gradient_updates": {_UPDATES * (number + 1)}, "evaluation/return_mean": {value!r}, '
            f'"evaluation/return_std": {deviation!r}, "evaluation/length_mean": 1000.0, '
            f'"evaluation/normalized_score": {score!r}, {ending}'
        )
