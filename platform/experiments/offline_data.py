"""The offline data of a run, which one process reads once."""

import functools
from pathlib import Path
from typing import Any, Self

from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import LoadedDataset, read_dataset
from vitamin.platform.tasks import Task


def load_silently(path: Path, task: str) -> Trajectories:
    """The trajectories in the file ``path`` of the task of that name; no warnings are logged.

    Raises:
        DatasetError: As `read_dataset`.
    """
    return read_dataset(path, get_task(task)).trajectories


class OfflineData:
    """A file of offline data, and what was read of it; a `DatasetLoader`.

    Copies share what was read. Pickled it is the loader of the file alone, so that no arrays travel: other processes
    read the file themselves.

    Args:
        path: The file.
        task: Its task.
    """

    def __init__(self, path: Path, task: Task) -> None:
        self.path = path
        self._task = task
        self._dataset: LoadedDataset | None = None

    def read(self) -> LoadedDataset:
        """The content of the file, which is read at the first call and kept.

        Raises:
            DatasetError: As `read_dataset`.
        """
        if self._dataset is None:
            self._dataset = read_dataset(self.path, self._task)
        return self._dataset

    def forget(self) -> None:
        """Frees the arrays that were read."""
        self._dataset = None

    def __call__(self) -> Trajectories:
        """Hands over the trajectories and keeps them no longer: the replay has its own copy."""
        trajectories = self.read().trajectories
        self.forget()
        return trajectories

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return functools.partial, (load_silently, self.path, self._task.name)
