"""What rollouts ask of an environment, and calls of it that say which environment did what wrong."""

import math
from typing import Any, Protocol, SupportsFloat

import numpy as np
from numpy.typing import NDArray

from vitamin.errors import EnvironmentFailure


class Environment(Protocol):
    """The part of Gymnasium's interface that is used; observations (S,), actions float32 (A,) in [-1, 1]."""

    @property
    def action_space(self) -> Any:
        """Has the actions' ``shape``."""

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        """Begins an episode: observation, info."""

    def step(self, action: Any, /) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """One step: observation, reward, terminated, truncated, info."""


_SUCCESS_KEYS = ("success", "is_success")
"""Entries of a step's info in which environments say whether the goal is reached."""


class CheckedEnvironment:
    """An environment of a work unit whose failures become `EnvironmentFailure`.

    Attributes:
        success: Whether the goal was reached at any step of the episode; None while the environment does not say.

    Args:
        environment: The environment.
        index: Its number in the unit.
        observation_size: S.
    """

    def __init__(self, environment: Environment, index: int, observation_size: int) -> None:
        self._environment = environment
        self._index = index
        self._shape = (observation_size,)
        self._steps = 0
        self.success: bool | None = None

    def reset(self, seed: int) -> NDArray[np.float32]:
        """Begins an episode; its first observation (S,).

        Raises:
            EnvironmentFailure: If the environment raises, or its observation is not finite or not (S,).
        """
        self._steps, self.success = 0, None
        try:
            observation = np.asarray(self._environment.reset(seed=seed)[0], np.float32)
        except Exception as error:
            raise self._failure(f"raised {type(error).__name__}: {error}") from error
        self._check(observation)
        return observation

    def step(self, action: NDArray[np.float32]) -> tuple[NDArray[np.float32], float, bool, bool]:
        """One step: observation (S,), reward, whether it terminated, whether a time limit ended it.

        Raises:
            EnvironmentFailure: As `reset`, and if the reward is not finite.
        """
        self._steps += 1
        try:
            raw_observation, raw_reward, terminated, truncated, info = self._environment.step(action)
            observation, reward = np.asarray(raw_observation, np.float32), float(raw_reward)
            reached = [bool(info[key]) for key in _SUCCESS_KEYS if key in info]
        except Exception as error:
            raise self._failure(f"raised {type(error).__name__}: {error}") from error
        self._check(observation)
        if not math.isfinite(reward):
            raise self._failure(f"returned the reward {reward}")
        if reached:
            self.success = any(reached) or bool(self.success)
        return observation, reward, bool(terminated), bool(truncated)

    def _check(self, observation: NDArray[np.float32]) -> None:
        if observation.shape != self._shape:
            raise self._failure(
                f"returned an observation of shape {observation.shape} instead of {self._shape}"
            )
        if not np.isfinite(observation).all():
            raise self._failure(f"returned an observation that is not finite: {observation.tolist()}")

    def _failure(self, what: str) -> EnvironmentFailure:
        when = f"at step {self._steps}" if self._steps else "at reset"
        return EnvironmentFailure(f"Environment {self._index} of a work unit {what} ({when} of its episode).")
