"""Small files in D4RL's layout for the tests of the platform."""

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
