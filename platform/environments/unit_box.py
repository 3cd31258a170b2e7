"""The one wrapper around a task's environment."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from vitamin.algorithms.data.normalization import Observations, as_observations
from vitamin.algorithms.rollouts.step_values import take_reset, take_step
from vitamin.platform.environments import saved_state

Action = NDArray[np.float32]
RawEnvironment = gymnasium.Env[NDArray[Any], NDArray[Any]]

_SMALLEST_WIDTH = np.finfo(np.float32).tiny


def to_environment_units(actions: Action, low: Action, high: Action) -> Action:
    """The actions that `UnitBox` makes of ``actions`` (..., A) in [-1, 1], of an environment with these bounds (A,)."""
    center, half = ((high + low) / 2).astype(np.float32), ((high - low) / 2).astype(np.float32)
    return center + actions * half if np.any(center != 0) or np.any(half != 1) else actions


def to_unit_box(actions: Action, low: Action, high: Action) -> Action:
    """The way back: ``actions`` (..., A) in the environment's units, to [-1, 1].

    A component whose bounds (A,) are equal has one value only, which becomes 0.
    """
    free = high - low >= _SMALLEST_WIDTH
    width = np.where(free, high - low, 1).astype(np.float32)
    scaled: Action = (actions - low) * (np.float32(2) / width) - np.float32(1)
    if not free.all():
        scaled[..., ~free] = 0
    return scaled


def in_bounds(action: Action, space: gymnasium.Space[Any]) -> NDArray[Any]:
    """A copy of ``action`` (A,) in the number type of the Box ``space``, whose bounds it keeps after rounding too."""
    assert isinstance(space, Box)
    kept: NDArray[Any] = np.clip(action.astype(space.dtype), space.low, space.high)
    return kept


class UnitBox(gymnasium.Wrapper[Observations, Action, NDArray[Any], NDArray[Any]]):
    """Observations as float32 or float64 and actions from [-1, 1], scaled to the environment's bounds.

    Gymnasium's RescaleAction and DtypeObservation do the same in two layers and cost a sixth of a cheap
    environment's step.

    The environment gets an array of its own, of the number type of its action space, and what it returns is copied:
    what it writes to either later is seen by nobody else.
    """

    def __init__(self, env: RawEnvironment) -> None:
        """Wrap ``env``, whose spaces must be one-dimensional boxes, the action box bounded."""
        super().__init__(env)
        observations, actions = env.observation_space, env.action_space
        assert isinstance(observations, Box)
        assert isinstance(actions, Box)
        low, high = as_observations(observations.low), as_observations(observations.high)
        self.observation_space = Box(low, high, dtype=low.dtype.type)
        self.action_space = Box(-1.0, 1.0, actions.shape, np.float32)
        self._dtype = actions.dtype
        low, high = (
            actions.low.astype(np.float64),
            actions.high.astype(np.float64),
        )  # float16's sums may overflow
        self._center, self._half = (high + low) / 2, (high - low) / 2
        self._rescales = bool(np.any(self._center != 0) or np.any(self._half != 1))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, Any]]:
        """Start an episode.

        Raises:
            EnvironmentFailure: As `take_reset`.
        """
        return take_reset(self.env.reset(seed=seed, options=options))

    def step(self, action: Action) -> tuple[Observations, float, bool, bool, dict[str, Any]]:
        """Act for one step; ``action`` (A,) in [-1, 1].

        Raises:
            EnvironmentFailure: As `take_step`.
        """
        scaled = self._center + action * self._half if self._rescales else action.copy()
        return take_step(self.env.step(scaled.astype(self._dtype, copy=False)))

    def save_state(self) -> saved_state.SavedState:
        """The state that the environment is in, within an episode or before the first one.

        Raises:
            TaskError: If it holds something that cannot be saved; the message says what.
        """
        return saved_state.save_state(self.env)

    def restore_state(self, state: saved_state.SavedState) -> None:
        """Puts the environment into a ``state`` of itself, or of another one of the same task."""
        saved_state.restore_state(self.env, state)
