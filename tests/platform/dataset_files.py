"""Small files in D4RL's layout for the tests of the platform."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from vitamin.platform.tasks import Task

LENGTHS = (4, 1, 6)
UNFINISHED = 3

TOY = Task(
    name="toy-v0",
    suite="toy",
    env_id="Toy-v0",
    max_episode_steps=6,
    observation_size=3,
    action_size=2,
    action_low=(-1.0, -1.0),
    action_high=(1.0, 1.0),
    reference_min=0.0,
    reference_max=10.0,
)


def toy_arrays(seed: int = 0) -> dict[str, Any]:
    """Three episodes that end in a terminal, a terminal and a timeout, and three steps of a fourth."""
    generator = np.random.default_rng(seed)
    steps = sum(LENGTHS) + UNFINISHED
    ends = np.cumsum(LENGTHS) - 1
    observations = generator.normal(size=(steps, 3)).astype(np.float32)
    next_observations = np.concatenate([observations[1:], observations[:1]])
    next_observations[ends] = generator.normal(size=(3, 3))
    terminals, timeouts = np.zeros(steps, bool), np.zeros(steps, bool)
    terminals[ends[:2]] = True
    timeouts[ends[2]] = True
    return {
        "observations": observations,
        "actions": generator.uniform(-1, 1, (steps, 2)).astype(np.float32),
        "rewards": generator.normal(size=steps).astype(np.float32),
        "terminals": terminals,
        "timeouts": timeouts,
        "next_observations": next_observations,
    }


def pendulum_rewards(observations: NDArray[Any], actions: NDArray[Any]) -> NDArray[Any]:
    """Pendulum-v1's rewards (N,) for observations (N, 3) and torques (N, 1), up to float32's rounding."""
    angles = np.arctan2(observations[:, 1], observations[:, 0])
    return -(angles**2 + 0.1 * observations[:, 2] ** 2 + 0.001 * actions[:, 0] ** 2)


def write_file(path: Path, arrays: dict[str, Any], **options: Any) -> Path:
    """Write ``arrays`` with plain h5py, as other programs would; ``options`` go to create_dataset."""
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, **options)
        file.create_dataset("metadata/algorithm", data="SAC")
        file.create_dataset("infos/qpos", data=np.full((2, 2), np.nan))
    return path


def maze_steps(lengths: Sequence[int], seed: int = 0, stride: float = 0.2) -> NDArray[np.float32]:
    """Observations (N, 29) of walks that start near the origin and lead away from it, one for each length."""
    generator = np.random.default_rng(seed)
    walks = []
    for length in lengths:
        walk = generator.normal(size=(length, 29))
        walk[:, 0] = 0.1 * generator.random() + stride * np.arange(length)
        walk[:, 1] = 0.1 * generator.random()
        walks.append(walk)
    return np.concatenate(walks).astype(np.float32)


def antmaze_arrays(
    lengths: Sequence[int], timeouts: Iterable[int], goals: Iterable[int] = ()
) -> dict[str, Any]:
    """A file as AntMaze's: no next observations, timeouts at the given steps, terminals and rewards at ``goals``."""
    observations = maze_steps(lengths)
    steps = len(observations)
    arrays: dict[str, Any] = {
        "observations": observations,
        "actions": np.random.default_rng(1).uniform(-1, 1, (steps, 8)).astype(np.float32),
        "rewards": np.zeros(steps, np.float32),
        "terminals": np.zeros(steps, bool),
        "timeouts": np.zeros(steps, bool),
    }
    arrays["timeouts"][list(timeouts)] = True
    arrays["terminals"][list(goals)] = True
    arrays["rewards"][list(goals)] = 1
    return arrays


def maze2d_arrays(waypoints: Iterable[int], steps: int) -> dict[str, Any]:
    """A file as Maze2D's: one walk up and down the maze, a timeout at each waypoint, never a terminal."""
    at = np.abs(np.arange(steps) * 0.05 % 6 - 3)
    observations = np.stack([0.3 + at, 0.3 + at, np.zeros(steps), np.zeros(steps)], axis=1)
    arrays: dict[str, Any] = {
        "observations": observations.astype(np.float32),
        "actions": np.random.default_rng(1).uniform(-1, 1, (steps, 2)).astype(np.float32),
        "rewards": (at > 2.5).astype(np.float32),
        "terminals": np.zeros(steps, bool),
        "timeouts": np.zeros(steps, bool),
    }
    arrays["timeouts"][list(waypoints)] = True
    return arrays
