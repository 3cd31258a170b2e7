"""Making real data on the spot: rollouts of a policy in a task's environment, in D4RL's layout."""

import os
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from vitamin.errors import DatasetError, SettingsError, nearest
from vitamin.platform.datasets.cache import cache_directory, cached_path, install, make_directory
from vitamin.platform.datasets.hdf5 import RawDataset, write_raw
from vitamin.platform.datasets.provenance import STAND_IN_ATTRIBUTE, describe
from vitamin.platform.environments import describe_environment, make_raw_environment
from vitamin.platform.tasks.task import Task

POLICIES = ("random",)
_REPORT_EVERY = 1000
Progress = Callable[[int, int | None], None]
"""Called with the steps done and the steps in all."""


def collect_dataset(
    task: Task,
    *,
    policy: str = "random",
    steps: int,
    seed: int = 0,
    out: Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write ``steps`` steps of ``policy`` to a file that says in its attributes that it is a stand-in.

    The file is as D4RL's own: actions in the environment's units, a timeout where the time limit cut an
    episode off, and no flag at the end of an unfinished last episode.

    Args:
        task: The task whose environment is used.
        policy: ``random``: uniform over the action bounds.
        steps: N.
        seed: Of the actions and of the environment.
        out: The file to write; by default the task's place in the cache, if this policy's data belongs there.
        force: Replace a file that is there.
        progress: Told about steps.

    Raises:
        SettingsError: If there is no such policy.
        TaskError: If the environment cannot be made.
        DatasetError: If ``out`` exists or cannot be written, no episode was finished, or the task's published
            dataset is of another kind and ``out`` is not given.
    """
    if policy not in POLICIES:
        raise SettingsError(
            f"Unknown policy {policy!r}.{nearest(policy, POLICIES)} Policies: {', '.join(POLICIES)}."
        )
    path = out if out is not None else _place_in_cache(task, policy)
    if path.exists() and not force:
        raise DatasetError(f"{path} exists. Add --force to replace it, or give another file with --out.")
    make_directory(path)
    collected = _random_steps(task, steps, seed, progress)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        write_raw(part, collected, _attributes(task, policy, seed))
        if path.parent == cache_directory():
            install(part, path, describe(part, f"collected with the {policy} policy (stand-in)"))
        else:
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _place_in_cache(task: Task, policy: str) -> Path:
    if task.dataset_kind not in (None, policy):
        raise DatasetError(
            f"{task.name} stands for data of kind {task.dataset_kind}, which {policy} actions are not."
            " Write them elsewhere with --out FILE."
        )
    return cached_path(task)


def _random_steps(task: Task, steps: int, seed: int, progress: Progress | None) -> RawDataset:
    """``steps`` steps with uniform random actions."""
    described = describe_environment(task)
    env = make_raw_environment(task)
    width, low, high = described.observation_size, described.action_low, described.action_high
    actions = np.random.default_rng(seed).uniform(low, high, (steps, len(low))).astype(np.float32)
    observations = np.empty((steps, width), np.float32)
    next_observations = np.empty((steps, width), np.float32)
    rewards = np.empty(steps, np.float32)
    terminals, timeouts = np.zeros(steps, bool), np.zeros(steps, bool)

    observation, _ = env.reset(seed=seed)
    for step, action in enumerate(actions):
        observations[step] = observation
        observation, rewards[step], terminated, truncated, _ = env.step(action)
        next_observations[step] = observation
        if terminated or truncated:
            terminals[step], timeouts[step] = terminated, truncated and not terminated
            observation, _ = env.reset()
        if progress is not None and (step + 1) % _REPORT_EVERY == 0:
            progress(step + 1, steps)
    env.close()
    if not (terminals | timeouts).any():
        raise DatasetError(
            f"{steps} steps in {task.env_id} did not finish one episode. Collect more with --steps."
        )
    return RawDataset(observations, actions, rewards, terminals, timeouts, next_observations)


def _attributes(task: Task, policy: str, seed: int) -> dict[str, str | int | bool]:
    versions = {package: _version(package) for package in ("gymnasium", "mujoco", "numpy")}
    return {
        STAND_IN_ATTRIBUTE: True,
        "algorithm": f"{policy} policy",
        "environment": task.env_id,
        "task": task.name,
        "seed": seed,
        **{f"{package}_version": number for package, number in versions.items()},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
