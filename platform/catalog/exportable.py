"""From a name to data that can be exported: a file, a Minari dataset, or a task's dataset."""

from contextlib import suppress

from vitamin.errors import TaskError
from vitamin.platform.catalog.lookup import get_task
from vitamin.platform.datasets.export import Exportable
from vitamin.platform.datasets.hdf5 import read_attributes, read_raw
from vitamin.platform.datasets.provenance import ORIGIN_ATTRIBUTE, dataset_label, fingerprint
from vitamin.platform.datasets.sources import dataset_path, is_file_source, source_path
from vitamin.platform.tasks.minari import is_minari
from vitamin.platform.tasks.task import Task


def exportable_dataset(source: str, task: Task | None = None) -> Exportable:
    """A file, a Minari dataset or a task's dataset, as it is stored.

    Args:
        source: A file in D4RL's layout, ``minari:ID``, or a task whose dataset is here.
        task: The task of a file; by default the one that its attributes name.

    Raises:
        DatasetError: If it is not here or cannot be read.
        TaskError: If ``source`` is neither a file nor a task.
    """
    if is_file_source(source):
        path = source_path(source)
    else:
        task = get_task(source)
        path = dataset_path(task, None)
    raw, attributes = read_raw(path), read_attributes(path)
    if task is None and "task" in attributes:
        task = get_task(attributes["task"])
    if task is None and is_minari(source):
        with suppress(TaskError):  # without its environment it can still be written to a file
            task = get_task(source)
    origin = f"{path.name} ({dataset_label(path)}, sha256 {fingerprint(path)[:12]})"
    return Exportable(
        raw,
        {ORIGIN_ATTRIBUTE: source if is_minari(source) else origin, **attributes},
        task,
        source if is_minari(source) else str(path),
    )
