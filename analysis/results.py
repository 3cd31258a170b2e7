"""From a directory of run folders to tidy frames: a row for each run, a row for each evaluation episode."""

import io
import logging
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from vitamin.analysis.folders import find_folders
from vitamin.analysis.lines import (
    LARGEST_INTEGER,
    lost_evaluations,
    ranges,
    read_episodes,
    read_metrics,
    whole_lines,
)
from vitamin.analysis.manifest import changed_files, damage
from vitamin.analysis.schema import (
    EVALUATION_DTYPES,
    EVALUATION_HEADER,
    EVALUATIONS_FILE,
    LATER_COLUMNS,
    METRICS_FILE,
    ONLINE,
    PRETRAIN,
    RUN_FILE,
    RunInfo,
)
from vitamin.analysis.sweep_file import read_trials
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
        warnings: One line for each run folder, list of a sweep's trials, or folder that was skipped because it is
            damaged or cannot be read.
        damages: One line for each file of the others that is damaged; what is sound of it is there.
        shortened: Keys of runs whose last evaluation may be among what is damaged.
        altered: Keys of runs whose ``run.json`` changed since the run wrote it: what they ran is not sure.
        missing: Keys that the trials of sweeps would have that left no ``run.json``: they wait, could not start, or
            their folders were removed.
    """

    directory: Path
    infos: Mapping[str, RunInfo]
    runs: pd.DataFrame
    evaluations: pd.DataFrame
    warnings: tuple[str, ...]
    missing: tuple[str, ...] = ()
    damages: tuple[str, ...] = ()
    shortened: frozenset[str] = frozenset()
    altered: frozenset[str] = frozenset()


class Episodes(NamedTuple):
    """The evaluation episodes of a run.

    Attributes:
        frame: A row for each episode, the columns of ``evaluations.csv``.
        damages: A sentence on each thing that is wrong with the file; empty if it is sound.
        shortened: Whether the run's last evaluation may be lost.
    """

    frame: pd.DataFrame
    damages: tuple[str, ...] = ()
    shortened: bool = False


def find_runs(directory: Path) -> list[Path]:
    """The run folders at or below ``directory``, sorted; what lies inside a run folder is not searched."""
    return list(find_folders(directory).runs)


def load_results(directory: Path) -> Results:
    """Reads every run folder at or below ``directory``, whatever its status; skips and names damaged ones.

    Of files that are damaged in part, or changed since the run wrote them, what is sound is read, and the rest named.

    Raises:
        ReportError: If the directory is missing or empty, holds no run folder, or none that can be read.
    """
    found = find_folders(directory)
    warnings = [*found.problems]
    missing = _missing_trials(directory, found.sweeps, found.runs, warnings)
    if not found.runs:
        raise ReportError(_nothing_found(directory, missing, warnings))
    infos: dict[str, RunInfo] = {}
    evaluations: list[pd.DataFrame] = []
    damages: list[str] = []
    shortened: set[str] = set()
    altered: set[str] = set()
    for folder in found.runs:
        key = folder.relative_to(directory).as_posix()
        changed = changed_files(folder, checkpoints=False)
        try:
            info, episodes = RunInfo.read(folder), read_evaluations(folder, changed)
        except RunError as error:
            warnings.append(str(error))
            continue
        infos[key] = info
        evaluations.append(episodes.frame.assign(run=key))
        damages += [f"{folder}: {what}" for what in filter(None, [damage(changed), *episodes.damages])]
        if episodes.shortened:
            shortened.add(key)
        if RUN_FILE in changed:
            altered.add(key)
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
        damages=tuple(damages),
        shortened=frozenset(shortened),
        altered=frozenset(altered),
    )


def _missing_trials(
    directory: Path, sweeps: Iterable[Path], runs: Iterable[Path], warnings: list[str]
) -> list[str]:
    """Keys of the trials without a run; sweeps whose trials are not known are added to the warnings."""
    found = {run.resolve() for run in runs}
    missing: list[str] = []
    for sweep in sweeps:
        try:
            planned = [sweep / name for name in read_trials(sweep)]
        except RunError as error:
            warnings.append(str(error))
        else:
            lost = [folder for folder in planned if folder.resolve() not in found]
            missing += sorted(folder.relative_to(directory).as_posix() for folder in lost)
    return missing


def read_evaluations(folder: Path, changed: Container[str] = ()) -> Episodes:
    """The rows of ``evaluations.csv``, less a torn last line; none if the run has not evaluated yet.

    Columns that an earlier version did not write are empty. Where lines are damaged, or the file changed since the run
    wrote it, the sound rows are taken of those evaluations whose mean is that in ``metrics.jsonl``.

    Args:
        folder: The run folder.
        changed: Names of its files that changed since the run wrote them.

    Raises:
        RunError: If the file cannot be read, or nothing of it is sound.
    """
    path = folder / EVALUATIONS_FILE
    lines = whole_lines(path)
    if EVALUATIONS_FILE not in changed:
        try:
            return Episodes(_frame(path, lines))
        except RunError:  # not all of it is sound
            pass
    episodes, metrics = read_episodes(folder), read_metrics(folder)
    lost = {*lost_evaluations(metrics, episodes)}
    trusted = METRICS_FILE not in changed and bool(metrics.sound)
    if EVALUATIONS_FILE in changed and trusted:
        evaluated = {line.iteration for line in metrics.sound if line.evaluated}
        lost |= {line.iteration for line in episodes.sound} - evaluated
    sound = [line for line in episodes.sound if line.iteration not in lost]
    if len(lines) > 1 and not sound:
        raise RunError(f"{path} is damaged: none of its rows can be relied on.")
    damages = [episodes.damage] if episodes.damage else []
    if lost:
        damages.append(
            f"{EVALUATIONS_FILE}: evaluations left out, since {METRICS_FILE} has other means of them or none: "
            f"iterations {ranges(sorted(lost))}."
        )
    rows = [",".join(EVALUATION_HEADER), *(line.text for line in sound)]
    shortened = not trusted or max(lost, default=0) > max((line.iteration for line in sound), default=0)
    return Episodes(_frame(path, [row.encode() for row in rows]), tuple(damages), shortened)


def _frame(path: Path, lines: list[bytes]) -> pd.DataFrame:
    """The rows as a frame.

    Raises:
        RunError: If a column is missing, a value is not of its column's type, or a row is there twice.
    """
    if not lines:
        return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in EVALUATION_DTYPES.items()})
    if len({line.count(b",") for line in lines}) > 1:
        raise RunError(f"{path} is damaged: its lines differ in their number of columns.")
    try:
        with np.errstate(invalid="ignore"):  # 1e308 in a column of integers, which is refused
            frame = pd.read_csv(
                io.BytesIO(b"\n".join(lines)),
                usecols=EVALUATION_HEADER.__contains__,
                dtype=dict(EVALUATION_DTYPES),
                float_precision="round_trip",
            )
    except (ValueError, OverflowError) as error:
        raise RunError(f"{path} is damaged: {str(error).splitlines()[0]}.") from error
    missing = [name for name in EVALUATION_HEADER if name not in frame and name not in LATER_COLUMNS]
    if missing:
        raise RunError(f"{path} is damaged: it lacks the columns {', '.join(missing)}.")
    frame = frame.reindex(columns=list(EVALUATION_HEADER))
    if not frame["phase"].isin((PRETRAIN, ONLINE)).all() or not np.isfinite(frame["return"]).all():
        raise RunError(f"{path} is damaged: a row has no valid phase, or no finite return.")
    if (frame.select_dtypes("integer").abs() > LARGEST_INTEGER).any(axis=None) or np.isinf(
        frame.select_dtypes("float64")
    ).any(axis=None):
        raise RunError(f"{path} is damaged: a number is out of range.")
    if frame.duplicated(["iteration", "episode"]).any():
        raise RunError(f"{path} is damaged: it holds an episode twice.")
    return frame


def load_metrics(directory: Path, runs: Iterable[str]) -> pd.DataFrame:
    """One row for each line of ``metrics.jsonl`` of the given runs (keys of ``Results.infos``).

    Lines that are damaged are logged and left out.

    Raises:
        RunError: If a file cannot be read.
    """
    rows = []
    for run in runs:
        metrics = read_metrics(directory / run)
        if metrics.damage:
            logging.getLogger("vitamin").warning("%s: %s", run, metrics.damage)
        rows += [{"run": run, **line.record} for line in metrics.sound]
    return pd.DataFrame(rows)


def _run_frame(infos: Mapping[str, RunInfo]) -> pd.DataFrame:
    rows = [
        {"run": run, **{name: getattr(info, name) for name in _RUN_COLUMNS}, "wall_time_s": info.wall_time_s}
        for run, info in infos.items()
    ]
    return pd.DataFrame(rows)


def _nothing_found(directory: Path, missing: list[str], warnings: list[str]) -> str:
    if missing:
        return (
            f"None of the {len(missing)} trials below {directory} has started. `vitamin sweep SPEC --out DIR --resume`"
            " runs them."
        )
    if not directory.is_dir():
        return f"{directory} is not a directory. Give the folder that holds your runs."
    if warnings:
        return f"No run below {directory} can be read. {' '.join(warnings)}"
    if not any(directory.iterdir()):
        return (
            f"{directory} is empty: nothing to report on. Make runs with `vitamin train` or `vitamin sweep`."
        )
    return f"No folder with a {RUN_FILE} at or below {directory}. Give the folder that holds your runs."
