"""The run folder: created once, locked while a run writes to it, refused to any other run."""

import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vitamin.analysis import schema
from vitamin.analysis.manifest import changed_files, damage
from vitamin.analysis.schema import RunInfo, Status
from vitamin.errors import RunError
from vitamin.files import temporary_name, write_text
from vitamin.platform.experiments.checkpoints import list_checkpoints, manifest_states, save_checkpoint
from vitamin.platform.experiments.comparison import change_of_bits
from vitamin.platform.experiments.manifest import ManifestWriter
from vitamin.platform.experiments.records import Records
from vitamin.platform.experiments.same_run import config_text, holds_run, refuse, started_as
from vitamin.platform.experiments.spec import ExperimentSpec
from vitamin.platform.experiments.versions import commit, machine, versions
from vitamin.platform.locked_folder import LOCK_FILE, LockedFolder
from vitamin.platform.paths import check_length
from vitamin.platform.stopping import cleaned_up
from vitamin.platform.tasks import Task


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


class RunFolder:
    """Context manager over a run folder; holds its lock.

    Attributes:
        notes: What the user should know of a run that is resumed, and readers of its results too.

    Raises:
        RunError: On entry, if the folder cannot be written, is in use, or holds another run.
    """

    def __init__(self, path: Path, spec: ExperimentSpec, *, resume: bool) -> None:
        self.path = path
        self.spec = spec
        self.resume = resume
        self.notes: list[str] = []
        self._locked = LockedFolder(path, RunError, "process")
        self._clean_up = ExitStack()
        self._records: Records | None = None
        self._aside: Path | None = None

    def __enter__(self) -> Self:
        check_length(self.path, RunError)
        self._locked.acquire()
        try:
            self._check_content()
        except BaseException:
            self._locked.give_up()
            raise
        self._manifest = ManifestWriter(self.path)
        self._clean_up.enter_context(cleaned_up(self._leave_nothing))
        return self

    def _leave_nothing(self) -> None:
        """Removes the folders made here if the start has failed."""
        if not holds_run(self.path):
            self._locked.remove_what_was_made()

    def _check_content(self) -> None:
        if not holds_run(self.path):
            unknown_files = sorted(
                path.name for path in self.path.iterdir() if not self._left_by_a_start(path)
            )
            if unknown_files:
                raise RunError(
                    f"{self.path} is not empty and holds no run ({unknown_files[0]} …). Choose another --out."
                )
        elif self.resume:
            started = started_as(self.path, self.spec)
            damaged = damage(changed_files(self.path, checkpoints=False))
            other_bits = change_of_bits(RunInfo.read(self.path), started, self.spec)
            self.notes = [note for note in (other_bits, damaged) if note]
        else:
            refuse(self.path, self.spec, None)

    def _left_by_a_start(self, path: Path) -> bool:
        """Whether this very run may have written the file, had it been killed before its ``run.json`` was there."""
        if path.name == schema.CONFIG_FILE:
            return path.is_file() and path.read_bytes() == config_text(self.spec).encode()
        if path.name == schema.MANIFEST_FILE:
            return ManifestWriter(self.path).expects(schema.CONFIG_FILE, config_text(self.spec))
        return path.name in {
            LOCK_FILE,
            temporary_name(schema.CONFIG_FILE),
            temporary_name(schema.RUN_FILE),
            temporary_name(schema.MANIFEST_FILE),
        }

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._records is not None:
            self._records.close()
        self._clean_up.close()
        self._locked.release()

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / schema.CHECKPOINTS_FOLDER

    def begin_anew(self) -> None:
        """Has `start` put aside what the run has left, because none of its checkpoints is whole."""
        self._aside = self.path / f"damaged-{_now():%Y%m%dT%H%M%SZ}"
        note = "No checkpoint was whole: the run was started again from its beginning."
        self.notes = [f"{note} What there was before lies in {self._aside.name}/."]

    @property
    def has_lost_checkpoints(self) -> bool:
        """Whether there are checkpoints, or were some that the run has not removed itself."""
        known = any(Path(name).is_relative_to(schema.CHECKPOINTS_FOLDER) for name in self._manifest.paths)
        return known or bool(list_checkpoints(self.checkpoints))

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
            overrides=self.spec.changes(),
            status="running",
            notes=_joined(before.notes if before else [], self.notes),
            versions=versions(),
            commit=commit(),
            host=socket.gethostname(),
            machine=machine(self.spec.hyperparameters()),
            dataset=dataset,
            reference_scores=reference and schema.ReferenceScores(min=reference[0], max=reference[1]),
            started=before.started if before else now,
            updated=now,
            wall_time_s=before.wall_time_s if before else 0.0,
            time=before.time if before else None,
            online_steps=self.spec.hyperparameters().online_steps,
        )
        config = config_text(self.spec)
        contents = {schema.CONFIG_FILE: config, schema.RUN_FILE: self.info.text()}
        with self._putting_aside(), self._manifest.replacing(contents):
            write_text(self.path / schema.CONFIG_FILE, config)
            self.info.write(self.path)

    @contextmanager
    def _putting_aside(self) -> Iterator[None]:
        """Moves what the run has left, if it begins anew, after the block has written down that it does.

        The checkpoints are moved last: as long as they are there, it is done again after a kill.
        """
        moved = (
            schema.METRICS_FILE,
            schema.EVALUATIONS_FILE,
            schema.TENSORBOARD_FOLDER,
            schema.CHECKPOINTS_FOLDER,
        )
        aside = self._aside
        if aside is None:
            yield
            return
        try:
            aside.mkdir(exist_ok=True)
            for name in (schema.CONFIG_FILE, schema.RUN_FILE):
                shutil.copy2(self.path / name, aside)
            yield
            self._manifest.forget(*moved)
            for name in moved:
                if (self.path / name).exists():
                    (self.path / name).rename(aside / name)
        except OSError as error:
            raise RunError(f"Cannot move the files of {self.path} to {aside}: {error.strerror}.") from error

    def note(self, text: str) -> None:
        """Adds to the notes in ``run.json``, if it is not there yet."""
        self._update(notes=_joined(self.info.notes, [text]))

    def set_status(self, status: Status, message: str | None, wall_time_s: float) -> None:
        """Updates ``run.json``; what of the message is no text, such as parts of a file's name, is spelled."""
        spelled = message and message.encode(errors="backslashreplace").decode()
        time = self.info.time if self._records is None else self._records.time
        self._update(status=status, message=spelled, wall_time_s=wall_time_s, time=time)

    def _update(self, **values: Any) -> None:
        self.info = self.info.model_copy(update={**values, "updated": _now()})
        with self._manifest.replacing({schema.RUN_FILE: self.info.text()}):
            self.info.write(self.path)

    def open_at(self, iteration: int) -> Records:
        """Cuts metrics and evaluations back to those of iterations up to ``iteration`` and opens them to append.

        Raises:
            RunError: If the files cannot be read or written.
        """
        self._records = Records(self.path, iteration, self._manifest.replacing)
        return self._records

    def save(self, iteration: int, write: Callable[[Path], object], *, pretrained: int | None = None) -> None:
        """Makes the records reach the disk and adds a checkpoint; the next update of ``run.json`` seals them.

        Args:
            iteration: That of the checkpoint.
            write: Fills its folder.
            pretrained: The iteration with which pretraining ends, whose checkpoint stays; None if it need not.

        Raises:
            RunError: If something cannot be written.
        """
        assert self._records is not None
        self._records.sync()
        save_checkpoint(self.checkpoints, iteration, write, pretrained=pretrained)
        self.seal()

    def seal(self) -> None:
        """Takes the records and checkpoints as they are into the manifest with the next update of ``run.json``."""
        assert self._records is not None
        self._manifest.settle(
            self._records.states | manifest_states(self.checkpoints), forget=schema.CHECKPOINTS_FOLDER
        )


def _joined(before: list[str], new: list[str]) -> list[str]:
    return [*before, *(note for note in new if note not in before)]
