"""The agent behind stand-ins for D4RL's medium data: stable-baselines3's SAC, trained until it is good enough.

A training is kept below the dataset cache after each evaluation, so that it can be interrupted, continued with
another budget, and used for ``medium`` and ``medium-replay`` data alike.
"""

import json
import math
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import Env, Wrapper
from numpy.typing import NDArray

from vitamin.algorithms.rollouts.environment import CheckedEnvironment
from vitamin.errors import DatasetError, SettingsError
from vitamin.files import per_process, replacing
from vitamin.platform.datasets.cache import cache_directory, locked
from vitamin.platform.datasets.hdf5 import RawDataset
from vitamin.platform.environments import action_bounds, describe_environment, make_environment
from vitamin.platform.environments.unit_box import Action, to_environment_units
from vitamin.platform.room import require_memory
from vitamin.platform.tasks.task import Task

if TYPE_CHECKING:
    from stable_baselines3 import SAC

Progress = Callable[[int, int | None], None]
"""Called with the steps done and the steps in all."""

_MEDIUM_SCORE = 33.0
_STATE = "training.json"
_PER_STEP = ("observations", "actions", "rewards", "terminals", "timeouts", "next_observations")


@dataclass(frozen=True)
class Recipe:
    """How good the agent is to be, and how long it may train.

    Attributes:
        target_score: Normalized score at which the training ends; by default 33, about a third of the expert's
            as in D4RL's medium data.
        target_return: Mean return at which it ends instead, for tasks without reference scores.
        max_train_steps: Steps within which it must get there.
        evaluation_interval: Steps between evaluations.
        evaluation_episodes: Episodes of an evaluation, with sampled actions as in the data.
    """

    target_score: float | None = None
    target_return: float | None = None
    max_train_steps: int = 1_000_000
    evaluation_interval: int = 2000
    evaluation_episodes: int = 10

    def check(self) -> None:
        """Checks the numbers.

        Raises:
            SettingsError: If a target is not finite, which no training reaches, or there is no step to train.
        """
        for name, value in (("target-score", self.target_score), ("target-return", self.target_return)):
            if value is not None and not math.isfinite(value):
                raise SettingsError(f"--{name} must be a finite number, not {value}.")
        if self.max_train_steps < 1:
            raise SettingsError(f"--max-train-steps must be 1 at least, not {self.max_train_steps}.")

    def goal(self, task: Task) -> float:
        """The mean return to be reached.

        Raises:
            SettingsError: If both targets are given, or a score for a task without reference scores.
        """
        if self.target_return is not None:
            if self.target_score is not None:
                raise SettingsError("--target-score and --target-return exclude each other.")
            return self.target_return
        if task.reference_min is None or task.reference_max is None:
            raise SettingsError(
                f"{task.name} has no reference scores: say with --target-return R at which mean return the"
                " training is to end."
            )
        share = (_MEDIUM_SCORE if self.target_score is None else self.target_score) / 100
        return task.reference_min + share * (task.reference_max - task.reference_min)


@dataclass(frozen=True)
class TrainedSAC:
    """The agent at the first evaluation that reached the goal.

    Attributes:
        act: Samples an action (A,), in the environment's units, for an observation (S,).
        steps: Environment steps of its training.
        mean_return: Of that evaluation.
        replay: Every step of its training, in D4RL's layout.
    """

    act: Callable[[NDArray[Any]], NDArray[Any]]
    steps: int
    mean_return: float
    replay: RawDataset


def train_sac(
    task: Task, recipe: Recipe, seed: int, progress: Progress, report: Callable[[str], None]
) -> TrainedSAC:
    """A SAC agent with stable-baselines3's defaults, on the CPU, that has reached the recipe's goal.

    What an earlier call with the same seed has trained in the same environment is taken up.

    Raises:
        SettingsError: If stable-baselines3 is missing, memory cannot hold the steps of so long a training, or as
            `Recipe.check` and `Recipe.goal`.
        TaskError: If the environment cannot be made.
        EnvironmentFailure: If it raises, or returns what Gymnasium's interface does not say or is not finite.
        DatasetError: If the goal is not reached in time (what was trained is kept), the training diverges, or files
            cannot be written.
    """
    try:
        import stable_baselines3  # noqa: F401
    except ImportError as error:
        raise SettingsError(
            'Medium data is made with stable-baselines3, which is not installed: pip install "vitamin[sac]"'
        ) from error
    recipe.check()
    goal = recipe.goal(task)
    steps = recipe.max_train_steps
    require_memory(steps * describe_environment(task).step_bytes, f"{steps} training steps in {task.env_id}")
    folder = _training_folder(task, seed)
    with (
        locked(folder),
        closing(_Checked(make_environment(task), task)) as env,
        closing(_Checked(make_environment(task), task)) as evaluation_env,
    ):
        training = _Training(folder, seed, env)
        while (found := training.first_above(goal)) is None and training.steps < recipe.max_train_steps:
            if not training.running:
                report(
                    f"SAC in {task.env_id}, until its mean return is {goal:.1f}, from step {training.steps}. It is"
                    f" saved in {folder} every {recipe.evaluation_interval} steps; the same command continues it."
                )
            mean_return = training.advance(recipe, evaluation_env, progress)
            report(f"{training.steps} steps: mean return {mean_return:.1f}")
        if found is None:
            raise DatasetError(_not_reached(training, task, recipe, goal))
        return training.result(*found, task)


