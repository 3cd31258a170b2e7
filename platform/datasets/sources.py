"""Names of data on the command line, a file or ``minari:ID``, and the files behind them."""

from pathlib import Path

from vitamin.errors import DatasetError
from vitamin.platform.datasets.cache import cached_path, how_to_get
from vitamin.platform.datasets.minari_read import minari_path
from vitamin.platform.datasets.provenance import verify
from vitamin.platform.tasks.minari import is_minari
from vitamin.platform.tasks.task import Task


def is_file_source(source: str) -> bool:
    """Whether ``source`` is a file or ``minari:ID``, as opposed to a task."""
    path = Path(source)
    return is_minari(source) or path.is_file() or path.suffix in (".hdf5", ".h5")


def source_path(source: str | Path) -> Path:
    """The file behind ``source``; a Minari dataset is converted first.

    Raises:
        DatasetError: If there is no such file, or as `minari_path`.
    """
    if is_minari(source):
        return minari_path(source)
    path = Path(source)
    if not path.is_file():
        raise DatasetError(f"There is no file {path}.")
    return path


def dataset_path(task: Task, data: str | Path | None) -> Path:
    """The file to train on: ``data`` if given, else the task's in the cache, unchanged since it was recorded.

    Args:
        task: The task.
        data: A file in D4RL's layout, or ``minari:ID``.

    Raises:
        DatasetError: If it is missing (says which file, from where, and where to put it) or has changed.
    """
    if data is not None:
        return source_path(data)
    if is_minari(task.name):
        return minari_path(task.name)
    path = cached_path(task)
    if not path.is_file():
        raise DatasetError(f"The dataset of {task.name} is not here: there is no {path}.\n{how_to_get(task)}")
    verify(path, thorough=False)
    return path
