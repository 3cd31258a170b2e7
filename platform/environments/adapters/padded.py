"""Observations with zeros behind them, where D4RL's files have columns that hold nothing.

D4RL's Ant returned 84 contact forces behind 27 live numbers. In MuJoCo 2 with mujoco-py they are all zero, in the files
too (D4RL issue 143), so the files have 111 columns. Gymnasium can return real contact forces, which no dataset knows.
"""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from vitamin.platform.environments.unit_box import RawEnvironment
from vitamin.platform.tasks.task import Task


def make_padded(task: Task, **options: Any) -> RawEnvironment:
    """``task.env_id`` with zeros up to the ``observation_size`` of ``task.env_kwargs``."""
    return Padded(gymnasium.make(task.env_id, **options), **task.env_kwargs)


class Padded(gymnasium.ObservationWrapper[NDArray[Any], NDArray[Any], NDArray[Any]]):
    """Appends zeros to observations until they have ``observation_size`` numbers."""

    def __init__(self, env: RawEnvironment, observation_size: int) -> None:
        super().__init__(env)
        inner = env.observation_space
        assert isinstance(inner, Box)
        zeros = np.zeros(observation_size - inner.shape[0], inner.dtype)
        self.observation_space = Box(
            np.concatenate([inner.low, zeros]), np.concatenate([inner.high, zeros]), dtype=np.float64
        )
        self._zeros = zeros

    def observation(self, observation: NDArray[Any]) -> NDArray[Any]:
        """``observation`` with the zeros behind it."""
        return np.concatenate([observation, self._zeros])
