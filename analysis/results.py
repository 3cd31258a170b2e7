"""From a directory of run folders to tidy frames: a row for each run, a row for each evaluation episode."""

import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vitamin.analysis.schema import (
    EVALUATION_DTYPES,
    EVALUATION_HEADER,
    EVALUATIONS_FILE,
    LATER_COLUMNS,
    METRICS_FILE,
    ONLINE,
    PRETRAIN,
    RUN_FILE,
    SWEEP_FILE,
    RunInfo,
)
from vitamin.errors import ReportError, RunError

_RUN_COLUMNS = ("name", "task", "method", "preset", "seed", "status", "message", "started", "updated")


@dataclass(frozen=True)
class Results:
    """Everything read below a directory. A run's key is the path of its folder, relative to the directory.

    Attributes:
        directory: Where the run folders were looked for.
        infos: The ``run.json`` of each run, by key, in the order of the keys.
        runs: One row for each run: ``run`` (the key), the scalar entries of ``run.json``, ``wall_time_s``.
        evaluations: One row for each evaluation episode: ``run`` and the columns of ``evaluations.csv``.
        warnings: One line for each run folder, or list of a sweep's trials, that was skipped because it is damaged.
        missing: Keys that the trials of sweeps would have that left no ``run.json``: they wait, could not start, or
            their folders were removed.
    """

    directory: Path
    infos: Mapping[str, RunInfo]
    runs: pd.DataFrame
    evaluations: pd.DataFrame
    warnings: tuple[str, ...]
    missing: tuple[str, ...] = ()


def find_runs(directory: Path) -> list[Path]:
    """The run folders at or below ``directory``, sorted; what lies inside a run folder is not searched."""
    return _find(directory)[0]


def _find(directory: Path) -> tuple[list[Path], list[Path]]:
    """Run folders, and folders of sweeps."""
    runs, sweeps = [], []
    for folder, subfolders, files in os.walk(directory):
        if RUN_FILE in files:
            runs.append(Path(folder))
            subfolders.clear()
        elif SWEEP_FILE in files:
            sweeps.append(Path(folder))
    return sorted(runs), sorted(sweeps)


def _planned(sweep: Path) -> list[Path]:
    """The run folders that the trials of a sweep have, or will have.

    Raises:
        RunError: If ``sweep.json`` cannot be read.
    """
    file = sweep / SWEEP_FILE
    try:
        trials = json.loads(file.read_text(encoding="utf-8"))["trials"]
        return [sweep / trial["name"] for trial in trials]
    except OSError as error:
        raise RunError(f"Cannot read {file}: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{file} is damaged: it holds no list of trials.") from error


def load_results(directory: Path) -> Results:
    """Reads every run folder at or below ``directory``, whatever its status; skips and names damaged ones.

    Raises:
        ReportError: If the directory is missing or empty, holds no run folder, or none that can be read.
    """
    folders, sweeps = _find(directory)
    warnings: list[str] = []
    missing: list[str] = []
    for sweep in sweeps:
        try:
            lost = set(_planned(sweep)) - set(folders)
        except RunError as error:
            warnings.append(str(error))
        else:
            missing += sorted(folder.relative_to(directory).as_posix() for folder in lost)
    if not folders:
        raise ReportError(_nothing_found(directory, missing))
    infos: dict[str, RunInfo] = {}
    evaluations: list[pd.DataFrame] = []
    for folder in folders:
        key = folder.relative_to(directory).as_posix()
        try:
            info, episodes = RunInfo.read(folder), read_evaluations(folder)
        except RunError as error:
            warnings.append(str(error))
        else:
            infos[key] = info
            evaluations.append(episodes.assign(run=key))
    if not infos:
        more = f" ({len(warnings) - 1} more like it)" if len(warnings) > 1 else ""
        raise ReportError(f"No run below {directory} can be read. {warnings[0]}{more}")
    return Results(
        directory=directory,
        infos=infos,
        runs=_run_frame(infos),
        evaluations=pd.concat(evaluations, ignore_index=True)[["run", *EVALUATION_HEADER]],
        warnings=tuple(warnings),
        missing=tuple(missing),
    )


def read_evaluations(folder: Path) -> pd.DataFrame:
    """The columns of ``evaluations.csv``, less a torn last line; no rows if the run has not evaluated yet.

    Columns that an earlier version did not write are empty.

    Raises:
        RunError: If the file cannot be read, a column is missing, or a value is not of its column's type.
    """
    path = folder / EVALUATIONS_FILE
    content = _whole_lines(path)
    if not content:
        return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in EVALUATION_DTYPES.items()})
    if len({line.count(b",") for line in content.splitlines()}) > 1:
        raise RunError(f"{path} is damaged: its lines differ in their number of columns.")
    try:
        frame = pd.read_csv(
            io.BytesIO(content),
            usecols=EVALUATION_HEADER.__contains__,
            dtype=dict(EVALUATION_DTYPES),
            float_precision="round_trip",
        )
    except ValueError as error:
        raise RunError(f"{path} is damaged: {str(error).splitlines()[0]}.") from error
    missing = [name for name in EVALUATION_HEADER if name not in frame and name not in LATER_COLUMNS]
    if missing:
        raise RunError(f"{path} is damaged: it lacks the columns {', '.join(missing)}.")
    frame = frame.reindex(columns=list(EVALUATION_HEADER))
    if not frame["phase"].isin((PRETRAIN, ONLINE)).all() or frame["return"].isna().any():
        raise RunError(f"{path} is damaged: a row has no valid phase, or no return.")
    return frame


def load_metrics(directory: Path, runs: Iterable[str]) -> pd.DataFrame:
    """One row for each line of ``metrics.jsonl`` of the given runs (keys of ``Results.infos``).

    Raises:
        RunError: If a file cannot be read, or a line of it is not a JSON object.
    """
    rows: list[dict[str, Any]] = []
    for run in runs:
        path = directory / run / METRICS_FILE
        for number, line in enumerate(_whole_lines(path).splitlines(), start=1):
            try:
                rows.append({"run": run, **json.loads(line)})
            except (ValueError, TypeError) as error:
                raise RunError(f"{path} is damaged: line {number} is not a JSON object.") from error
    return pd.DataFrame(rows)


def _whole_lines(path: Path) -> bytes:
    """The file up to its last newline: what follows one was being written when the run was killed."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise RunError(f"Cannot read {path}: {error.strerror}.") from error
    return content[: content.rfind(b"\n") + 1]


def _run_frame(infos: Mapping[str, RunInfo]) -> pd.DataFrame:
    rows = [
        {"run": run, **{name: getattr(info, name) for name in _RUN_COLUMNS}, "wall_time_s": info.wall_time_s}
        for run, info in infos.items()
    ]
    return pd.DataFrame(rows)


def _nothing_found(directory: Path, missing: list[str]) -> str:
    if missing:
        return (
            f"None of the {len(missing)} trials below {directory} has started. `vitamin sweep SPEC --out DIR --resume`"
            " runs them."
        )
    if not directory.is_dir():
        return f"{directory} is not a directory. Give the folder that holds your runs."
    if not any(directory.iterdir()):
        return (
            f"{directory} is empty: nothing to report on. Make runs with `vitamin train` or `vitamin sweep`."
        )
    return f"No folder with a {RUN_FILE} at or below {directory}. Give the folder that holds your runs."
