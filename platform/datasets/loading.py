"""From a file to trajectories."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitamin.algorithms.data.normalization import Observations, as_observations
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.errors import DatasetError
from vitamin.platform.datasets.checks import check_dataset, check_episodes
from vitamin.platform.datasets.columns import check_columns
from vitamin.platform.datasets.ends import check_ends
from vitamin.platform.datasets.episodes import cut_episodes, following_observations
from vitamin.platform.datasets.hdf5 import RawDataset, read_attributes, read_raw
from vitamin.platform.datasets.mismatches import find_mismatches, stated_task
from vitamin.platform.datasets.quirks import find_quirks
from vitamin.platform.environments import action_bounds
from vitamin.platform.environments.unit_box import to_unit_box
from vitamin.platform.tasks.task import Task

logger = logging.getLogger(__name__)
_BOUND_TOLERANCE = 1e-5


@dataclass(frozen=True)
class LoadedDataset:
    """A dataset and what was noticed while reading it.

    Attributes:
        trajectories: The finished episodes, in the order of the file.
        dtypes: How the file stores each array, by key.
        dropped_steps: Steps that are not in ``trajectories``.
        clipped_actions: Action values outside the bounds, now at them.
        quirks: What is unusual about the file, a sentence each.
        notes: What whoever trains on it should know, a sentence each.
        warnings: What speaks against its being sound, or the task's data, a sentence each.
        refusal: Why nothing can be learned from it; None if something can.
    """

    trajectories: Trajectories
    dtypes: dict[str, str]
    dropped_steps: int
    clipped_actions: int
    quirks: tuple[str, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    refusal: str | None


def load_dataset(path: Path, task: Task) -> Trajectories:
    """The finished episodes of a file in D4RL's layout, in its order, with actions rescaled to [-1, 1].

    Its warnings and notes are logged.

    Raises:
        DatasetError: For every defect: missing or damaged file, missing key, lengths that disagree, NaN or
            infinite values, wrong widths for the task, no finished episode, ends that are not marked.
    """
    dataset = read_dataset(path, task)
    for quirk in dataset.quirks:
        logger.info("%s: %s", path, quirk)
    for warning in dataset_warnings(path, task, dataset.warnings, dataset.notes):
        logger.warning(warning)
    return dataset.trajectories


def dataset_warnings(path: Path, task: Task, warnings: Sequence[str], notes: Sequence[str] = ()) -> list[str]:
    """The messages that `load_dataset` logs, for those who load the file in a process whose log nobody sees."""
    return [
        *(
            f"{path.name} may not be what {task.name} expects: {warning}{'' if warning.endswith('?') else '.'}"
            for warning in warnings
        ),
        *(f"{path.name}: {note}." for note in notes),
    ]


def read_dataset(path: Path, task: Task | None) -> LoadedDataset:
    """As `load_dataset`, with what was noticed. Without a task, widths and actions are taken as they are.

    Raises:
        DatasetError: As `load_dataset`.
    """
    dataset = examine_dataset(path, task)
    if dataset.refusal is not None:
        raise DatasetError(f"{path} cannot be learned from: {dataset.refusal}")
    return dataset


def examine_dataset(path: Path, task: Task | None) -> LoadedDataset:
    """As `read_dataset`, of files too from whose episodes nothing can be learned.

    Raises:
        DatasetError: As `read_dataset`, but for a refusal.
    """
    raw = read_raw(path)
    check_dataset(raw, path, task)
    terminals = _flags(raw.terminals)
    timeouts = _flags(raw.timeouts) if raw.timeouts is not None else None
    episodes = cut_episodes(
        raw.observations,
        raw.next_observations,
        terminals,
        timeouts,
        ends=task.episode_ends if task else "flags",
        max_episode_steps=task.max_episode_steps if task else None,
    )
    check_episodes(episodes.offsets, len(terminals), path)

    actions, clipped = _unit_actions(raw.actions.astype(np.float32, copy=False), task)
    kept = episodes.kept
    trajectories = Trajectories(
        observations=_observations(raw.observations)[kept],
        actions=actions[kept],
        rewards=np.ascontiguousarray(raw.rewards, np.float32).reshape(-1)[kept],
        next_observations=_next_observations(raw)[kept],
        terminals=terminals[kept],
        offsets=episodes.offsets,
        open_ends=raw.next_observations is None and (task is None or task.episode_ends == "flags"),
    )
    attributes = read_attributes(path)
    ends = check_ends(raw, trajectories, task, stated=stated_task(attributes) is not None)
    columns = check_columns(trajectories.observations)
    return LoadedDataset(
        trajectories=trajectories,
        dtypes={name: str(array.dtype) for name, array in raw.arrays().items()},
        dropped_steps=len(terminals) - trajectories.num_steps,
        clipped_actions=clipped,
        quirks=find_quirks(raw, trajectories, clipped, ends.breaks, task),
        notes=columns.notes,
        warnings=(
            *ends.warnings,
            *columns.warnings,
            *(find_mismatches(path, attributes, trajectories, task) if task else ()),
        ),
        refusal=ends.refusal,
    )


def _observations(array: NDArray[Any]) -> Observations:
    return np.require(as_observations(array), requirements="C")


def _flags(array: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(array.reshape(-1) != 0)


def _next_observations(raw: RawDataset) -> Observations:
    if raw.next_observations is not None:
        return _observations(raw.next_observations)
    return following_observations(_observations(raw.observations))


def _unit_actions(actions: NDArray[np.float32], task: Task | None) -> tuple[NDArray[np.float32], int]:
    """Actions (N, A) from the task's bounds to [-1, 1], and how many values lay outside."""
    if task is None:
        return actions, 0
    low, high = action_bounds(task)
    locked = low == high
    strays = np.abs(actions[:, locked] - low[locked]) > _BOUND_TOLERANCE * np.maximum(1, np.abs(low[locked]))
    if np.any(low != -1) or np.any(high != 1):
        actions = to_unit_box(actions, low, high)
    outside = np.abs(actions) > 1
    if outside.any():
        strays = np.append(strays, np.abs(actions) > 1 + _BOUND_TOLERANCE)
        actions = np.clip(actions, -1, 1)
    return actions, int(np.count_nonzero(strays))
