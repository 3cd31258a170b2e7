"""Writing data elsewhere: to a file in D4RL's layout, or to a Minari dataset."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from vitamin.errors import DatasetError
from vitamin.files import per_process, replacing
from vitamin.platform.datasets.cache import make_way
from vitamin.platform.datasets.hdf5 import RawDataset, write_raw
from vitamin.platform.datasets.minari_read import converted_path
from vitamin.platform.datasets.minari_write import write_minari
from vitamin.platform.tasks import Task
from vitamin.platform.tasks.minari import is_minari, minari_folder, minari_id


@dataclass(frozen=True)
class Exportable:
    """Data that can be exported.

    Attributes:
        raw: The arrays, actions in the environment's units.
        attributes: What else is to be known of them.
        task: Their task, if known.
        source: The file that they were read from, or ``minari:ID``; None for other data.
    """

    raw: RawDataset
    attributes: Mapping[str, Any]
    task: Task | None
    source: str | None = None


def export_dataset(data: Exportable, destination: str, *, force: bool = False) -> tuple[str, ...]:
    """Write ``data`` to ``destination``.

    Args:
        data: What to write.
        destination: A file to be written in D4RL's layout, or ``minari:ID``.
        force: Replace what is there.

    Returns:
        What the destination's format could not hold, a sentence each.

    Raises:
        DatasetError: If something is there, or the data itself, it cannot be written, or Minari is to be told a task
            that is unknown.
    """
    if data.source is not None and _is_same(data.source, destination):
        raise DatasetError(
            f"{destination} is {data.source} itself, which is to be exported: name another place."
        )
    if is_minari(destination):
        if data.task is None:
            raise DatasetError(
                "Minari wants action bounds and an environment: name the data's task with --task."
            )
        return write_minari(data.raw, data.attributes, destination, data.task, force=force)
    path = Path(destination)
    make_way(path, force=force)
    with replacing(path, per_process(path)) as part:
        write_raw(part, data.raw, data.attributes)
    return ()


def _is_same(source: str, destination: str) -> bool:
    """Whether writing the destination would write over the source, or over what it was made from."""
    origins, targets = _places(source), _places(destination)
    within = [
        (place, origin) for target in targets for place in target.resolve().parents for origin in origins
    ]
    return any(_same_file(*pair) for pair in (*product(targets, origins), *within))


def _places(source: str) -> list[Path]:
    """The file, or the folder of a Minari dataset that is here, and the file that was made from it."""
    if not is_minari(source):
        return [Path(source)]
    folder = minari_folder() / minari_id(source)
    return [folder, converted_path(source)] if folder.exists() else [folder]


def _same_file(left: Path, right: Path) -> bool:
    try:
        return left.samefile(right)
    except OSError:
        return False
