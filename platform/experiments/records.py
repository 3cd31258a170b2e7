"""Records that a run writes after each iteration: metrics, evaluations, TensorBoard events."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from vitamin.algorithms.training.evaluation import Evaluation
from vitamin.analysis import schema
from vitamin.analysis.lines import lost_evaluations, ranges, read_episodes, read_metrics
from vitamin.analysis.manifest import FileState
from vitamin.errors import RunError
from vitamin.platform.experiments.event_log import EventLog
from vitamin.platform.experiments.growing_file import GrowingFile
from vitamin.platform.tasks import Task


class Records:
    """Metrics, evaluations and events of the run in ``folder``, cut back to iterations up to ``iteration``.

    Later iterations are made again. Evaluations that are not those that the metrics speak of are left out.

    Args:
        folder: The run folder.
        iteration: The last iteration that is kept.
        replacing: Makes the context in which files get the contents that it is given, by name.

    Attributes:
        losses: A sentence on what is missing of these iterations in each file where something is.

    Raises:
        RunError: From here and from the methods, if a file cannot be read or written.
    """

    def __init__(
        self,
        folder: Path,
        iteration: int,
        replacing: Callable[[Mapping[str, str]], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._folder = folder
        metrics, episodes = read_metrics(folder), read_episodes(folder)
        lines = {line.iteration: line for line in metrics.sound if line.iteration <= iteration}
        lost = [number for number in lost_evaluations(metrics, episodes) if number <= iteration]
        rows = [
            line.text for line in episodes.sound if line.iteration <= iteration and line.iteration not in lost
        ]
        self._seconds = dict.fromkeys(schema.RunTime.model_fields, 0.0)
        for line in lines.values():
            self._add_time(line.record)
        missing = [number for number in range(1, iteration + 1) if number not in lines]
        self.losses = _losses(missing, lost)
        contents = {
            schema.METRICS_FILE: "".join(f"{line.text}\n" for line in lines.values()),
            schema.EVALUATIONS_FILE: "\n".join([",".join(schema.EVALUATION_HEADER), *rows, ""]),
        }
        with self._writing():
            with replacing(contents):
                self._files = {name: GrowingFile(folder / name, text) for name, text in contents.items()}
            self._events = EventLog(folder / schema.TENSORBOARD_FOLDER, iteration + 1)

    @property
    def states(self) -> dict[str, FileState]:
        """States of the files of metrics and evaluations as written so far, by name."""
        return {name: file.state for name, file in self._files.items()}

    @property
    def time(self) -> schema.RunTime:
        """Where the time of all these iterations went."""
        return schema.RunTime(**self._seconds)

    def add(self, record: dict[str, Any], evaluation: Evaluation | None, task: Task) -> None:
        """Appends an iteration."""
        scalars = {name: value for name, value in record.items() if name not in ("iteration", "phase")}
        with self._writing():
            if evaluation is not None:
                rows = io.StringIO()
                csv.writer(rows, lineterminator="\n").writerows(_rows(evaluation, task))
                self._files[schema.EVALUATIONS_FILE].append(rows.getvalue())
            self._files[schema.METRICS_FILE].append(json.dumps(record) + "\n")
            self._events.add(record["iteration"], scalars)
        self._add_time(record)

    def _add_time(self, record: Mapping[str, Any]) -> None:
        for part in self._seconds:
            seconds = record.get(f"{schema.TIME_PREFIX}{part}", 0.0)
            if 0 <= seconds < math.inf:  # a line of a file that was changed may hold others
                self._seconds[part] += seconds

    def sync(self) -> None:
        """Makes everything reach the disk; to be called before a checkpoint, which must not outlive its metrics."""
        with self._writing():
            for file in self._files.values():
                file.sync()
            self._events.flush()

    def close(self) -> None:
        """Closes the files; what a full disk does not take was reported when it was written."""
        for close in (*(file.close for file in self._files.values()), self._events.close):
            with suppress(OSError):
                close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RunError(
                f"Cannot write to {self._folder}: {error.strerror}. Free space or check permissions, then resume the "
                "run; its last checkpoint is kept."
            ) from error


def _losses(missing: list[int], lost: list[int]) -> list[str]:
    found = []
    if missing:
        found.append(f"{schema.METRICS_FILE} lacks iterations before the checkpoint: {ranges(missing)}.")
    if lost:
        found.append(f"{schema.EVALUATIONS_FILE} lacks evaluations, of iterations {ranges(lost)}.")
    return found


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
