"""What a run writes down after each iteration: metrics, evaluations, TensorBoard events."""

import csv
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from vitamin.algorithms.rllib.evaluation import Evaluation
from vitamin.analysis import schema
from vitamin.errors import RunError
from vitamin.platform.experiments.event_log import EventLog
from vitamin.platform.experiments.files import write_text
from vitamin.platform.tasks import Task


class Records:
    """Metrics, evaluations and events of the run in ``folder``, cut back to iterations up to ``iteration``.

    Attributes:
        missing: How many of these iterations have no metrics (any more).

    Raises:
        RunError: From here and from the methods, if a file cannot be read or written.
    """

    def __init__(self, folder: Path, iteration: int) -> None:
        metrics, evaluations = folder / schema.METRICS_FILE, folder / schema.EVALUATIONS_FILE
        self._folder = folder
        with self._writing():
            lines = _kept(metrics, _iteration_of_metrics, iteration)
            rows = [_widened(row) for row in _kept(evaluations, _iteration_of_evaluation, iteration)]
            write_text(metrics, "".join(lines))
            write_text(evaluations, ",".join(schema.EVALUATION_HEADER) + "\n" + "".join(rows))
            self.missing = iteration - len(lines)
            self._metrics = metrics.open("a", encoding="utf-8")
            self._evaluations = evaluations.open("a", encoding="utf-8", newline="")
            self._events = EventLog(folder / schema.TENSORBOARD_FOLDER, iteration + 1)

    def add(self, record: dict[str, Any], evaluation: Evaluation | None, task: Task) -> None:
        """Appends an iteration."""
        scalars = {name: value for name, value in record.items() if name not in ("iteration", "phase")}
        with self._writing():
            if evaluation is not None:
                csv.writer(self._evaluations, lineterminator="\n").writerows(_rows(evaluation, task))
                self._evaluations.flush()
            self._metrics.write(json.dumps(record) + "\n")
            self._metrics.flush()
            self._events.add(record["iteration"], scalars)

    def sync(self) -> None:
        """Makes everything reach the disk; to be called before a checkpoint, which must not outlive its metrics."""
        with self._writing():
            os.fsync(self._evaluations.fileno())
            os.fsync(self._metrics.fileno())
            self._events.flush()

    def close(self) -> None:
        """Closes the files; what a full disk does not take was reported when it was written."""
        for stream in (self._metrics, self._evaluations, self._events):
            with suppress(OSError):
                stream.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RunError(
                f"Cannot write to {self._folder}: {error.strerror}. Free space or check permissions, then resume the "
                "run; its last checkpoint is kept."
            ) from error


def _kept(file: Path, iteration_of: Callable[[str], int], last: int) -> list[str]:
    """Lines of iterations up to ``last``: later ones are made again, and a kill may have torn the end."""
    if not file.exists():
        return []
    kept = []
    for line in file.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]:
        with suppress(ValueError, KeyError, TypeError, IndexError):
            if iteration_of(line) <= last:
                kept.append(line + "\n")
    return kept


def _iteration_of_metrics(line: str) -> int:
    return int(json.loads(line)["iteration"])


def _iteration_of_evaluation(line: str) -> int:
    return int(line.split(",")[schema.EVALUATION_HEADER.index("iteration")])


def _widened(row: str) -> str:
    """A row of ``evaluations.csv``, with the columns that an earlier version of the schema had not."""
    missing = len(schema.EVALUATION_HEADER) - len(row.split(","))
    return row.removesuffix("\n") + "," * missing + "\n"


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
                "" if evaluation.successes is None else int(evaluation.successes[episode]),
            ]
        )
    return rows
