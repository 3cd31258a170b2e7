"""The run folder: created once, locked while a run writes to it, cut back to the checkpoint on resume."""

import csv
import json
import socket
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import yaml
from filelock import FileLock, Timeout
from tensorboardX import SummaryWriter

from vitamin import __version__
from vitamin.algorithms.rllib.algorithm import Evaluation
from vitamin.analysis import schema
from vitamin.analysis.schema import RunInfo, Status
from vitamin.errors import RunError
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.tasks import Task

_LOCK_FILE = ".lock"
_FREE_TO_DIFFER = frozenset(
    {
        "num_env_runners",
        "num_learners",
        "num_gpus_per_learner",
        "checkpoint_interval",
        "overrides",
        "data",
        "preset",
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
        self._metrics: TextIO | None = None
        self._evaluations: TextIO | None = None
        self._tensorboard: SummaryWriter | None = None

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise RunError(f"{self.path} is being written by another process.") from error
        except OSError as error:
            raise RunError(
                f"Cannot write to {self.path}: {error.strerror or error}. Choose another --out."
            ) from error
        try:
            self._check_content()
        except BaseException:
            self._lock.release()
            raise
        return self

    def _check_content(self) -> None:
        holds_run = (self.path / schema.RUN_FILE).exists()
        if holds_run and not self.resume:
            raise RunError(
                f"{self.path} already holds a run. Continue it with --resume, or choose another --out."
            )
        if not holds_run:
            others = [path.name for path in self.path.iterdir() if path.name != _LOCK_FILE]
            if others:
                raise RunError(
                    f"{self.path} is not empty and holds no run ({others[0]} …). Choose another --out."
                )
            return
        old = yaml.safe_load((self.path / schema.CONFIG_FILE).read_text())
        new = self.spec.resolved()
        different = [
            f"{name}: {old.get(name)!r} → {new[name]!r}"
            for name in new
            if name not in _FREE_TO_DIFFER | {"hyperparameters"} and old.get(name) != new[name]
        ]
        different += [
            f"{name}: {old['hyperparameters'].get(name)!r} → {value!r}"
            for name, value in new["hyperparameters"].items()
            if name != "online_steps" and old["hyperparameters"].get(name) != value
        ]
        if different:
            raise RunError(
                f"{self.path} holds another run ({'; '.join(different)}). Resume it with its own settings; "
                "only the number of processes, the checkpoint interval and online_steps may change."
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in (self._metrics, self._evaluations, self._tensorboard):
            if stream is not None:
                stream.close()
        self._lock.release()

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / schema.CHECKPOINTS_FOLDER

    def start(self, task: Task, dataset: schema.DatasetInfo, reference: tuple[float, float] | None) -> None:
        """Writes ``run.json`` and ``config.yaml``, keeping start and elapsed time of a run that is resumed."""
        before = RunInfo.read(self.path) if (self.path / schema.RUN_FILE).exists() else None
        if before and before.dataset and before.dataset.fingerprint != dataset.fingerprint:
            raise RunError(
                f"{self.path} was started on other data ({before.dataset.path}); {dataset.path} differs. "
                "Resume with --data and the original file."
            )
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
        self.info.write(self.path)
        text = yaml.safe_dump(self.spec.resolved(), sort_keys=False)
        _write_text(self.path / schema.CONFIG_FILE, text)

    def set_status(self, status: Status, message: str | None, wall_time_s: float) -> None:
        """Updates ``run.json``."""
        self.info = self.info.model_copy(
            update={"status": status, "message": message, "updated": _now(), "wall_time_s": wall_time_s}
        )
        self.info.write(self.path)

    def open_at(self, iteration: int) -> None:
        """Cuts metrics and evaluations back to those of iterations up to ``iteration`` and opens them to append."""
        metrics, evaluations = self.path / schema.METRICS_FILE, self.path / schema.EVALUATIONS_FILE
        lines = [
            line
            for line in _complete_lines(metrics)
            if (number := _metric_iteration(line)) is not None and number <= iteration
        ]
        _write_text(metrics, "".join(lines))
        column = schema.EVALUATION_HEADER.index("iteration")
        rows = [
            line for line in _complete_lines(evaluations)[1:] if int(line.split(",")[column]) <= iteration
        ]
        _write_text(evaluations, ",".join(schema.EVALUATION_HEADER) + "\n" + "".join(rows))
        try:
            self._metrics = metrics.open("a")
            self._evaluations = evaluations.open("a", newline="")
            self._tensorboard = SummaryWriter(
                str(self.path / schema.TENSORBOARD_FOLDER), purge_step=iteration + 1 if iteration else None
            )
        except OSError as error:
            raise RunError(f"Cannot write to {self.path}: {error}.") from error

    def add(self, record: dict[str, Any], evaluation: Evaluation | None, task: Task) -> None:
        """Appends an iteration.

        Raises:
            RunError: If it cannot be written.
        """
        assert self._metrics is not None
        assert self._evaluations is not None
        assert self._tensorboard is not None
        try:
            if evaluation is not None:
                csv.writer(self._evaluations, lineterminator="\n").writerows(_rows(evaluation, task))
                self._evaluations.flush()
            self._metrics.write(json.dumps(record) + "\n")
            self._metrics.flush()
            for name, value in record.items():
                if isinstance(value, (int, float)) and name != "iteration":
                    self._tensorboard.add_scalar(name, value, record["iteration"])
        except OSError as error:
            raise RunError(f"Cannot write to {self.path}: {error}. The last checkpoint is kept.") from error


def _rows(evaluation: Evaluation, task: Task) -> list[list[Any]]:
    rows = []
    for episode, (value, length) in enumerate(zip(evaluation.returns, evaluation.lengths, strict=True)):
        score = task.normalized_score(value)
        rows.append(
            [
                evaluation.phase,
                evaluation.iteration,
                evaluation.env_steps,
                evaluation.gradient_updates,
                evaluation.target_return,
                episode,
                value,
                length,
                "" if score is None else score,
            ]
        )
    return rows


def _complete_lines(file: Path) -> list[str]:
    """Lines that end in a newline: the last one may be torn by a kill."""
    if not file.exists():
        return []
    return [line for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]


def _metric_iteration(line: str) -> int | None:
    try:
        return int(json.loads(line)["iteration"])
    except (ValueError, KeyError, TypeError):
        return None


def _write_text(file: Path, text: str) -> None:
    temporary = file.with_name(f".{file.name}.tmp")
    try:
        temporary.write_text(text)
        temporary.replace(file)
    except OSError as error:
        raise RunError(
            f"Cannot write {file}: {error}. Check the folder's permissions and free space."
        ) from error
