"""Reads the runs of one source after the other, each of their files once."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vitamin.analysis.columns import EVALUATION_MEANS, RUN_COLUMNS, names
from vitamin.analysis.episode_rows import PHASES
from vitamin.analysis.evaluations import read_evaluations
from vitamin.analysis.exports.reading import ExportedRun
from vitamin.analysis.folders import Folders, find_folders
from vitamin.analysis.lines import metrics_line
from vitamin.analysis.manifest import changed_files, damage
from vitamin.analysis.run_files import RunFiles
from vitamin.analysis.run_settings import setting
from vitamin.analysis.schema import METRICS_FILE, RUN_FILE, RunInfo
from vitamin.analysis.sources import Source, open_export, unused
from vitamin.analysis.sweep_file import read_trials
from vitamin.errors import ReportError, RunError

_INFO_COLUMNS: Final = (
    "task",
    "method",
    "preset",
    "seed",
    "status",
    "message",
    "name",
    "started",
    "updated",
    "wall_time_s",
    "host",
    "commit",
)


class Loading:
    """The results that were read so far.

    Attributes:
        infos: As in ``Results``, and so are ``warnings``, ``damages``, ``missing``, ``shortened`` and ``altered``.
        folders: The run folders on this machine, by key.
        exports: Those of the sources that are exports, or have such below them; `add_exports` reads them.
    """

    def __init__(self) -> None:
        self.infos: dict[str, RunInfo] = {}
        self.folders: dict[str, Path] = {}
        self.warnings: list[str] = []
        self.damages: list[str] = []
        self.missing: list[str] = []
        self.shortened: set[str] = set()
        self.altered: set[str] = set()
        self.exports: list[Source] = []
        self._rows: list[dict[str, Any]] = []
        self._evaluations: dict[str, list[NDArray[Any]]] = {
            name: [] for name in names(EVALUATION_MEANS) if name != "run"
        }
        self._keys: dict[str, str] = {}
        self._nothing: list[str] = []
        self._known: set[tuple[Any, ...]] = set()
        self._latest: dict[tuple[Any, ...], ExportedRun] = {}

    def add(self, source: Source) -> None:
        """Reads what lies at or below a source, but for exports."""
        if source.unpacked is not None:
            self.exports.append(source)
            return
        for file in self._read(source).exports:
            try:
                self.exports.append(open_export(source, file))
            except ReportError as error:
                self.warnings.append(source.told(str(error)))
                self._nothing.append(source.told(str(error)))

    def add_exports(self) -> None:
        """Reads exports: of a run that has no folder the latest, wherever it was given."""
        runs = [run for export in self.exports if export.unpacked for run in export.unpacked.runs.values()]
        for run in runs:
            latest = self._latest.setdefault(_identity(run.info), run)
            if run.info.updated > latest.info.updated:
                self._latest[_identity(run.info)] = run
        for export in self.exports:
            self._read(export)

    def _read(self, source: Source) -> Folders:
        """Reads the run folders of a source, or those that an export became."""
        found = find_folders(source.root)
        warnings = list(found.problems)
        missing = _missing_trials(source, found.sweeps, found.runs, warnings)
        before = len(self.infos)
        again: list[str] = []
        for folder in found.runs:
            identity, key = source.identity(folder), unused(source.key(folder), self.infos)
            if identity in self._keys or self._is_copy(source, folder):
                again.append(source.key(folder))
                continue
            self._keys[identity] = key
            try:
                self._add_run(source, folder, key)
            except RunError as error:
                warnings.append(str(error))
        if again:
            where = "read already" if source.unpacked is None else "read from another place too"
            what = f"{len(again)} runs that were" if len(again) > 1 else "1 run that was"
            who = f"they count once, {again[0]} …" if len(again) > 1 else f"it counts once: {again[0]}"
            warnings.append(f"{source.shown} holds {what} {where}; {who}.")
        elif not found.runs and not found.exports:
            self._nothing.append(source.told(_nothing_found(source.root, missing, warnings)))
        elif found.runs and len(self.infos) == before:
            more = f" ({len(warnings) - 1} more like it)" if len(warnings) > 1 else ""
            self._nothing.append(source.told(f"No run below {source.root} can be read. {warnings[0]}{more}"))
        self.warnings += map(source.told, warnings)
        if again and source.unpacked is not None:  # a copy of a sweep, or of a part of it
            exported = (key for export in self.exports if export.unpacked for key in export.unpacked.runs)
            known = {PurePosixPath(key).name for key in (*self.infos, *self.missing, *exported)}
            missing = [key for key in missing if PurePosixPath(key).name not in known]
        self.missing += missing
        return found

    def check(self) -> None:
        """Checks that there is a run; sources without one are added to the warnings.

        Raises:
            ReportError: If no source has a run that can be read.
        """
        if not self.infos:
            more = f" ({len(self._nothing) - 1} more like it)" if len(self._nothing) > 1 else ""
            raise ReportError(self._nothing[0] + more)
        self.warnings += [text for text in self._nothing if text not in self.warnings]

    def runs(self) -> pd.DataFrame:
        """A row for each run."""
        frame = pd.DataFrame(self._rows, columns=names(RUN_COLUMNS))
        for name in ("started", "updated"):
            frame[name] = pd.to_datetime(frame[name], utc=True, errors="coerce")  # years 1678 to 2261
        return frame

    def evaluations(self) -> pd.DataFrame:
        """A row for each evaluation; what it is made of is given away."""
        counts = [len(part) for part in self._evaluations["iteration"]]
        keys = list(self.infos)
        columns: dict[str, Any] = {"run": run_column(keys, keys, counts)}
        for name in list(self._evaluations):
            values = np.concatenate(self._evaluations.pop(name))
            columns[name] = phase_column(values) if name == "phase" else values
        return pd.DataFrame(columns, copy=False)

    def _is_copy(self, source: Source, folder: Path) -> bool:
        """Whether the run is of an export, and is read from its own folder or another export."""
        export = source.exported(folder)
        if export is None:
            return False
        identity = _identity(export.info)
        return identity in self._known or self._latest[identity] is not export

    def _add_run(self, source: Source, folder: Path, key: str) -> None:
        files = RunFiles(folder)
        changed = changed_files(files, checkpoints=False)
        info = RunInfo.read(files)
        evaluations = read_evaluations(files, info, changed)
        self.infos[key], self.folders[key] = info, folder
        self._known.add(_identity(info))
        marks = frozenset() if (export := source.exported(folder)) is None else export.marks
        for name, values in self._evaluations.items():
            values.append(evaluations.columns[name])
        place = source.place(folder)
        said = filter(None, [damage(changed), *evaluations.damages])
        self.damages += [f"{place}: {source.told(what)}" for what in said]
        if evaluations.shortened or "shortened" in marks:
            self.shortened.add(key)
        if RUN_FILE in changed or "altered" in marks:
            self.altered.add(key)
        progress = {} if METRICS_FILE in changed else _last_metrics(files)
        row = {"run": key, "folder": source.home(folder), **_run_row(files, info)}
        for name in ("env_steps", "gradient_updates"):
            row[name] = max(int(evaluations.columns[name].max(initial=0)), progress.get(name, 0))
        self._rows.append(row)


def run_column(keys: Iterable[str], runs: Iterable[str], counts: Iterable[int]) -> Any:
    """The column ``run`` of a frame that has ``counts`` rows of each of ``runs``, which are among ``keys``."""
    numbers = {key: number for number, key in enumerate(keys)}
    codes = np.repeat(np.array([numbers[run] for run in runs], dtype=np.int64), list(counts))
    return pd.Categorical.from_codes(codes, categories=pd.Index(list(numbers), dtype=object))


def phase_column(numbers: NDArray[Any]) -> Any:
    """The column ``phase`` of numbers in ``PHASES``."""
    return pd.Categorical.from_codes(numbers, categories=pd.Index(PHASES))


def _identity(info: RunInfo) -> tuple[Any, ...]:
    """A key that a run and its copies have in common, and no other run has."""
    return info.name, info.task, info.method, info.preset, info.seed, info.started


def _run_row(files: RunFiles, info: RunInfo) -> dict[str, Any]:
    reference, dataset = info.reference_scores, info.dataset
    steps = setting(files, info, "online_steps") if info.online_steps is None else info.online_steps
    return {
        **{name: getattr(info, name) for name in _INFO_COLUMNS},
        "version": info.versions.get("vitamin", ""),
        "data": (dataset and dataset.label) or "",
        "fingerprint": dataset.fingerprint if dataset else "",
        "reference_min": reference.min if reference else np.nan,
        "reference_max": reference.max if reference else np.nan,
        "online_steps": _number(steps),
    }


def _number(value: Any) -> float:
    """A setting that should be a number; NaN if it is none, or none that a float holds."""
    try:
        number = float(value) if isinstance(value, int | float) else np.nan
    except OverflowError:
        return np.nan
    return number if np.isfinite(number) else np.nan


def _last_metrics(files: RunFiles) -> dict[str, Any]:
    """The last sound line of metrics; empty if there is none, or the file cannot be read."""
    try:
        content = files.find(METRICS_FILE) or b""
    except OSError:
        return {}
    end = content.rfind(b"\n")
    while end > 0:
        start = content.rfind(b"\n", 0, end)
        line = metrics_line(content[start + 1 : end])
        if line is not None:
            return line.record
        end = start
    return {}


def _missing_trials(
    source: Source, sweeps: Iterable[Path], runs: Iterable[Path], warnings: list[str]
) -> list[str]:
    """Keys of the trials without a run; sweeps whose trials are not known are added to the warnings."""
    missing: list[str] = []
    found = {run.resolve() for run in runs} if sweeps else set()
    for sweep in sweeps:
        try:
            planned = [sweep / name for name in read_trials(sweep)]
        except RunError as error:
            warnings.append(str(error))
        else:
            lost = [folder for folder in planned if folder.resolve() not in found]
            missing += sorted(map(source.key, lost))
    return missing


def _nothing_found(directory: Path, missing: list[str], warnings: list[str]) -> str:
    if missing:
        return (
            f"None of the {len(missing)} trials below {directory} has started. `vitamin sweep SPEC --out DIR --resume`"
            " runs them."
        )
    if warnings:
        return f"No run below {directory} can be read. {' '.join(warnings)}"
    if not any(directory.iterdir()):
        return (
            f"{directory} is empty: nothing to report on. Make runs with `vitamin train` or `vitamin sweep`."
        )
    return f"No folder with a {RUN_FILE} at or below {directory}. Give the folder that holds your runs."
