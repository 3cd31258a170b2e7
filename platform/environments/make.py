"""Making environments, and the errors of making them."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from vitamin.algorithms.data.normalization import Observations
from vitamin.algorithms.randomness import Stream, global_generators
from vitamin.algorithms.rollouts.environment import require_restorable
from vitamin.errors import TaskError
from vitamin.platform.environments.mujoco_log import route_mujoco_warnings
from vitamin.platform.environments.unit_box import Action, RawEnvironment, UnitBox
from vitamin.platform.tasks.extras import require_extra
from vitamin.platform.tasks.task import Task

_UNBOUNDED = 1e9
"""Bounds that many environments state for want of any: the largest integer or float, 1e10, 1e30, infinity."""


@dataclass(frozen=True)
class EnvironmentDescription:
    """An environment's description of itself: S, the action bounds (A numbers each), the time limit if any."""

    observation_size: int
    action_low: tuple[float, ...]
    action_high: tuple[float, ...]
    max_episode_steps: int | None

    @property
    def step_bytes(self) -> int:
        """Size of a step in a dataset: two observations in float64, action and reward in float32, two flags."""
        return 8 * 2 * self.observation_size + 4 * (len(self.action_low) + 1) + 2


def known_environments() -> list[str]:
    """The ids that Gymnasium has registered."""
    return list(gymnasium.registry)


def make_environment(task: Task, render_mode: str | None = None) -> gymnasium.Env[Observations, Action]:
    """The task's environment with its time limit, observations (S,) as float32 or float64 and actions (A,) in [-1, 1].

    Args:
        task: The task.
        render_mode: Gymnasium's, ``rgb_array`` for videos.

    Raises:
        TaskError: If the environment or its package is missing, its spaces are not one-dimensional boxes, or
            its sizes and bounds differ from the task's, or its actions are not floating point numbers in bounds.
    """
    env = make_raw_environment(task, render_mode)
    _described(env, task)
    return UnitBox(env)


def make_raw_environment(task: Task, render_mode: str | None = None) -> RawEnvironment:
    """The task's environment in its own units, with its time limit.

    Raises:
        TaskError: If the environment or its package is missing.
    """
    require_extra(task)
    route_mujoco_warnings()
    options: dict[str, Any] = {"max_episode_steps": task.max_episode_steps, "disable_env_checker": True}
    if render_mode is not None:  # environments without pictures need not know the argument
        options["render_mode"] = render_mode
    with warnings.catch_warnings():
        # D4RL's data belongs to the v4 environments, whatever newer versions there are.
        warnings.filterwarnings("ignore", message=".*is out of date.*", category=DeprecationWarning)
        try:
            if task.adapter is None:
                return gymnasium.make(task.env_id, **options, **task.env_kwargs)
            # Adapters need MuJoCo, which not every environment does.
            from vitamin.platform.environments.adapters import ADAPTERS

            return ADAPTERS[task.adapter](task, **options)
        except (ImportError, gymnasium.error.DependencyNotInstalled) as error:
            raise TaskError(
                f"The environment {task.env_id} needs a package that is missing: {error}"
            ) from error
        except Exception as error:
            raise TaskError(
                f"The environment {task.env_id} cannot be made: {type(error).__name__}: {error}"
            ) from error


def check_restorable(task: Task) -> None:
    """Checks that the states of the task's environment can be saved and restored.

    Raises:
        TaskError: If not; the message says why. And as `make_environment`.
    """
    with closed_again(make_environment(task)) as env:
        env.reset(seed=0)
        require_restorable(env)


def describe_environment(task: Task) -> EnvironmentDescription:
    """Sizes, bounds and time limit of the task's environment, which is made and closed again.

    Raises:
        TaskError: As `make_environment`.
    """
    # It happens once in each process: what it takes from global generators must not change what comes after.
    with global_generators(0, Stream.ENVIRONMENTS), closed_again(make_raw_environment(task)) as env:
        return _described(env, task)


