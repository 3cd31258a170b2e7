"""The run folder: created once, locked while a run writes to it, refused to any other run."""

import socket
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml
from filelock import FileLock, Timeout

from vitamin import __version__
from vitamin.analysis import schema
from vitamin.analysis.schema import RunInfo, Status
from vitamin.errors import RunError, SettingsError
from vitamin.platform.experiments.files import temporary_name, write_text
from vitamin.platform.experiments.records import Records
from vitamin.platform.experiments.spec import ExperimentSpec, read_config
from vitamin.platform.tasks import Task

_LOCK_FILE = ".lock"
# Of no influence on the result, or looked at elsewhere: the data's digest decides, and the resolved hyperparameters.
_FREE_TO_DIFFER = frozenset(
    {
        "num_env_runners",
        "num_learners",
        "num_gpus_per_learner",
        "checkpoint_interval",
        "data",
        "preset",
        "hyperparameters",
    }
)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _commit() -> str | None:
    root = Path(__file__).resolve().parents[2]
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def versions() -> dict[str, str]:
    """Versions of everything that can change a result."""
    packages = ("torch", "ray", "numpy", "gymnasium", "mujoco")
    python = ".".join(str(part) for part in sys.version_info[:3])
    return {"vitamin": __version__, "python": python} | {name: version(name) for name in packages}


def holds_run(path: Path) -> bool:
    """Whether a run was started in the folder."""
    return (path / schema.RUN_FILE).exists()


def finished_run(path: Path, spec: ExperimentSpec) -> RunInfo | None:
    """The run in the folder, if it is finished and ``spec`` asks for no more online steps than it has made.

    Raises:
        RunError: If the folder holds another run, or files that cannot be read.
    """
    if not holds_run(path):
        return None
    before = _started_as(path, spec).hyperparameters().online_steps
    info = RunInfo.read(path)
    return info if info.status == "finished" and spec.hyperparameters().online_steps <= before else None


def _started_as(path: Path, spec: ExperimentSpec) -> ExperimentSpec:
    """What the run in the folder was asked for.

    Raises:
        RunError: If that and ``spec`` lead to different results, or it cannot be read.
    """
    try:
        started = read_config(path / schema.CONFIG_FILE)
    except SettingsError as error:
        raise RunError(f"The run in {path} cannot be continued. {error}") from error
    old, new = started.resolved(), spec.resolved()
    different = [name for name in new if name not in _FREE_TO_DIFFER and old[name] != new[name]]
    changes = [f"{name}: {old[name]!r} → {new[name]!r}" for name in different]
    settings = old["hyperparameters"]
    changes += [
        f"{name}: {settings[name]!r} → {value!r}"
        for name, value in new["hyperparameters"].items()
        if name != "online_steps" and settings[name] != value
    ]
    if changes:
        raise RunError(
            f"{path} holds another run ({'; '.join(changes)}). Resume it with its own settings; "
            "only the number of processes, the checkpoint interval and online_steps may change."
        )
    return started


class RunFolder:
    """Context manager over a run folder; holds its lock.

    Raises:
        RunError: On entry, if the folder cannot be written, is in use, or holds another run.
    """

    def __init__(self, path: Path, spec: ExperimentSpec, *, resume: bool) -> None:
        self.path = path
        self.spec = spec
        self.resume = resume
        self._lock = FileLock(path / _LOCK_FILE)
        self._records: Records | None = None

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
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
            self._lock.release()
            raise
        return self

    def _check_content(self) -> None:
        if not holds_run(self.path):
            strangers = sorted(path.name for path in self.path.iterdir() if not self._left_by_a_start(path))
            if strangers:
                raise RunError(
                    f"{self.path} is not empty and holds no run ({strangers[0]} …). Choose another --out."
                )
        elif self.resume:
            _started_as(self.path, self.spec)
        else:
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
        before = RunInfo.read(self.path).dataset if holds_run(self.path) else None
        if before is not None and before.fingerprint != fingerprint:
            raise RunError(
                f"{self.path} was started on other data ({before.path}); {data} differs. "
                "Resume with --data and the original file."
            )

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
            versions=versions(),
            commit=_commit(),
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
