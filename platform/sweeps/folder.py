"""The folder of a sweep: run folders of the trials, and sweep.json."""

import json
import shutil
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vitamin.analysis.lines import metrics_line, whole_lines
from vitamin.analysis.manifest import damage
from vitamin.analysis.schema import METRICS_FILE, RUN_FILE, SCHEMA_VERSION, SWEEP_FILE, RunInfo
from vitamin.analysis.sweep_file import read_trials
from vitamin.errors import RunError, SweepError, VitaminError
from vitamin.files import replacing
from vitamin.former_names import present_settings
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import dataset_path, fingerprint
from vitamin.platform.experiments.checkpoints import changed_at_rest
from vitamin.platform.locked_folder import LockedFolder
from vitamin.platform.paths import check_length
from vitamin.platform.sweeps.plan import Plan, Trial, uses
from vitamin.platform.sweeps.progress import SweepProgress
from vitamin.platform.tasks.presets import TAKEN_FROM_DATA

_STOP_FILE = ".stop"
_TUNE_FOLDER = ".tune"
_DECIDES_RESULT = ("task", "method", "preset", "seed", "reference_scores", "overrides")

_ANEW = "Remove its folder to have it run again."


class SweepFolder:
    """Context manager over a sweep's folder; holds its lock.

    A sweep that ended before its first trial started is no obstacle to another.

    Attributes:
        notices: What the user should know of files that are damaged.

    Raises:
        SweepError: On entry, if the folder cannot be written, is in use, holds something else, or holds a sweep and
            ``resume`` is false or its trials differ from those of the plan.
        DatasetError: On entry, if the data of a trial that was started is not there to be compared.
    """

    def __init__(self, path: Path, plan: Plan, *, resume: bool) -> None:
        self.path = path.absolute()
        self.plan = plan
        self.resume = resume
        self.notices: list[str] = []
        self._locked = LockedFolder(self.path, SweepError, "sweep")

    def __enter__(self) -> Self:
        check_paths(self.plan, self.path)
        self._locked.acquire()
        try:
            self._check_content()
            shutil.rmtree(self.tune_folder, ignore_errors=True)
            self.stop_file.unlink(missing_ok=True)
            self._write()
        except BaseException as error:
            self._locked.give_up()
            if isinstance(error, OSError):
                raise self._locked.unwritable(error) from error
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._locked.release()

    @property
    def stop_file(self) -> Path:
        """While this file exists, trials save their state and end."""
        return self.path / _STOP_FILE

    @property
    def tune_folder(self) -> Path:
        """The folder that Ray Tune writes for itself; nothing reads it."""
        return self.path / _TUNE_FOLDER

    def run_folder(self, trial: Trial) -> Path:
        """The run folder of a trial."""
        return self.path / trial.name

    def progress(self) -> SweepProgress:
        """The state of the trials by their run folders: finished and diverged ones are done, all others wait.

        A trial whose ``run.json`` is damaged has failed. Damaged files of trials that are done are named among the
        ``notices``; the trials still count as done.
        """
        progress = SweepProgress.of(self.plan)
        for state in progress.trials.values():
            folder = self.run_folder(state.trial)
            try:
                info = self.run_info(state.trial)
                records = _last_metrics(folder)
            except RunError as error:
                state.status, state.message = "failed", f"{error} {_ANEW}"
                continue
            if info is None:
                continue
            if info.status in ("finished", "diverged"):
                state.status, state.message = info.status, info.message
                if damaged := damage(changed_at_rest(folder)):
                    self.notices.append(f"{state.trial.name} is {info.status}, but {damaged} {_ANEW}")
            for record in records:
                state.take(record)
        return progress

    def run_info(self, trial: Trial) -> RunInfo | None:
        """``run.json`` of a trial; None if it has not been started.

        Raises:
            RunError: If the file is damaged.
        """
        folder = self.run_folder(trial)
        return RunInfo.read(folder) if (folder / RUN_FILE).exists() else None

    def _check_content(self) -> None:
        file = self.path / SWEEP_FILE
        others = [path.name for path in self.path.iterdir() if path != file and not _left_by_no_trial(path)]
        if not file.exists():
            if others:
                self._go_on_without_record(
                    "gone", f"{self.path} is not empty and holds no sweep ({others[0]} …)."
                )
            return
        try:
            recorded = _read_record(self.path)
        except RunError as error:
            self._go_on_without_record("damaged", str(error))
            return
        self.plan = _as_recorded(self.plan, recorded)
        planned = {trial.name: _entry(trial) for trial in self.plan.trials}
        different = {
            name: self._differences(_with_what_is_used(entry), _with_what_is_used(planned[name]))
            for name, entry in recorded.items()
            if name in planned
        }
        if not others:
            return
        if not self.resume:
            raise SweepError(
                f"{self.path} already holds a sweep. Continue it with --resume, or choose another --out."
            )
        self._check_data()
        for name in recorded:
            if name not in planned:
                raise SweepError(
                    f"{self.path} holds another sweep: {name} is not a trial of this specification. "
                    "A sweep that is resumed may have more trials than before, not others."
                )
            if different[name]:
                raise SweepError(
                    f"{self.path} holds another sweep: the {' and '.join(different[name])} of {name} changed. "
                    "Resume it with its own specification, or choose another --out."
                )

    def _go_on_without_record(self, state: str, problem: str) -> None:
        """Without a sound ``sweep.json`` the run folders alone tell what was asked for; `train` compares each.

        Args:
            state: What the file is.
            problem: A sentence on it, for a sweep that cannot go on.
        """
        started = [trial.name for trial in self.plan.trials if (self.run_folder(trial) / RUN_FILE).exists()]
        if not self.resume or not started:
            continued = ", or --resume the sweep that is there" if started else ""
            raise SweepError(f"{problem} Choose another --out{continued}.")
        self._check_data()
        self.notices.append(
            f"{self.path / SWEEP_FILE} was {state} and is written anew; {len(started)} of {len(self.plan.trials)} "
            "trials were started."
        )

    def _differences(self, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
        """Differences that change a recorded trial's result; of one not started, what its data decide is left out."""
        if not (self.path / new["name"] / RUN_FILE).exists():
            old, new = (
                entry
                | {
                    "overrides": {
                        name: value
                        for name, value in entry["overrides"].items()
                        if name not in TAKEN_FROM_DATA
                    }
                }
                for entry in (old, new)
            )
        return [key for key in _DECIDES_RESULT if old.get(key) != new[key]]

    def _check_data(self) -> None:
        for trial in self.plan.trials:
            try:
                info = self.run_info(trial)
            except RunError:  # `progress` says so
                continue
            if info is None or info.dataset is None:
                continue
            data = dataset_path(get_task(trial.experiment.task), trial.experiment.data)
            if fingerprint(data) != info.dataset.fingerprint:
                raise SweepError(
                    f"{self.path} holds a sweep on other data: {trial.name} was started on {info.dataset.path}; "
                    f"{data} differs. Resume it with that file, or choose another --out."
                )

    def _write(self) -> None:
        content = {
            "schema_version": SCHEMA_VERSION,
            "spec": self.plan.spec.model_dump(mode="json"),
            "trials": [_entry(trial) for trial in self.plan.trials],
        }
        with replacing(self.path / SWEEP_FILE) as new:
            new.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def check_paths(plan: Plan, folder: Path) -> None:
    """Checks that the files of all trials below the sweep's folder have paths that are possible.

    Raises:
        SweepError: If they are too long.
    """
    check_length(folder, SweepError, max((trial.name for trial in plan.trials), key=len))


def _read_record(folder: Path) -> dict[str, dict[str, Any]]:
    """The entries in ``sweep.json`` by the names of their trials; those can be compared with a plan's.

    Raises:
        RunError: If the file cannot be read, or an entry is none of a trial.
    """
    recorded = read_trials(folder)
    for name, entry in recorded.items():
        try:
            _content(entry)
        except (VitaminError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise RunError(
                f"{folder / SWEEP_FILE} is damaged: what it holds of {name} is no trial's settings."
            ) from error
    return recorded


def _as_recorded(plan: Plan, recorded: dict[str, dict[str, Any]]) -> Plan:
    """The plan with the names that its trials have in the folder.

    Another version, or fewer values of an axis, named them otherwise when they were started.
    """
    names = {_content(entry): name for name, entry in recorded.items()}
    planned = {trial.name for trial in plan.trials}

    def renamed(trial: Trial) -> Trial:
        name = names.get(_content(_entry(trial)), trial.name)
        return trial if name in planned else replace(trial, name=name)

    return replace(plan, trials=tuple(renamed(trial) for trial in plan.trials))


def _content(entry: dict[str, Any]) -> str:
    """The content that decides the result of a trial, as text."""
    used = _with_what_is_used(entry)
    return json.dumps([used.get(key) for key in _DECIDES_RESULT], sort_keys=True)


def _with_what_is_used(entry: dict[str, Any]) -> dict[str, Any]:
    """A trial's entry with the overrides that its method uses, by present names: other versions wrote others."""
    method = entry["method"]
    overrides = present_settings(entry.get("overrides", {}))
    used = {name: value for name, value in overrides.items() if uses(method, name)}
    return entry | {"overrides": used}


def _last_metrics(folder: Path) -> list[dict[str, Any]]:
    """The last sound line of metrics with an evaluation, and the last one; fewer if there are none."""
    lines = filter(None, map(metrics_line, reversed(whole_lines(folder / METRICS_FILE))))
    last = next(lines, None)
    if last is None:
        return []
    evaluated = next((line for line in chain([last], lines) if line.evaluated), last)
    return [evaluated.record, last.record]


def _left_by_no_trial(path: Path) -> bool:
    """Whether it is hidden, or the folder of a trial that ended before it wrote anything."""
    if path.name.startswith("."):
        return True
    return path.is_dir() and all(inner.name.startswith(".") for inner in path.iterdir())


def _entry(trial: Trial) -> dict[str, Any]:
    return {"name": trial.name, **trial.experiment.model_dump(mode="json")}
