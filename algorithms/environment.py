"""What rollouts ask of an environment, and calls of it that say which environment did what wrong."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol, SupportsFloat, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from vitamin.algorithms.normalization import Observations, as_observations
from vitamin.errors import EnvironmentFailure, TaskError, VitaminError


class Environment(Protocol):
    """The part of Gymnasium's interface that is used; observations (S,), actions float32 (A,) in [-1, 1]."""

    @property
    def action_space(self) -> Any:
        """Has the actions' ``shape``."""

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        """Begins an episode: observation, info."""

    def step(self, action: Any, /) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """One step: observation, reward, terminated, truncated, info."""


@runtime_checkable
class RestorableEnvironment(Environment, Protocol):
    """An environment that can go back to an earlier state, or take over the state of its like."""

    def save_state(self) -> Any:
        """The state that it is in; calls of `step` or `reset` leave the result as it is."""

    def restore_state(self, state: Any, /) -> None:
        """Goes to a state, after which everything happens as it did after that was saved, bit for bit."""


def require_restorable(environment: Environment) -> None:
    """Checks that states of ``environment`` can be saved, by saving one.

    Raises:
        TaskError: If not; the message says why.
    """
    if not isinstance(environment, RestorableEnvironment):
        raise TaskError(
            f"The state of {type(environment).__name__} cannot be saved and restored. Give the environment the methods "
            "save_state() and restore_state(state), or choose a method that does not go back to earlier states."
        )
    environment.save_state()


_LARGEST = float(np.finfo(np.float32).max)
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

    def reset(self, seed: int) -> Observations:
        """Begins an episode; its first observation (S,).

        Raises:
            EnvironmentFailure: If the environment raises, or its observation is not finite or not (S,).
        """
        self._steps, self.success = 0, None
        try:
            observation = as_observations(self._environment.reset(seed=seed)[0])
        except Exception as error:
            raise self._failure(f"raised {type(error).__name__}: {error}") from error
        self._check(observation)
        return observation

    def step(self, action: NDArray[np.float32]) -> tuple[Observations, float, bool, bool]:
        """One step: observation (S,), reward, whether it terminated, whether a time limit ended it.

        Raises:
            EnvironmentFailure: As `reset`, and if the reward is not finite.
        """
        self._steps += 1
        try:
            raw_observation, raw_reward, terminated, truncated, info = self._environment.step(action)
            observation, reward = as_observations(raw_observation), float(raw_reward)
            reached = [bool(info[key]) for key in _SUCCESS_KEYS if key in info]
        except Exception as error:
            raise self._failure(f"raised {type(error).__name__}: {error}") from error
        self._check(observation)
        if not math.isfinite(reward):
            raise self._failure(f"returned the reward {reward}")
        if reached:
            self.success = any(reached) or bool(self.success)
        return observation, reward, bool(terminated), bool(truncated)

    def save(self) -> Any:
        """The state of a `RestorableEnvironment`.

        Raises:
            VitaminError: If it cannot be saved.
        """
        return self._restorable(lambda environment: environment.save_state())

    def restore(self, state: Any) -> None:
        """Goes to the ``state`` of an environment of the same kind.

        Raises:
            VitaminError: If it cannot be restored.
        """
        self._restorable(lambda environment: environment.restore_state(state))

    def _restorable(self, call: Callable[[RestorableEnvironment], Any]) -> Any:
        assert isinstance(self._environment, RestorableEnvironment)
        try:
            return call(self._environment)
        except VitaminError:
            raise
        except Exception as error:
            raise self._failure(f"raised {type(error).__name__}: {error}") from error

    def _check(self, observation: Observations) -> None:
        if observation.shape != self._shape:
            raise self._failure(
                f"returned an observation of shape {observation.shape} instead of {self._shape}"
            )
        if not (np.abs(observation) <= _LARGEST).all():  # false for NaN as well
            raise self._failure(f"returned an observation that is not finite: {observation.tolist()}")

    def _failure(self, what: str) -> EnvironmentFailure:
        when = f"at step {self._steps}" if self._steps else "at reset"
        return EnvironmentFailure(f"Environment {self._index} of a work unit {what} ({when} of its episode).")


def check_environments(
    environments: Sequence[Environment], observation_size: int
) -> list[CheckedEnvironment]:
    """The environments of a work unit, numbered."""
    return [
        CheckedEnvironment(environment, i, observation_size) for i, environment in enumerate(environments)
    ]
