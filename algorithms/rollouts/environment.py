"""The interface of environments in rollouts, and calls of it that say which environment did what wrong."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, SupportsFloat, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from vitamin.algorithms.data.normalization import Observations
from vitamin.algorithms.rollouts.step_values import (
    LARGEST,
    goal_reached,
    not_yet_known,
    take_reset,
    take_step,
)
from vitamin.errors import EnvironmentFailure, TaskError, VitaminError

T = TypeVar("T")


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


_SUCCESS_KEYS = ("success", "is_success")
"""Entries of a step's info in which environments say whether the goal is reached."""


class CheckedEnvironment:
    """An environment whose failures become `EnvironmentFailure`, and which keeps nothing that is used here.

    It gets copies of actions, and what it returns is copied, so that it may write to both.

    Attributes:
        success: Whether the goal was reached at any step of the episode; None while the environment does not say.
        undecided: Whether its word on success was None or NaN at the last step, which may change in the episode.

    Args:
        environment: The environment.
        name: What the messages call it.
        observation_size: S.
    """

    def __init__(self, environment: Environment, name: str, observation_size: int) -> None:
        self._environment = environment
        self._name = name
        self._shape = (observation_size,)
        self._steps = 0
        self._unclear: str | None = None
        self.success: bool | None = None
        self.undecided = False

    @property
    def notice(self) -> str | None:
        """A note to the user on the episode: that the environment's word on success says nothing."""
        return self._unclear if self.success is None else None

    def reset(self, seed: int | None) -> Observations:
        """Begins an episode; its first observation (S,).

        Raises:
            EnvironmentFailure: If the environment raises, or returns anything but Gymnasium's values: an observation
                that is finite and (S,), and an info.
        """
        self._steps, self.success, self._unclear, self.undecided = 0, None, None, False
        observation, _ = self._called(lambda: take_reset(self._environment.reset(seed=seed)))
        self._check(observation)
        return observation

    def step(self, action: NDArray[Any]) -> tuple[Observations, float, bool, bool]:
        """One step: observation (S,), reward, whether it terminated, whether a time limit ended it.

        Raises:
            EnvironmentFailure: As `reset`, and if the reward is not finite.
        """
        self._steps += 1
        observation, reward, terminated, truncated, info = self._called(
            lambda: take_step(self._environment.step(action.copy()))
        )
        self._check(observation)
        for key in _SUCCESS_KEYS:
            if key in info:
                reached = goal_reached(info[key])
                if reached is None:
                    self._unclear = _unclear(key, info[key])
                    self.undecided = not_yet_known(info[key])
                else:
                    self.success = reached or bool(self.success)
        return observation, reward, terminated, truncated

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
        environment = self._environment
        assert isinstance(environment, RestorableEnvironment)
        return self._called(lambda: call(environment))

    def _called(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except EnvironmentFailure as failure:
            raise self._failure(str(failure)) from failure
        except VitaminError:
            raise
        except Exception as error:
            message = " ".join(str(error).split())
            raise self._failure(f"raised {type(error).__name__}: {message}") from error

    def _check(self, observation: Observations) -> None:
        if observation.shape != self._shape:
            raise self._failure(
                f"returned an observation of shape {observation.shape} instead of {self._shape}"
            )
        if not (np.abs(observation) <= LARGEST).all():  # false for NaN as well
            raise self._failure(f"returned an observation that is not finite: {observation.tolist()}")

    def _failure(self, what: str) -> EnvironmentFailure:
        when = f"at step {self._steps}" if self._steps else "at reset"
        return EnvironmentFailure(f"{self._name} {what} ({when} of its episode).")


def check_environments(
    environments: Sequence[Environment], observation_size: int
) -> list[CheckedEnvironment]:
    """The environments of a work unit, numbered."""
    return [
        CheckedEnvironment(environment, f"Environment {i} of a work unit", observation_size)
        for i, environment in enumerate(environments)
    ]


def first_notice(environments: Sequence[CheckedEnvironment]) -> str | None:
    """A note to the user on the environments' episodes, if there is one."""
    return next((environment.notice for environment in environments if environment.notice), None)


def _unclear(key: str, value: Any) -> str:
    return (
        f"Success is not recorded: info[{key!r}] is of type {type(value).__name__} and does not say whether the goal is"
        " reached. Booleans, 0 and 1 do, and dictionaries and arrays of them, whose entries must all be true."
    )
