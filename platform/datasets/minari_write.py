"""From arrays in D4RL's layout to a Minari dataset."""

import json
import shutil
import warnings
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.spaces import Box
from numpy.typing import NDArray

from vitamin.errors import DatasetError
from vitamin.platform.datasets.episodes import cut_episodes
from vitamin.platform.datasets.hdf5 import OPTIONAL_KEYS, RawDataset, read_attributes
from vitamin.platform.datasets.minari_read import (
    METADATA_KEY,
    load_minari,
    minari_path,
)
from vitamin.platform.datasets.provenance import ENVIRONMENT_ATTRIBUTE
from vitamin.platform.environments import action_bounds, make_raw_environment
from vitamin.platform.tasks.minari import is_minari, minari_folder, minari_id
from vitamin.platform.tasks.task import Task


@dataclass(frozen=True)
class _Episodes:
    """The arrays cut into episodes, flags and rewards as vectors, and what Minari cannot hold of them."""

    raw: RawDataset
    terminals: NDArray[np.bool_]
    timeouts: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    notes: tuple[str, ...]


def write_minari(
    raw: RawDataset, attributes: Mapping[str, Any], destination: str, task: Task, *, force: bool = False
) -> tuple[str, ...]:
    """Make the Minari dataset ``destination`` on this machine; `minari_path` gives the same arrays back.

    An unfinished last episode becomes one that neither terminated nor was truncated. The environment is stored
    with it unless it is one that only this package makes (with an adapter), or cannot be written down.

    Args:
        raw: What to write.
        attributes: What else is to be known of it; kept in the dataset's metadata.
        destination: ``minari:ID``.
        task: Gives environment, action bounds, reference scores, and the time limit for data without timeouts.
        force: Replace a dataset that is there.

    Returns:
        What could not be kept, a sentence each.

    Raises:
        DatasetError: If Minari is not installed, the dataset exists, or it cannot be written.
    """
    minari, name = load_minari(), minari_id(destination)
    folder = minari_folder() / name
    if folder.exists() and not force:
        raise DatasetError(f"Minari's {name} exists at {folder}. Add --force to replace it.")
    episodes = _episodes(raw, task)
    spec, environment_note = _environment(attributes, task)
    notes = episodes.notes + environment_note
    low, high = action_bounds(task)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of missing authors and links
            dataset = minari.create_dataset_from_buffers(
                name,
                _buffers(episodes),
                env=spec,
                observation_space=Box(
                    -np.inf, np.inf, raw.observations.shape[1:], raw.observations.dtype.type
                ),
                action_space=Box(low, high, dtype=np.float32),
                algorithm_name=str(attributes.get("algorithm", "unknown")),
                description=" ".join([f"Exported by vitamin for the task {task.name}.", *notes]),
            )
        dataset.storage.update_metadata(_metadata(raw, attributes, task))
    except (OSError, ValueError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise DatasetError(f"Cannot write Minari's {name} at {folder}: {error}.") from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return notes


def _episodes(raw: RawDataset, task: Task) -> _Episodes:
    terminals = raw.terminals.reshape(-1) != 0
    stored = raw.timeouts.reshape(-1) != 0 if raw.timeouts is not None else None
    offsets = cut_episodes(
        raw.observations, raw.next_observations, terminals, stored, max_episode_steps=task.max_episode_steps
    ).offsets
    timeouts = np.zeros(len(terminals), bool) if stored is None else stored
    if stored is None:
        ends = offsets[1:] - 1
        timeouts[ends] = ~terminals[ends]
    if offsets[-1] < len(terminals):
        offsets = np.append(offsets, len(terminals))
    return _Episodes(raw, terminals, timeouts, offsets, tuple(_lost(raw, offsets)))


def _lost(raw: RawDataset, offsets: NDArray[np.int64]) -> list[str]:
    """Facts that Minari's T + 1 observations of an episode of T steps cannot hold."""
    if raw.next_observations is None:
        return ["The observation after each episode's last step is unknown: its last one is repeated."]
    inside = np.ones(len(raw.observations), bool)
    inside[offsets[1:] - 1] = False
    steps = np.flatnonzero(inside)
    breaks = int((raw.next_observations[steps] != raw.observations[steps + 1]).any(axis=1).sum())
    if not breaks:
        return []
    return [
        f"{breaks} next observations inside episodes differ from the following observation, which is kept."
    ]


def _buffers(episodes: _Episodes) -> list[Any]:
    from minari.data_collector import EpisodeBuffer

    raw, rewards = episodes.raw, episodes.raw.rewards.reshape(-1)
    following = raw.next_observations if raw.next_observations is not None else raw.observations
    return [
        EpisodeBuffer(
            id=number,
            observations=np.concatenate([raw.observations[start:end], following[end - 1 : end]]),
            actions=raw.actions[start:end],
            rewards=rewards[start:end],
            terminations=episodes.terminals[start:end],
            truncations=episodes.timeouts[start:end],
            infos={},
        )
        for number, (start, end) in enumerate(pairwise(episodes.offsets.tolist()))
    ]


def _environment(attributes: Mapping[str, Any], task: Task) -> tuple[EnvSpec | None, tuple[str, ...]]:
    """The environment in Minari's form, if it has one, else why not."""
    known = read_attributes(minari_path(task.name)) if is_minari(task.name) else attributes
    if stored := known.get(ENVIRONMENT_ATTRIBUTE):
        try:
            return EnvSpec.from_json(stored), ()
        except (ValueError, TypeError, KeyError, AttributeError):
            return None, ("What the data say of their environment cannot be read.",)
    if task.adapter is not None:
        return None, (f"The environment is {task.env_id} with vitamin's adapter {task.adapter}.",)
    with closing(make_raw_environment(task)) as env:
        spec = env.spec
    try:
        assert spec is not None
        spec.to_json()
    except (TypeError, ValueError):
        return None, (f"The environment {task.env_id} cannot be written down: it is made by a local object.",)
    return spec, ()


def _metadata(raw: RawDataset, attributes: Mapping[str, Any], task: Task) -> dict[str, Any]:
    notes = {
        "attributes": {name: _plain(value) for name, value in attributes.items()},
        "absent": [name for name in OPTIONAL_KEYS if name not in raw.arrays()],
    }
    metadata: dict[str, Any] = {METADATA_KEY: json.dumps(notes)}
    if task.reference_min is not None and task.reference_max is not None:
        metadata |= {"ref_min_score": task.reference_min, "ref_max_score": task.reference_max}
    return metadata


def _plain(value: Any) -> Any:
    """An HDF5 attribute as JSON can hold it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