class _Checked(Wrapper[Any, Any, Any, Any]):
    """An environment of SAC's, whose failures become `EnvironmentFailure`; info is empty."""

    def __init__(self, env: Env[Any, Any], task: Task) -> None:
        super().__init__(env)
        assert env.observation_space.shape is not None
        size = env.observation_space.shape[0]
        self._checked = CheckedEnvironment(env, f"The environment {task.env_id}", size)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:  # noqa: ARG002
        """Begins an episode."""
        return self._checked.reset(seed), {}

    def step(self, action: Any) -> Any:
        """One step."""
        return *self._checked.step(action), {}


class _Training:
    """A training in its folder.

    Attributes:
        steps: Environment steps so far.
        evaluations: (steps, mean return) of each evaluation, in order.
    """

    def __init__(self, folder: Path, seed: int, env: Env[Any, Any]) -> None:
        self.folder = folder
        self._seed, self._env = seed, env
        self._agent: SAC | None = None
        self.evaluations = _read_state(folder)
        self.steps = self.evaluations[-1][0] if self.evaluations else 0

    @property
    def running(self) -> bool:
        """Whether agent and replay are in memory."""
        return self._agent is not None

    def first_above(self, goal: float) -> tuple[int, float] | None:
        """The first evaluation that reached ``goal``. It beat all before it, so its agent is kept."""
        return next((entry for entry in self.evaluations if entry[1] >= goal), None)

    def advance(self, recipe: Recipe, evaluation_env: Env[Any, Any], progress: Progress) -> float:
        """Trains up to the next evaluation and saves; its mean return."""
        from stable_baselines3.common.evaluation import evaluate_policy
        from stable_baselines3.common.logger import Logger
        from stable_baselines3.common.monitor import Monitor

        agent = self._agent = self._agent or self._start(recipe.max_train_steps)
        agent.set_logger(Logger(None, []))  # its own makes a folder among the temporary files

        def tell(*_: object) -> bool:
            progress(agent.num_timesteps, recipe.max_train_steps)
            return True

        before = self.steps
        more = min(recipe.evaluation_interval, recipe.max_train_steps - before)
        try:
            agent.learn(more, callback=tell, reset_num_timesteps=False)
        except ValueError as error:  # torch's distributions refuse NaN
            raise DatasetError(
                f"SAC's training in {self._env.spec and self._env.spec.id} broke off after {agent.num_timesteps} steps,"
                f" most likely because it diverged ({str(error).splitlines()[0]}). Try another seed, or rewards of a"
                " size near 1."
            ) from error
        self.steps = agent.num_timesteps
        evaluation_env.reset(seed=self._seed + 1)
        returns, _ = evaluate_policy(
            agent,
            Monitor(evaluation_env),
            recipe.evaluation_episodes,
            deterministic=False,
            return_episode_rewards=True,
        )
        mean_return = float(np.mean(returns))
        self._save(agent, before, mean_return)
        return mean_return

    def result(self, steps: int, mean_return: float, task: Task) -> TrainedSAC:
        """The agent after ``steps`` steps, which must be kept, and its replay."""
        from stable_baselines3 import SAC

        agent = SAC.load(self._agent_file(steps), device="cpu")
        agent.set_random_seed(self._seed)
        low, high = action_bounds(task)

        def in_units(actions: Action) -> Action:
            return to_environment_units(actions, low, high)

        def act(observation: NDArray[Any]) -> NDArray[Any]:
            return in_units(agent.predict(observation.astype(np.float32), deterministic=False)[0])

        replay = self._replay(steps)
        return TrainedSAC(act, steps, mean_return, replace(replay, actions=in_units(replay.actions)))

    def _start(self, capacity: int) -> "SAC":
        """A new agent, or the saved one in a new episode."""
        from stable_baselines3 import SAC

        if not self.steps:
            return SAC("MlpPolicy", self._env, buffer_size=capacity, seed=self._seed, device="cpu")
        agent = SAC.load(self._agent_file(self.steps), env=self._env, device="cpu", buffer_size=capacity)
        agent.set_random_seed(self._seed + self.steps)
        self._cut_episode()
        replay, buffer = self._replay(self.steps), agent.replay_buffer
        assert buffer is not None
        assert replay.timeouts is not None
        kept = slice(self.steps)
        for name in ("observations", "next_observations", "actions", "rewards", "timeouts"):
            getattr(buffer, name)[kept, 0] = getattr(replay, name)
        buffer.dones[kept, 0] = replay.terminals | replay.timeouts
        buffer.pos, buffer.full = self.steps % capacity, self.steps == capacity
        return agent

    def _save(self, agent: "SAC", before: int, mean_return: float) -> None:
        """Writes what is new; the state last, so that all that it names is there."""
        buffer, new = agent.replay_buffer, slice(before, self.steps)
        assert buffer is not None
        timeouts = buffer.timeouts[new, 0] != 0
        steps = {
            "observations": buffer.observations[new, 0],
            "actions": buffer.actions[new, 0],
            "rewards": buffer.rewards[new, 0],
            "terminals": (buffer.dones[new, 0] != 0) & ~timeouts,
            "timeouts": timeouts,
            "next_observations": buffer.next_observations[new, 0],
        }
        kept = [at for at, value in self.evaluations if value == self._best(at)]
        _replace(self._replay_file(self.steps), lambda file: np.savez_compressed(file, **steps))
        _replace(self._agent_file(self.steps), agent.save)
        self.evaluations.append((self.steps, mean_return))
        state = json.dumps({"evaluations": self.evaluations}, indent=1).encode()
        _replace(self.folder / _STATE, lambda file: file.write(state))
        if before and before not in kept:
            self._agent_file(before).unlink(missing_ok=True)

    def _best(self, steps: int) -> float:
        """Best mean return of the evaluations up to ``steps``."""
        return max(value for at, value in self.evaluations if at <= steps)

    def _cut_episode(self) -> None:
        """Ends the episode in which the training was interrupted with a timeout."""
        file = self._replay_file(self.steps)
        with np.load(file) as stored:
            steps = dict(stored)
        steps["timeouts"][-1] = not steps["terminals"][-1]
        _replace(file, lambda stream: np.savez_compressed(stream, **steps))

    def _replay(self, steps: int) -> RawDataset:
        """The first ``steps`` steps, with actions in the unit box."""
        parts = []
        for at, _ in self.evaluations:
            if at <= steps:
                with np.load(self._replay_file(at)) as stored:
                    parts.append(dict(stored))
        return RawDataset(**{name: np.concatenate([part[name] for part in parts]) for name in _PER_STEP})

    def _agent_file(self, steps: int) -> Path:
        return self.folder / f"agent-{steps:08d}.zip"

    def _replay_file(self, steps: int) -> Path:
        """Of the steps from the evaluation before to the one after ``steps`` steps."""
        return self.folder / f"replay-{steps:08d}.npz"


