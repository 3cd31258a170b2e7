"""Trying a task's environment out before anything long begins: its mistakes are told at once, in one sentence."""

import inspect
from typing import Any

import gymnasium
import numpy as np

from vitamin.algorithms.data.normalization import Observations
from vitamin.algorithms.randomness import Stream, global_generators
from vitamin.algorithms.rollouts.environment import CheckedEnvironment
from vitamin.algorithms.rollouts.step_values import take_step
from vitamin.errors import EnvironmentFailure
from vitamin.platform.environments.make import closed_again, make_environment
from vitamin.platform.environments.unit_box import Action
from vitamin.platform.tasks.task import Task

_SEED = 0


def probe_environment(task: Task) -> tuple[str, ...]:
    """Makes the task's environment, begins two episodes with one seed, takes a step, and closes it again.

    Returns:
        What a user should know of it, a sentence each.

    Raises:
        TaskError: As `make_environment`, and if it cannot be closed.
        EnvironmentFailure: If the environment raises, or does not keep to Gymnasium's interface: ``reset(seed=...,
            options=...)`` gives a finite observation of the size of its space and a dictionary; ``step(action)`` such
            an observation, one finite number, two flags and a dictionary.
    """
    name = f"The environment {task.env_id}"
    try:
        with global_generators(_SEED, Stream.ENVIRONMENTS):
            env = make_environment(task)
        with closed_again(env):
            return _play(env, name)
    except SystemExit as exit_:
        raise EnvironmentFailure(f"{name} ends the process: it calls sys.exit({exit_.code}).") from exit_


def _play(env: gymnasium.Env[Observations, Action], name: str) -> tuple[str, ...]:
    assert env.observation_space.shape is not None
    checked = CheckedEnvironment(env, name, env.observation_space.shape[0])
    env.action_space.seed(_SEED)
    try:
        first, again = _begin(checked), _begin(checked)
        with global_generators(_SEED, Stream.ENVIRONMENTS):
            checked.step(env.action_space.sample())
    except EnvironmentFailure as failure:
        if isinstance(failure.__cause__, TypeError | ValueError):
            _check_interface(env.unwrapped, name)
        raise
    notices = [checked.notice] if checked.notice and not checked.undecided else []
    if not np.array_equal(first, again):
        notices.append(
            f"{name} does not begin alike when it is reset twice with one seed: results will not repeat, not even after"
            " --resume. Draw from self.np_random after super().reset(seed=seed)."
        )
    return tuple(notices)


def _begin(environment: CheckedEnvironment) -> Observations:
    with global_generators(_SEED, Stream.ENVIRONMENTS):
        return environment.reset(_SEED)


def _check_interface(env: Any, name: str) -> None:
    """Names the interface of gym before 0.26 where Gymnasium's wrappers fail with whatever Python says of it."""
    parameters = inspect.signature(env.reset).parameters.values()
    taken = {parameter.name for parameter in parameters}
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    if missing := [word for word in ("seed", "options") if word not in taken and not takes_all]:
        raise EnvironmentFailure(
            f"{name} has a reset() without {' and '.join(missing)}, as in gym before 0.26. Gymnasium's is"
            " reset(*, seed=None, options=None) and returns observation and info."
        )
    try:
        env.reset(seed=_SEED, options=None)
        result = env.step(env.action_space.sample())
    except Exception:  # noqa: BLE001 (the caller has it already)
        return
    try:
        take_step(result)
    except EnvironmentFailure as failure:
        raise EnvironmentFailure(f"{name} {failure} (at step 1 of its episode).") from failure