@contextmanager
def closed_again(env: gymnasium.Env[Any, Any]) -> Iterator[gymnasium.Env[Any, Any]]:
    """``env``, which is closed at the end of the block.

    Raises:
        TaskError: If it cannot be closed.
    """
    try:
        yield env
    except BaseException:
        with suppress(Exception):
            env.close()
        raise
    try:
        env.close()
    except Exception as error:
        name = env.spec.id if env.spec is not None else type(env.unwrapped).__name__
        raise TaskError(
            f"The environment {name} cannot be closed: {type(error).__name__}: {error}"
        ) from error


def described_task(name: str, suite: str, env_id: str) -> Task:
    """A task with what its environment says of itself; without data, reference scores and settings.

    Raises:
        TaskError: As `describe_environment`, and if the environment has no time limit, without which an episode, and
            with it a run, might never end.
    """
    task = Task(name=name, suite=suite, env_id=env_id)
    found = describe_environment(task)
    if found.max_episode_steps is None:
        raise TaskError(
            f"{name} has no time limit, so that an episode might never end."
            " Register its environment with one: gymnasium.register(..., max_episode_steps=1000)."
        )
    return replace(
        task,
        max_episode_steps=found.max_episode_steps,
        observation_size=found.observation_size,
        action_size=len(found.action_low),
        action_low=found.action_low,
        action_high=found.action_high,
    )


def action_bounds(task: Task) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lower and upper bounds of the actions in the environment's units, (A,) each.

    Raises:
        TaskError: If the task does not hold them and the environment cannot be made.
    """
    low, high = task.action_low, task.action_high
    if low is None or high is None:
        description = describe_environment(task)
        low, high = description.action_low, description.action_high
    return np.asarray(low, np.float32), np.asarray(high, np.float32)


def _described(env: RawEnvironment, task: Task) -> EnvironmentDescription:
    """The description of ``env``, after checking that it is of a supported kind and agrees with the task."""
    observations, actions = env.observation_space, env.action_space
    for what, space in (("observations", observations), ("actions", actions)):
        if not isinstance(space, Box) or len(space.shape) != 1:
            raise TaskError(f"{task.env_id} has {what} {space}; supported are one-dimensional Box spaces.")
        if not space.shape[0]:
            raise TaskError(
                f"{task.env_id} has no {what}: {space}. Supported are Box spaces of at least one number."
            )
    assert isinstance(observations, Box)
    assert isinstance(actions, Box)
    _check_actions(actions, task)
    description = EnvironmentDescription(
        observation_size=observations.shape[0],
        action_low=tuple(actions.low.astype(float).tolist()),
        action_high=tuple(actions.high.astype(float).tolist()),
        max_episode_steps=env.spec.max_episode_steps if env.spec is not None else None,
    )
    _check_against_task(description, task)
    return description


def _check_actions(space: Box, task: Task) -> None:
    if not np.issubdtype(space.dtype, np.floating):
        raise TaskError(
            f"{task.env_id} has actions {space}; supported are Box spaces of floating point numbers."
            " Give it such a space, and let it round what it gets."
        )
    for component, (low, high) in enumerate(zip(space.low.tolist(), space.high.tolist(), strict=True)):
        where = f"component {component} lies between {low:g} and {high:g}"
        if not low <= high:
            raise TaskError(f"{task.env_id} has actions whose bounds are not in order: {where}.")
        if max(abs(low), abs(high)) >= _UNBOUNDED:
            raise TaskError(
                f"{task.env_id} has actions without bounds: {where}. Supported are bounds below {_UNBOUNDED:g} in"
                " size, between which actions are scaled and random ones drawn: give its action space real ones."
            )


def _check_against_task(found: EnvironmentDescription, task: Task) -> None:
    for what, stated, actual in (
        ("observation size", task.observation_size, found.observation_size),
        ("action size", task.action_size, len(found.action_low)),
        ("lower action bounds", task.action_low, found.action_low),
        ("upper action bounds", task.action_high, found.action_high),
    ):
        if stated is not None and stated != actual:
            raise TaskError(f"{task.env_id} has {what} {actual}, but the task {task.name} states {stated}.")
