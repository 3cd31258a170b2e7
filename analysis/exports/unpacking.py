"""Lets an export be read as run folders are: its runs become such, in a temporary place."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

from vitamin.analysis.exports.reading import ExportedRun, read_export
from vitamin.analysis.mirror import Mirror
from vitamin.analysis.schema import (
    CONFIG_FILE,
    EVALUATION_HEADER,
    EVALUATIONS_FILE,
    METRICS_FILE,
    ONLINE,
    PRETRAIN,
    RUN_FILE,
    SWEEP_FILE,
)
from vitamin.errors import ReportError


@dataclass(frozen=True)
class Unpacked:
    """An export as run folders.

    Attributes:
        mirror: The temporary folder; each run's is below it, by its key.
        runs: The runs by key.
    """

    mirror: Mirror
    runs: Mapping[str, ExportedRun]


def unpack(file: Path, shown: str) -> Unpacked:
    """The runs of an export; arguments and errors as for `read_export`, and if there is no place for them."""
    found = read_export(file, shown)
    runs = {key: run for key, run in found.items() if run is not None}
    mirror = Mirror()
    try:
        for key, run in runs.items():
            _write_run(mirror.root / key, run)
        _write_sweeps(mirror.root, [key for key in found if key not in runs])
    except (OSError, ValueError) as error:
        mirror.remove()
        reason = getattr(error, "strerror", None) or error
        raise ReportError(f"Cannot unpack {shown} to a temporary folder: {reason}.") from error
    return Unpacked(mirror, runs)


def _write_run(folder: Path, run: ExportedRun) -> None:
    """The run folder, with all of it that readers look at."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RUN_FILE).write_text(run.info.text(), encoding="utf-8")
    text = "\n".join([",".join(EVALUATION_HEADER), *run.episodes]) + "\n"
    (folder / EVALUATIONS_FILE).write_text(text, encoding="utf-8")
    steps, updates = run.counts["env_steps"], run.counts["gradient_updates"]
    progress = {"iteration": run.counts["evaluations"], "phase": ONLINE if steps else PRETRAIN}
    progress |= {"env_steps": steps, "gradient_updates": updates}
    (folder / METRICS_FILE).write_text(json.dumps(progress) + "\n", encoding="utf-8")
    if run.settings:
        content = yaml.safe_dump({"hyperparameters": dict(run.settings)}, sort_keys=False)
        (folder / CONFIG_FILE).write_text(content, encoding="utf-8")


def _write_sweeps(root: Path, missing: list[str]) -> None:
    """The lists of sweeps with the trials that left no run."""
    trials: dict[Path, list[dict[str, str]]] = {}
    for key in missing:
        trials.setdefault((root / key).parent, []).append({"name": PurePosixPath(key).name})
    for folder, names in trials.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SWEEP_FILE).write_text(json.dumps({"trials": names}), encoding="utf-8")
