"""The run folder: created once, locked while a run writes to it, refused to any other run."""

import socket
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml
from filelock import FileLock, Timeout

from vitamin.analysis import schema
from vitamin.analysis.schema import RunInfo, Status
from vitamin.errors import RunError, SettingsError, VitaminError
from vitamin.platform.experiments.comparison import change_of_learners, differences
from vitamin.platform.experiments.files import make_folders, remove_empty, temporary_name, write_text
from vitamin.platform.experiments.records import Records
from vitamin.platform.experiments.spec import ExperimentSpec, read_config
from vitamin.platform.experiments.versions import commit, versions
from vitamin.platform.paths import check_length
from vitamin.platform.stopping import cleaned_up
from vitamin.platform.tasks import Task

_LOCK_FILE = ".lock"


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def holds_run(path: Path) -> bool:
    """Whether a run was started in the folder."""
    return (path / schema.RUN_FILE).exists()


def finished_run(path: Path, spec: ExperimentSpec, data: Path, fingerprint: str) -> RunInfo | None:
    """The run in the folder, if it is finished and ``spec`` asks for no more online steps than it has made.

    Raises:
        RunError: If the folder holds another run, or one on other data, or files that cannot be read.
    """
    if not holds_run(path):
        return None
    before = _started_as(path, spec).hyperparameters().online_steps
    _check_data(path, data, fingerprint)
    info = RunInfo.read(path)
    return info if info.status == "finished" and spec.hyperparameters().online_steps <= before else None


def _check_data(path: Path, data: Path, fingerprint: str) -> None:
    before = RunInfo.read(path).dataset if holds_run(path) else None
    if before is not None and before.fingerprint != fingerprint:
        raise RunError(
            f"{path} was started on other data ({before.path}); {data} differs. "
            "Resume with --data and the original file."
        )


def _started_as(path: Path, spec: ExperimentSpec) -> ExperimentSpec:
    """What the run in the folder was asked for.

    Raises:
        RunError: If that and ``spec`` lead to different results, or it cannot be read.
    """
    try:
        started = read_config(path / schema.CONFIG_FILE)
    except SettingsError as error:
        raise RunError(f"The run in {path} cannot be continued. {error}") from error
    if changes := differences(started, spec):
        raise RunError(
            f"{path} holds another run ({'; '.join(changes)}). Resume it with its own settings; "
            "only the number of processes, the checkpoint interval and online_steps may change."
        )
    return started


class RunFolder:
    """Context manager over a run folder; holds its lock.

    Attributes:
        notice: What the user should know of a run that is resumed, and readers of its results too.

    Raises:
        RunError: On entry, if the folder cannot be written, is in use, or holds another run.
    """

    def __init__(self, path: Path, spec: ExperimentSpec, *, resume: bool) -> None:
        self.path = path
        self.spec = spec
        self.resume = resume
        self.notice: str | None = None
        self._lock = FileLock(path / _LOCK_FILE)
        self._made: list[Path] = []
        self._clean_up = ExitStack()
        self._records: Records | None = None

    def __enter__(self) -> Self:
        check_length(self.path, RunError)
        lock_was_there = (self.path / _LOCK_FILE).exists()
        try:
            self._made = make_folders(self.path)
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise RunError(f"{self.path} is being written by another process.") from error
        except (OSError, NotImplementedError) as error:
            raise RunError(
                f"Cannot write to {self.path}: {getattr(error, 'strerror', None) or error}. Choose another --out."
            ) from error
        try:
            self._check_content()
        except BaseException:
            if not lock_was_there:
                (self.path / _LOCK_FILE).unlink(missing_ok=True)
            self._leave_nothing()
            self._lock.release()
            raise
        self._clean_up.enter_context(cleaned_up(self._leave_nothing))
        return self

    def _leave_nothing(self) -> None:
        """Removes the folders made here if the start has failed."""
        if self._made and not holds_run(self.path):
            (self.path / _LOCK_FILE).unlink(missing_ok=True)
            remove_empty(self._made)

    def _check_content(self) -> None:
        if not holds_run(self.path):
            strangers = sorted(path.name for path in self.path.iterdir() if not self._left_by_a_start(path))
            if strangers:
                raise RunError(
                    f"{self.path} is not empty and holds no run ({strangers[0]} …). Choose another --out."
                )
        elif self.resume:
            self.notice = change_of_learners(_started_as(self.path, self.spec), self.spec)
        else:
            self._refuse()

    def _refuse(self) -> None:
        """Says how the run that is in the folder differs from the one that was to start there."""
        try:
            changes = differences(read_config(self.path / schema.CONFIG_FILE), self.spec)
        except VitaminError:
            changes = []
        if changes:
            raise RunError(
                f"{self.path} already holds another run ({'; '.join(changes)}). Choose another --out."
            )
        raise RunError(
            f"{self.path} already holds a run. Continue it with --resume, or choose another --out."
        )

    def _left_by_a_start(self, path: Path) -> bool:
        """Whether this very run may have written the file, had it been killed before its ``run.json`` was there."""
        if path.name == schema.CONFIG_FILE:
            return path.is_file() and path.read_bytes() == self._config().encode()
        return path.name in {
            _LOCK_FILE,
            temporary_name(schema.CONFIG_FILE),
            temporary_name(schema.RUN_FILE),
        }

    def _config(self) -> str:
        text: str = yaml.safe_dump(self.spec.resolved(), sort_keys=False)
        return text

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._records is not None:
            self._records.close()
        self._clean_up.close()
        self._lock.release()

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / schema.CHECKPOINTS_FOLDER

    def check_data(self, data: Path, fingerprint: str) -> None:
        """Compares the data with those that the run in the folder was started on.

        Raises:
            RunError: If they differ.
        """
        _check_data(self.path, data, fingerprint)

    def start(self, task: Task, dataset: schema.DatasetInfo, reference: tuple[float, float] | None) -> None:
        """Writes ``config.yaml`` and ``run.json``, keeping start and elapsed time of a run that is resumed.

        Raises:
            RunError: If they cannot be written.
        """
        before = RunInfo.read(self.path) if holds_run(self.path) else None
        now = _now()
        self.info = RunInfo(
            name=self.path.name,
            task=task.name,
            method=self.spec.method,
            preset=self.spec.preset,
            seed=self.spec.seed,
            overrides=self.spec.model_dump(mode="json")["overrides"],
            status="running",
            notes=[*(before.notes if before else ()), *([self.notice] if self.notice else ())],
            versions=versions(),
            commit=commit(),
            host=socket.gethostname(),
            dataset=dataset,
            reference_scores=reference and schema.ReferenceScores(min=reference[0], max=reference[1]),
            started=before.started if before else now,
            updated=now,
            wall_time_s=before.wall_time_s if before else 0.0,
        )
        write_text(self.path / schema.CONFIG_FILE, self._config())
        self.info.write(self.path)

    def set_status(self, status: Status, message: str | None, wall_time_s: float) -> None:
        """Updates ``run.json``."""
        self.info = self.info.model_copy(
            update={"status": status, "message": message, "updated": _now(), "wall_time_s": wall_time_s}
        )
        self.info.write(self.path)

    def open_at(self, iteration: int) -> Records:
        """Cuts metrics and evaluations back to those of iterations up to ``iteration`` and opens them to append.

        Raises:
            RunError: If the files cannot be read or written.
        """
        self._records = Records(self.path, iteration)
        return self._records
