"""From folders of runs to tidy frames: a row for each run, a row for each evaluation."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from vitamin.analysis.columns import EPISODE_COLUMNS, METRIC_COLUMNS, TIMING_COLUMNS, names
from vitamin.analysis.evaluations import read_evaluations
from vitamin.analysis.folders import find_folders
from vitamin.analysis.lines import read_metrics
from vitamin.analysis.loading import Loading, phase_column, run_column
from vitamin.analysis.manifest import changed_files
from vitamin.analysis.run_files import RunFiles
from vitamin.analysis.run_settings import read_settings
from vitamin.analysis.schema import EVALUATION_HEADER, RunInfo
from vitamin.analysis.sources import Source, open_sources, spelled
from vitamin.analysis.timing import PARTS, run_time
from vitamin.errors import ReportError, nearest


@dataclass(frozen=True)
class Results:
    """Everything read below one or several folders.

    A run's key is the path of its folder, relative to the folder that it was looked for in; of several, the name of
    that folder comes first. The columns of all frames are described in ``docs/results-schema.md``.

    Attributes:
        sources: Where runs were looked for, as it was given.
        directory: The first of these; of a URI or an export, the copy of its files on this machine.
        infos: The ``run.json`` of each run, by key: by source, exports last, then in the order of the keys.
        runs: One row for each run, in this order.
        evaluations: One row for each evaluation, the mean over its episodes: by run, in this order, then iteration.
        warnings: One line for each run folder, list of a sweep's trials, or folder that was skipped because it is
            damaged, cannot be read, or was read already.
        damages: One line for each file of the others that is damaged; what is sound of it is there.
        missing: Keys that the trials of sweeps would have that left no ``run.json``: they wait, could not start, or
            their folders were removed.
        shortened: Keys of runs whose last evaluation may be among what is damaged.
        altered: Keys of runs whose ``run.json`` changed since the run wrote it: what they ran is not sure.
    """

    sources: tuple[str, ...]
    directory: Path
    infos: Mapping[str, RunInfo]
    runs: pd.DataFrame
    evaluations: pd.DataFrame
    warnings: tuple[str, ...] = ()
    damages: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    shortened: frozenset[str] = frozenset()
    altered: frozenset[str] = frozenset()
    _folders: Mapping[str, Path] = field(default_factory=dict, repr=False)
    _opened: tuple[Source, ...] = field(default=(), repr=False)  # keeps copies of stores, and exports
    _settings: dict[str, Mapping[str, Any] | None] = field(default_factory=dict, repr=False)

    def settings(self, run: str) -> Mapping[str, Any] | None:
        """Every setting of a run, from its ``config.yaml``: what it was asked for, and its hyperparameters.

        Returns:
            None if the file is not there or damaged.

        Raises:
            ReportError: If there is no such run.
        """
        if run not in self._settings:
            content = read_settings(self._files(run))
            self._settings[run] = None if content is None else MappingProxyType(content)
        return self._settings[run]

    def metrics(self, runs: Iterable[str] | None = None) -> pd.DataFrame:
        """One row for each line of ``metrics.jsonl``, with a column for each of its keys.

        Lines that are damaged are logged and left out.

        Args:
            runs: Keys of runs; by default all.

        Raises:
            ReportError: If there is no such run.
            RunError: If a file cannot be read.
        """
        chosen = self._chosen(runs)
        records: list[dict[str, Any]] = []
        counts = []
        for run in chosen:
            metrics = read_metrics(self._files(run))
            if metrics.damage:
                logging.getLogger("vitamin").warning("%s: %s", run, metrics.damage)
            records += [line.record for line in metrics.sound]
            counts.append(len(metrics.sound))
        frame = pd.DataFrame.from_records(records)
        known = names(METRIC_COLUMNS)[1:]
        later = [name for name in frame if name not in (*known, "run")]
        frame = frame.reindex(columns=[*known, *later])
        frame = frame.astype(
            {column.name: column.dtype for column in METRIC_COLUMNS[1:] if column.dtype == "float64"}
        )
        frame.insert(0, "run", run_column(self.infos, chosen, counts))
        return frame

    def episodes(self, runs: Iterable[str] | None = None) -> pd.DataFrame:
        """One row for each episode of the evaluations: the columns of ``evaluations.csv``.

        Args:
            runs: Keys of runs; by default all.

        Raises:
            ReportError: If there is no such run.
            RunError: If a file cannot be read.
        """
        chosen = self._chosen(runs)
        parts = []
        for run in chosen:
            files = self._files(run)
            changed = changed_files(files, checkpoints=False)
            parts.append(read_evaluations(files, self.infos[run], changed).rows)
        columns: dict[str, Any] = {
            "run": run_column(self.infos, chosen, (len(part["episode"]) for part in parts))
        }
        for column in EPISODE_COLUMNS[1:]:
            dtype = "int8" if column.name == "phase" else column.dtype
            values = np.concatenate([np.zeros(0, dtype), *(part[column.name] for part in parts)])
            columns[column.name] = phase_column(values) if column.name == "phase" else values
        assert list(columns) == ["run", *EVALUATION_HEADER]
        return pd.DataFrame(columns)

    def timing(self) -> pd.DataFrame:
        """One row for each run, as in ``runs``: where its time went, and how fast it was."""
        rows = []
        for run in self.infos:
            time = run_time(self._files(run), self.infos[run])
            rows.append([run, *(getattr(time, part, np.nan) for part in PARTS)])
        frame = pd.DataFrame(rows, columns=["run", *PARTS]).astype(dict.fromkeys(PARTS, "float64"))
        frame["wall_time_s"] = self.runs["wall_time_s"]
        frame["other_s"] = (frame["wall_time_s"] - frame[list(PARTS)].sum(axis=1, skipna=False)).clip(lower=0)
        for name, done, part in (
            ("updates_per_s", "gradient_updates", "update_s"),
            ("env_steps_per_s", "env_steps", "sample_s"),
        ):
            frame[name] = self.runs[done] / frame[part].where(frame[part] > 0)
        return frame[names(TIMING_COLUMNS)]

    def _chosen(self, runs: Iterable[str] | None) -> list[str]:
        return list(self.infos) if runs is None else list(runs)

    def _files(self, run: str) -> RunFiles:
        if run not in self._folders:
            raise ReportError(f"There is no run {run!r} among the results.{nearest(run, self._folders)}")
        return RunFiles(self._folders[run])


def find_runs(directory: Path) -> list[Path]:
    """The run folders at or below ``directory``, sorted; what lies inside a run folder is not searched."""
    return list(find_folders(directory).runs)


def load_results(*sources: str | Path) -> Results:
    """Reads every run folder at or below the sources, whatever its status; skips and names damaged ones.

    Of files that are damaged in part, or changed since the run wrote them, what is sound is read, and the rest named.
    Folders may be written to meanwhile. ``vitamin.load_results("results").evaluations`` is a data frame; the columns of
    all frames are described in ``docs/results-schema.md``.

    Args:
        sources: Folders of runs, files that ``vitamin export`` wrote (``NAME-runs.csv``) or folders of such, or URIs of
            stores, such as ``s3://bucket/results``: those that PyArrow knows, and those for which a package for fsspec
            is installed. A run that is found below several of them counts once: its folder, else its latest export.

    Raises:
        ReportError: If a source is missing or cannot be read, or none holds a run folder that can be read.
    """
    opened = open_sources(sources)
    loading = Loading()
    for source in opened:
        loading.add(source)
    loading.add_exports()
    loading.check()
    return Results(
        sources=tuple(spelled(source.shown) for source in opened),
        directory=opened[0].root,
        infos=MappingProxyType(loading.infos),
        runs=loading.runs(),
        evaluations=loading.evaluations(),
        warnings=tuple(loading.warnings),
        damages=tuple(loading.damages),
        missing=tuple(loading.missing),
        shortened=frozenset(loading.shortened),
        altered=frozenset(loading.altered),
        _folders=loading.folders,
        _opened=(*opened, *loading.exports),
    )