def _training_folder(task: Task, seed: int) -> Path:
    """One for each environment and seed; tasks that differ in their data only share it."""
    variant = "".join(f"-{value}" for value in task.env_kwargs.values())
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{task.env_id}{variant}-seed{seed}")
    return cache_directory() / "sac" / name


def _read_state(folder: Path) -> list[tuple[int, float]]:
    try:
        folder.mkdir(exist_ok=True)
        state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        return [(int(steps), float(mean_return)) for steps, mean_return in state["evaluations"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"The SAC training in {folder} cannot be read ({error}). Delete the folder to start anew."
        ) from None


def _replace(path: Path, write: Callable[[Any], object]) -> None:
    """Writes a file that is there as a whole or not at all."""
    try:
        with replacing(path, per_process(path)) as part, part.open("wb") as file:
            write(file)
    except OSError as error:
        raise DatasetError(
            f"Cannot write {path}: {error.strerror}. Free space or check permissions; the same command continues"
            " the training."
        ) from None


def _not_reached(training: _Training, task: Task, recipe: Recipe, goal: float) -> str:
    if not training.evaluations:
        return f"SAC has not been trained: --max-train-steps is {recipe.max_train_steps}."
    steps, best = max(training.evaluations, key=lambda entry: entry[1])
    return (
        f"SAC did not reach a mean return of {goal:.1f}{_as_score(task, goal)} in {task.env_id} within"
        f" {training.steps} steps. Its best was {best:.1f}{_as_score(task, best)} after {steps} steps. The training"
        f" is kept in {training.folder}: the same command with a larger --max-train-steps continues it,"
        f" and with --target-return={math.floor(best * 10) / 10:.1f} takes the best agent so far."
    )


def _as_score(task: Task, value: float) -> str:
    score = task.normalized_score(value)
    return "" if score is None else f" (normalized score {score:.1f})"
