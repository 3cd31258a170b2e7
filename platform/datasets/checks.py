"""Checks that a dataset must pass before anything is computed from it; a failed one says where."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitamin.errors import DatasetError
from vitamin.platform.datasets.hdf5 import RawDataset, read_attributes
from vitamin.platform.datasets.provenance import LAYOUT_ATTRIBUTE
from vitamin.platform.tasks.task import Task

_LARGEST = np.finfo(np.float32).max
_MATRICES = ("observations", "next_observations", "actions")


def check_dataset(raw: RawDataset, path: Path, task: Task | None) -> None:
    """All checks that need no episodes: shapes, widths, finite values.

    Raises:
        DatasetError: With the array, and the place in it.
    """
    _check_shapes(raw, path)
    if not len(raw.observations):
        raise DatasetError(f"{path} holds no steps.")
    if task is not None:
        _check_widths(raw, path, task)
    for name, array in raw.arrays().items():
        _check_finite(name, array, path)


def check_episodes(offsets: NDArray[np.int64], num_steps: int, path: Path) -> None:
    """At least one episode must have ended; ``offsets`` (E + 1,) are those of the finished episodes.

    Raises:
        DatasetError: If there is none.
    """
    if len(offsets) < 2:
        raise DatasetError(
            f"{path} holds no finished episode: none of its {num_steps} steps is a terminal or a timeout."
        )


def _check_shapes(raw: RawDataset, path: Path) -> None:
    for name, array in raw.arrays().items():
        if name in _MATRICES:
            if array.ndim != 2:
                raise DatasetError(f"{path}: {name} has shape {array.shape}; expected (steps, width).")
            if not array.shape[1]:
                raise DatasetError(f"{path}: {name} are 0 wide.")
        elif array.ndim != 1 and array.shape[1:] != (1,):
            raise DatasetError(f"{path}: {name} has shape {array.shape}; expected (steps,).")
    following = raw.next_observations
    if following is not None and following.shape[1] != raw.observations.shape[1]:
        widths = f"{following.shape[1]} wide, observations {raw.observations.shape[1]}"
        raise DatasetError(f"{path}: next_observations are {widths}.")


def _check_widths(raw: RawDataset, path: Path, task: Task) -> None:
    for name, stated in (("observations", task.observation_size), ("actions", task.action_size)):
        width = raw.arrays()[name].shape[1]
        if stated is not None and width != stated:
            raise DatasetError(
                f"{path}: {name} are {width} wide, but {task.name} ({task.env_id}) has {stated}. Wrong file?"
                f"{_layout_note(path) if name == 'observations' else ''}"
            )


def _layout_note(path: Path) -> str:
    layout = read_attributes(path).get(LAYOUT_ATTRIBUTE)
    return f" They are a dictionary's parts in Gymnasium's flat order: {layout}." if layout else ""


def _check_finite(name: str, array: NDArray[Any], path: Path) -> None:
    if array.dtype.kind != "f":
        return
    finite = np.abs(array) <= _LARGEST  # false for NaN as well
    if not finite.all():
        places = np.argwhere(~finite)
        first = f"step {places[0][0]}" + (f", column {places[0][1]}" if array.ndim > 1 else "")
        raise DatasetError(
            f"{path}: {name} holds {len(places)} NaN or infinite values (as float32), first at {first}."
        )
