"""Making data with the policy of a run."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.methods import METHODS, get_method
from vitamin.algorithms.randomness import Stream
from vitamin.algorithms.seeds import check_seed
from vitamin.errors import RunError, SettingsError
from vitamin.platform.datasets.collect import check_room, destination, write_stand_in
from vitamin.platform.datasets.hdf5 import RawDataset
from vitamin.platform.environments import action_bounds, probe_environment
from vitamin.platform.environments.unit_box import to_environment_units
from vitamin.platform.experiments.evaluate import Agent, open_environments
from vitamin.platform.tasks import Task

_ENVIRONMENTS = 10


def _ignore(*_: object) -> None:
    """Nobody listens."""


def collect_from_agent(
    agent: Agent,
    task: Task,
    *,
    steps: int,
    explore: bool = True,
    noise: float | None = None,
    return_to_go: float | None = None,
    seed: int = 0,
    out: Path | None = None,
    force: bool = False,
    progress: Callable[[int, int | None], None] = _ignore,
    report: Callable[[str], None] = _ignore,
) -> Path:
    """Write episodes of a run's policy to a file in D4RL's layout, labelled as a stand-in.

    Episodes are whole, so that there are at least as many steps as asked for; equal arguments give equal data.

    Args:
        agent: The policy.
        task: The task whose environment is used; the policy's own, or one with the same environment.
        steps: Environment steps to collect at least.
        explore: As in the run's online rollouts, with noise on the action or a sample of the distribution;
            otherwise the mean action.
        noise: Standard deviation of the noise on a deterministic policy's actions, in the unit box; by default
            the run's ``exploration_noise``.
        return_to_go: At the start of each episode, in scaled-reward units; by default the run's
            ``online_target_return`` if it explores, else its ``eval_target_return``.
        seed: Key of the episodes.
        out: The file to write; by default the task's place in the cache, if it has no published dataset.
        force: Replace a file that is there.
        progress: Told about steps.
        report: Called with what the user should know of the environment, a sentence each.

    Raises:
        SettingsError: If noise is given where none is added, or a target return that the policy does not look at, a
            number is out of range, or memory or disk cannot hold the steps.
        RunError: If the policy belongs to another environment.
        EnvironmentFailure: If an environment raises or returns values that are not finite.
        TaskError: If the environment cannot be made.
        DatasetError: If ``out`` exists, cannot be written, or is needed.
    """
    check_seed(seed)
    if noise is not None:
        agent = _with_noise(agent, noise, explore=explore)
    agent.check_target_return(return_to_go)
    _check_environment(agent, task)
    path = destination(task, None, out, force=force)
    check_room(task, steps, path)
    for notice in probe_environment(task):
        report(notice)
    settings = agent.hyperparameters
    usual = settings.online_target_return if explore else settings.eval_target_return
    target = usual if return_to_go is None else return_to_go
    units: list[Trajectories] = []
    done = 0
    with open_environments(agent, _ENVIRONMENTS, seed) as environments:
        while done < steps:
            units.append(
                agent.rollout(
                    environments,
                    seed=seed,
                    unit=len(units),
                    target_return=target,
                    explore=explore,
                    stream=Stream.COLLECTION,
                )
            )
            done += units[-1].num_steps
            progress(min(done, steps), steps)
    acting = "" if explore else ", mean action"
    attributes = {
        "algorithm": f"{METHODS[agent.spec.method].label} run {agent.name}{acting}",
        "seed": seed,
        "run": agent.name,
        "iteration": agent.iteration,
        "return_to_go": target,
        "exploration_noise": settings.exploration_noise if explore else 0.0,
    }
    return write_stand_in(path, _as_stored(Trajectories.concatenate(units), task), task, attributes)


def _with_noise(agent: Agent, noise: float, *, explore: bool) -> Agent:
    if not explore or get_method(agent.spec.method).policy != "deterministic":
        raise SettingsError("Noise goes with the exploration of a deterministic policy only.")
    if not 0 <= noise < math.inf:
        raise SettingsError(f"Noise must be a finite number that is not negative, not {noise}.")
    return replace(
        agent, hyperparameters=agent.hyperparameters.model_copy(update={"exploration_noise": noise})
    )


def _check_environment(agent: Agent, task: Task) -> None:
    own, asked = (
        (each.env_id, dict(each.env_kwargs), each.adapter, each.max_episode_steps)
        for each in (agent.task, task)
    )
    if own != asked:
        raise RunError(
            f"{agent.checkpoint} acts in the environment of {agent.task.name}, which is not that of {task.name}."
        )


def _as_stored(trajectories: Trajectories, task: Task) -> RawDataset:
    """Trajectories in D4RL's layout: actions in the environment's units, a timeout where no terminal ends."""
    ends = np.zeros(trajectories.num_steps, bool)
    ends[trajectories.offsets[1:] - 1] = True
    return RawDataset(
        observations=trajectories.observations,
        actions=to_environment_units(trajectories.actions, *action_bounds(task)),
        rewards=trajectories.rewards,
        terminals=trajectories.terminals,
        timeouts=ends & ~trajectories.terminals,
        next_observations=trajectories.next_observations,
    )
