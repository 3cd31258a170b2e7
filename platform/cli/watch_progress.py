"""How far the runs below a folder are, as a section of a page."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.analysis.folders import find_folders
from vitamin.analysis.lines import MetricsLine, metrics_line
from vitamin.analysis.report.blocks import Bullets, Section, TableBlock, Text
from vitamin.analysis.schema import CONFIG_FILE, METRICS_FILE, PRETRAIN, RUN_FILE, RunInfo
from vitamin.analysis.sweep_file import read_trials
from vitamin.analysis.table import NOTHING, Cell, Table
from vitamin.errors import VitaminError
from vitamin.platform.cli.pace import Pace, format_seconds
from vitamin.platform.experiments.spec import read_config

_TAIL: Final = 256 * 1024
"""Bytes at the end of metrics.jsonl, which hold more lines than a pace looks back on."""
_STATUSES: Final = ("running", "waiting", "failed", "diverged", "stopped", "finished")
_HEADER: Final = ("run", "task", "method", "seed", "status", "position", "done", "last evaluation", "time left",
                  "last line", "message")  # fmt: skip
_NAMED: Final = 20


@dataclass(frozen=True)
class RunProgress:
    """A run that has not finished.

    Attributes:
        key: Path of its folder, relative to the results.
        info: Its ``run.json``.
        last: The last line of its metrics, None before the first.
        settings: Its hyperparameters, None if they cannot be read.
        written: When that line was written, None before the first.
        seconds_left: Estimate for the rest, None if it cannot be told.
    """

    key: str
    info: RunInfo
    last: MetricsLine | None
    settings: Hyperparameters | None
    written: datetime | None
    seconds_left: float | None

    @property
    def position(self) -> str:
        """How far it is in its phase: "1,200 of 5,000 updates"; empty before it starts."""
        if self.last is None:
            return ""
        done, of = self._done
        unit = "updates" if self.last.record["phase"] == PRETRAIN else "steps"
        return f"{done:,}{f' of {of:,}' if of else ''} {unit}"

    @property
    def share(self) -> float | None:
        """The part of its phase that is done, in percent."""
        done, of = self._done
        return 100 * done / of if of else None

    @property
    def _done(self) -> tuple[int, int]:
        if self.last is None:
            return 0, 0
        updates, steps = (
            (self.settings.pretrain_updates, self.settings.online_steps) if self.settings else (0, 0)
        )
        record = self.last.record
        if record["phase"] == PRETRAIN:
            return int(record["gradient_updates"]), updates
        return int(record["env_steps"]), steps


def progress_section(directory: Path) -> Section | None:
    """How far the runs at or below a folder are, those first that are not finished; None if there are none."""
    found = find_folders(directory)
    infos: dict[Path, RunInfo] = {}
    problems = list(found.problems)
    for folder in found.runs:
        try:
            infos[folder] = RunInfo.read(folder)
        except VitaminError as error:
            problems.append(str(error))
    waiting = [name for sweep in found.sweeps for name in _waiting(sweep, problems)]
    if not infos and not waiting and not problems:
        return None
    open_runs = [
        _progress(folder, info, directory) for folder, info in infos.items() if info.status != "finished"
    ]
    open_runs.sort(key=lambda run: (_STATUSES.index(run.info.status), run.key))
    table = TableBlock("progress", "Runs that are not finished", _table(open_runs), _CAPTION)
    texts = Text(_summary(infos.values(), open_runs, waiting))
    some = ", ".join(waiting[:_NAMED]) + (" and so on" if waiting[_NAMED:] else "")
    lines = (*([f"Waiting: {some}."] if waiting else []), *problems)
    return Section(
        "progress",
        "Progress",
        (texts, *([Bullets(lines)] if lines else []), *([table] if open_runs else [])),
    )


_CAPTION: Final = (
    "Done is the share of the phase: updates of pretraining, or environment steps online. Time left is estimated from "
    "the last iterations. Times are UTC. A run that is shown as running but writes no more lines was killed: "
    "`vitamin train --resume` continues it."
)


def _summary(infos: Iterable[RunInfo], runs: list[RunProgress], waiting: list[str]) -> str:
    counts = Counter[str](info.status for info in infos)
    counts["waiting"] = len(waiting)
    total = counts.total()
    words = ", ".join(f"{counts[status]} {status}" for status in _STATUSES if counts[status])
    left = _seconds_left(infos, runs, waiting)
    time_left = f" About {format_seconds(left)} left." if left is not None else ""
    return f"{total} run{'' if total == 1 else 's'}: {words}.{time_left}"


def _seconds_left(infos: Iterable[RunInfo], runs: list[RunProgress], waiting: list[str]) -> float | None:
    """Until the last run ends: those that wait take as long as those that finished, as many at once as run now."""
    running = [run.seconds_left for run in runs if run.info.status == "running"]
    known = [seconds for seconds in running if seconds is not None]
    if not running or len(known) < len(running):
        return None
    finished = [info.wall_time_s for info in infos if info.status == "finished"]
    whole = [run.info.wall_time_s + (run.seconds_left or 0) for run in runs if run.info.status == "running"]
    lengths = finished or whole
    rest = len(waiting) * sum(lengths) / len(lengths)
    return max((sum(known) + rest) / len(known), *known)


def _waiting(sweep: Path, problems: list[str]) -> list[str]:
    """Trials of a sweep that have no run yet."""
    try:
        return [name for name in read_trials(sweep) if not (sweep / name / RUN_FILE).exists()]
    except VitaminError as error:
        problems.append(str(error))
        return []


def _progress(folder: Path, info: RunInfo, directory: Path) -> RunProgress:
    lines, written = _last_lines(folder / METRICS_FILE)
    settings = _settings(folder / CONFIG_FILE)
    left = None
    if settings is not None and info.status == "running" and lines:
        pace = Pace()
        try:
            for line in lines:
                pace.update(line.record, settings)
            left = pace.seconds_left
        except (KeyError, TypeError, ValueError, ZeroDivisionError):  # of another version
            left = None
    key = folder.relative_to(directory).as_posix()
    return RunProgress(
        folder.name if key == "." else key, info, lines[-1] if lines else None, settings, written, left
    )


def _last_lines(file: Path) -> tuple[list[MetricsLine], datetime | None]:
    """The sound lines at the end of the file, and when it was last written to."""
    try:
        with file.open("rb") as stream:
            status = os.fstat(stream.fileno())
            stream.seek(max(0, status.st_size - _TAIL))
            content = stream.read()
    except OSError:
        return [], None
    lines = content.split(b"\n")[(1 if status.st_size > _TAIL else 0) : -1]
    sound = [line for line in map(metrics_line, lines) if line is not None]
    return sound, datetime.fromtimestamp(status.st_mtime, UTC)


def _settings(file: Path) -> Hyperparameters | None:
    try:
        return _read_settings(file, file.stat().st_mtime_ns)
    except (OSError, VitaminError):
        return None


@lru_cache(maxsize=4096)
def _read_settings(file: Path, changed: int) -> Hyperparameters:  # noqa: ARG001 (read anew if it changed)
    return read_config(file).hyperparameters()


def _table(runs: list[RunProgress]) -> Table:
    return Table(_HEADER, tuple(_row(run) for run in runs))


def _row(run: RunProgress) -> tuple[Cell, ...]:
    info, left = run.info, run.seconds_left
    return (
        Cell(run.key),
        Cell(info.task),
        Cell(info.method),
        Cell(str(info.seed), value=info.seed),
        Cell(info.status, bold=info.status == "failed"),
        Cell(run.position),
        Cell(NOTHING if run.share is None else f"{run.share:.0f} %", value=run.share),
        _evaluation(run.last),
        Cell(NOTHING if left is None else format_seconds(left), value=left),
        Cell(NOTHING if run.written is None else f"{run.written:%Y-%m-%d %H:%M:%S}"),
        Cell(info.message or ""),
    )


def _evaluation(line: MetricsLine | None) -> Cell:
    record = {} if line is None else line.record
    for key, name in (("evaluation/normalized_score", "score"), ("evaluation/return_mean", "return")):
        value = record.get(key)
        if value is not None:
            return Cell(f"{name} {value:.1f}", value=value)
    return Cell(NOTHING)
