"""Making data on the spot: acting in a task's environment, written down in D4RL's layout as a stand-in."""

import shutil
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitamin.algorithms.data.normalization import Observations
from vitamin.algorithms.randomness import Stream, global_generators
from vitamin.algorithms.rollouts.environment import CheckedEnvironment
from vitamin.algorithms.seeds import check_seed
from vitamin.errors import DatasetError, SettingsError, nearest
from vitamin.files import per_process, put_in_place
from vitamin.platform.datasets.cache import cache_directory, cached_path, install, make_way
from vitamin.platform.datasets.checks import check_dataset
from vitamin.platform.datasets.columns import fits_float32
from vitamin.platform.datasets.hdf5 import RawDataset, write_raw
from vitamin.platform.datasets.policies import MEDIUM_REPLAY, POLICIES, RANDOM
from vitamin.platform.datasets.provenance import STAND_IN_ATTRIBUTE, describe
from vitamin.platform.datasets.sac import Progress, Recipe, TrainedSAC, train_sac
from vitamin.platform.environments import (
    action_bounds,
    describe_environment,
    make_raw_environment,
    probe_environment,
)
from vitamin.platform.environments.unit_box import in_bounds
from vitamin.platform.room import require_memory
from vitamin.platform.tasks.task import Task

_REPORT_EVERY = 1000
Act = Callable[[NDArray[Any]], NDArray[Any]]
"""From an observation (S,) to an action (A,) in the environment's units."""


def _ignore(*_: object) -> None:
    """Nobody listens."""


def collect_dataset(
    task: Task,
    *,
    policy: str = RANDOM,
    steps: int | None = None,
    seed: int = 0,
    recipe: Recipe | None = None,
    out: Path | None = None,
    force: bool = False,
    progress: Progress = _ignore,
    report: Callable[[str], None] = _ignore,
) -> Path:
    """Write steps of a policy to a file that says in its attributes that it is a stand-in.

    The file is as D4RL's own: actions in the environment's units, a timeout where the time limit cut an
    episode off, and no flag at the end of an unfinished last episode.

    Args:
        task: The task whose environment is used.
        policy: ``random``: uniform over the action bounds. ``medium``: actions sampled from a SAC agent that is
            trained until it is as good as ``recipe`` says. ``medium-replay``: every step of that training.
        steps: N; for ``medium-replay`` the length of the training decides.
        seed: Of actions, environment and training. On the CPU, equal arguments give equal data, also of environments
            that draw from Python's, NumPy's or torch's global generators.
        recipe: How good the agent is to be, and how long it may train; by default that of D4RL's medium data.
        out: The file to write; by default the task's place in the cache, if this policy's data belongs there.
        force: Replace a file that is there.
        progress: Told about steps, of the training first.
        report: Called with a sentence for each evaluation of the training, and with what the user should know of the
            environment.

    Raises:
        SettingsError: If there is no such policy, what it needs is not given or not installed, a number is out of
            range, or memory or disk cannot hold the steps.
        TaskError: If the environment cannot be made.
        EnvironmentFailure: If it raises, or returns what Gymnasium's interface does not say or is not finite.
        DatasetError: If ``out`` exists or cannot be written, no episode was finished, the training did not reach
            its goal, or the task's published dataset is of another kind and ``out`` is not given.
    """
    if policy not in POLICIES:
        raise SettingsError(
            f"Unknown policy {policy!r}.{nearest(policy, POLICIES)} Policies: {', '.join(POLICIES)},"
            " or the folder of a run."
        )
    if (steps is None) != (policy == MEDIUM_REPLAY):
        raise SettingsError(
            f"The policy {policy} needs a number of steps: --steps N."
            if steps is None
            else f"{policy} is the whole replay of the training; --max-train-steps bounds it, not --steps."
        )
    check_seed(seed)
    if recipe is not None:
        recipe.check()
    path = destination(task, policy, out, force=force)
    if steps is not None:
        check_room(task, steps, path)
    for notice in probe_environment(task):
        report(notice)
    with global_generators(seed, Stream.COLLECTION):
        if policy == RANDOM:
            assert steps is not None
            raw = act_in(task, _random_actions(task, seed), steps, seed, progress)
            return write_stand_in(path, raw, task, {"algorithm": "random policy", "seed": seed})
        trained = train_sac(task, recipe or Recipe(), seed, progress, report)
        reached = f"SAC stopped at mean return {trained.mean_return:.1f}"
        if policy == MEDIUM_REPLAY:
            raw, algorithm = trained.replay, f"replay of {reached}"
        else:
            assert steps is not None
            raw, algorithm = act_in(task, trained.act, steps, seed, progress), reached
    return write_stand_in(path, raw, task, _sac_attributes(trained) | {"algorithm": algorithm, "seed": seed})


def usual_policy(task: Task) -> str:
    """The policy whose data stands in for the task's published dataset; ``random`` where there is none.

    Raises:
        DatasetError: If the published data is of a kind that cannot be made here.
    """
    kind = task.dataset_kind or RANDOM
    if kind not in POLICIES:
        raise DatasetError(
            f"{task.name} stands for data of kind {kind}, which cannot be made here."
            f" `vitamin data fetch {task.name}` downloads the published file; `--policy random --out FILE`, or"
            " `--policy RUN --out FILE` with the folder of a run, writes other data of its environment."
        )
    return kind


def destination(task: Task, kind: str | None, out: Path | None, *, force: bool) -> Path:
    """The file that is to be written, in a folder that exists.

    Args:
        task: The task.
        kind: Of published data, for which the new data stands in; None for none.
        out: The user's choice; None for the task's place in the cache.
        force: Whether a file may be there already.

    Raises:
        DatasetError: If the task stands for other data, or a file is there, or it cannot be written.
    """
    if out is None and task.dataset_kind not in (None, kind):
        raise DatasetError(
            f"{task.name} stands for data of kind {task.dataset_kind}, which this is not."
            " Write it elsewhere with --out FILE."
        )
    path = out if out is not None else cached_path(task)
    make_way(path, force=force)
    return path


def check_room(task: Task, steps: int, path: Path) -> None:
    """Checks that memory and the disk of ``path`` can hold ``steps`` steps of the task.

    Raises:
        SettingsError: If not, or if there are none.
        TaskError: If the task's environment has to be asked for its sizes and cannot be made.
    """
    if steps < 1:
        raise SettingsError(f"{steps} steps are no data. Ask for one step at least.")
    described = describe_environment(task)
    size = steps * described.step_bytes
    require_memory(size, f"{steps} steps in {task.env_id}")
    free = shutil.disk_usage(path.parent).free
    if size > free:
        raise SettingsError(
            f"{steps} steps in {task.env_id} take up to {size / 1e9:,.1f} GB on the disk of {path.parent}, which has"
            f" {free / 1e9:,.1f} GB free. Ask for fewer, or write them elsewhere."
        )


def write_stand_in(path: Path, raw: RawDataset, task: Task, attributes: dict[str, Any]) -> Path:
    """Write collected data to ``path``; attributes must name the ``algorithm``, which becomes part of the label.

    Raises:
        DatasetError: If it holds no finished episode or anything that is not finite, or cannot be written.
    """
    assert raw.timeouts is not None
    try:
        check_dataset(raw, path, task)
    except DatasetError as error:
        raise DatasetError(f"What was collected cannot be used, and is not written. {error}") from error
    if not (raw.terminals | raw.timeouts).any():
        raise DatasetError(
            f"{len(raw.rewards)} steps in {task.env_id} did not finish one episode. Collect more steps."
        )
    packages = {f"{name}_version": _version(name) for name in ("gymnasium", "mujoco", "numpy")}
    known = {STAND_IN_ATTRIBUTE: True, "environment": task.env_id, "task": task.name}
    part = per_process(path)
    try:
        write_raw(part, raw, known | packages | attributes)
        if path.parent == cache_directory():
            install(part, path, describe(part, f"collected: {attributes['algorithm']} (stand-in)"))
        else:
            put_in_place(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def act_in(task: Task, act: Act, steps: int, seed: int, progress: Progress) -> RawDataset:
    """``steps`` steps in the task's environment, one episode after the other.

    Raises:
        EnvironmentFailure: If the environment raises, or returns what Gymnasium's interface does not say or is not
            finite.
    """
    described = describe_environment(task)
    observations: Observations = np.empty((steps, described.observation_size))
    next_observations: Observations = np.empty_like(observations)
    actions = np.empty((steps, len(described.action_low)), np.float32)
    rewards = np.empty(steps, np.float32)
    terminals, timeouts = np.zeros(steps, bool), np.zeros(steps, bool)

    with closing(make_raw_environment(task)) as raw:
        env = CheckedEnvironment(raw, f"The environment {task.env_id}", described.observation_size)
        observation = env.reset(seed)
        for step in range(steps):
            observations[step] = observation
            actions[step] = act(observation)
            given = in_bounds(actions[step], raw.action_space)
            observation, rewards[step], terminated, truncated = env.step(given)
            next_observations[step] = observation
            if terminated or truncated:
                terminals[step], timeouts[step] = terminated, truncated and not terminated
                observation = env.reset(None)
            if (step + 1) % _REPORT_EVERY == 0:
                progress(step + 1, steps)
    if all(fits_float32(array) for array in (observations, next_observations)):
        observations = observations.astype(np.float32)
        next_observations = next_observations.astype(np.float32)
    return RawDataset(observations, actions, rewards, terminals, timeouts, next_observations)


def _random_actions(task: Task, seed: int) -> Act:
    (low, high), rng = action_bounds(task), np.random.default_rng(seed)

    def act(_: NDArray[Any]) -> NDArray[Any]:
        return rng.uniform(low, high)

    return act


def _sac_attributes(trained: TrainedSAC) -> dict[str, Any]:
    return {
        "training_steps": trained.steps,
        "policy_return": trained.mean_return,
        "stable_baselines3_version": _version("stable-baselines3"),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
