"""Evaluating a run's policy: from the files of a checkpoint, without Ray and without unpickling anything."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import gymnasium
import torch
from torch import Tensor

from vitamin.algorithms.assembly import build_policy
from vitamin.algorithms.combinations import ignored_settings
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.footprint import NetworkSize, policy_size
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import get_method
from vitamin.algorithms.models.policy import PolicyNetwork
from vitamin.algorithms.randomness import Stream, generator, global_generators
from vitamin.algorithms.rllib.checkpoint import read_state, read_tensors
from vitamin.algorithms.rollouts.environment import Environment
from vitamin.algorithms.rollouts.outcomes import Outcomes
from vitamin.algorithms.rollouts.rollout import rollout_unit
from vitamin.algorithms.seeds import check_seed
from vitamin.algorithms.setting_types import LARGEST_NUMBER
from vitamin.algorithms.threads import torch_threads
from vitamin.algorithms.training.schedule import Schedule
from vitamin.analysis import schema
from vitamin.analysis.folders import find_folders
from vitamin.analysis.manifest import changed_files, damage
from vitamin.analysis.schema import RunInfo
from vitamin.errors import RunError, SettingsError
from vitamin.machine import machine_memory
from vitamin.platform.environments import make_environment, probe_environment
from vitamin.platform.experiments.checkpoints import chosen_checkpoint, latest_checkpoint
from vitamin.platform.experiments.spec import ExperimentSpec, read_config
from vitamin.platform.tasks import Task

PRETRAINED: Final = "pretrained"
CheckpointName = int | Literal["pretrained"]
"""Which checkpoint of a run: that of an iteration, or the one with which pretraining ended."""

_POLICY = "module/networks.policy."
_ACTION_BIASES = ("head.action.bias", "head.loc.bias")


def _ignore(*_: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Agent:
    """The policy of a checkpoint, ready to act.

    Attributes:
        spec: What the run was asked for.
        task: Its task.
        hyperparameters: Its settings.
        checkpoint: Folder of the checkpoint.
        env_steps: Online environment steps after which it was written.
        policy: In evaluation mode.
        observation_mean: (S,), of the offline data.
        observation_std: (S,), likewise.
    """

    spec: ExperimentSpec
    task: Task
    hyperparameters: Hyperparameters
    checkpoint: Path
    env_steps: int
    policy: PolicyNetwork
    observation_mean: Tensor
    observation_std: Tensor

    @property
    def name(self) -> str:
        """Name of the run's folder."""
        return self.checkpoint.resolve().parents[1].name

    @property
    def iteration(self) -> int:
        """Iteration after which the checkpoint was written."""
        return int(self.checkpoint.name)

    @property
    def blind_to_returns(self) -> str | None:
        """Why the policy does not look at returns-to-go, as half a sentence; None if it does."""
        if not self.hyperparameters.return_conditioning:
            return "return_conditioning is off"
        return ignored_settings(get_method(self.spec.method)).get("eval_target_return")

    def check_target_return(self, target_return: float | None) -> None:
        """Checks that a target return, if one is asked for, is a number that matters to the policy.

        Raises:
            SettingsError: If the policy does not look at returns-to-go, or it is not finite.
        """
        if target_return is not None and not abs(target_return) <= LARGEST_NUMBER:
            raise SettingsError(f"A target return must be a finite number, not {target_return}.")
        if target_return is not None and self.blind_to_returns is not None:
            raise SettingsError(
                f"A target return makes no sense for {self.name}: {self.blind_to_returns}. Leave it out."
            )

    def rollout(
        self,
        environments: Sequence[Environment],
        *,
        seed: int,
        unit: int,
        target_return: float | None,
        explore: bool = False,
        stream: Stream = Stream.EVALUATION,
        tell: Callable[[str], None] = _ignore,
    ) -> Trajectories:
        """One episode in each environment, with the mean action unless it is to explore.

        Seed, stream, iteration and unit key the episodes as in training: with the run's seed and
        ``eval_envs_per_unit`` environments they are those of the run's own evaluation after that iteration. ``tell``
        is called with what the user should know of the environments.

        Raises:
            EnvironmentFailure: If an environment raises or returns values that are not finite.
        """
        settings, key = self.hyperparameters, (seed, stream, self.iteration, unit)
        with torch_threads(settings.rollout_threads), global_generators(*key):
            return rollout_unit(
                environments,
                self.policy,
                hyperparameters=settings,
                observation_mean=self.observation_mean,
                observation_std=self.observation_std,
                target_return=settings.eval_target_return if target_return is None else target_return,
                explore=explore,
                rng=generator(*key),
                tell=tell,
            )


@dataclass(frozen=True, kw_only=True)
class EvaluationResult(Outcomes):
    """Episodes of one evaluation.

    Attributes:
        normalized_scores: D4RL's score of each episode; None if the task has no reference scores.
    """

    normalized_scores: tuple[float, ...] | None


def evaluate_run(
    run: Path,
    *,
    episodes: int | None = None,
    seed: int = 0,
    checkpoint: CheckpointName | None = None,
    target_return: float | None = None,
    report: Callable[[str], None] = _ignore,
) -> EvaluationResult:
    """Rolls out the policy of a run: `load_agent`, then `evaluate_agent`."""
    agent = load_agent(run, checkpoint=checkpoint, report=report)
    return evaluate_agent(agent, episodes=episodes, seed=seed, target_return=target_return, report=report)


def evaluate_agent(
    agent: Agent,
    *,
    episodes: int | None = None,
    seed: int = 0,
    target_return: float | None = None,
    progress: Callable[[int, int | None], None] = _ignore,
    report: Callable[[str], None] = _ignore,
) -> EvaluationResult:
    """Rolls out episodes with the mean action; equal arguments give equal results.

    Args:
        agent: The policy.
        episodes: How many; by default ``eval_episodes`` of the run's settings.
        seed: Key of the episodes.
        target_return: Return-to-go at the start, in scaled-reward units; by default ``eval_target_return``.
        progress: Called with the episodes done and their total.
        report: Called with what the user should know of the environment, a sentence each.

    Raises:
        EnvironmentFailure: If an environment raises or returns values that are not finite.
        RunError: If the environment's sizes are not those of the policy.
        SettingsError: If the seed is out of range, there are no episodes, or a target return is not finite or one that
            the policy does not look at.
        TaskError: If the environment cannot be made.
    """
    check_seed(seed)
    agent.check_target_return(target_return)
    notices = list(probe_environment(agent.task))
    total = agent.hyperparameters.eval_episodes if episodes is None else episodes
    if total < 1:
        raise SettingsError(f"An evaluation has one episode at least, not {total}.")
    width = min(agent.hyperparameters.eval_envs_per_unit, total)
    units: list[Trajectories] = []
    with open_environments(agent, width, seed) as environments:
        for unit, start in enumerate(range(0, total, width)):
            batch = environments[: total - start]
            units.append(
                agent.rollout(batch, seed=seed, unit=unit, target_return=target_return, tell=notices.append)
            )
            progress(start + len(batch), total)
    for notice in dict.fromkeys(notices):
        report(notice)
    episodes_done = Trajectories.concatenate(units)
    scores = [agent.task.normalized_score(value) for value in episodes_done.returns.tolist()]
    return EvaluationResult.of(
        episodes_done,
        agent.hyperparameters.discount,
        normalized_scores=tuple(score for score in scores if score is not None) or None,
    )


def load_agent(
    run: Path, *, checkpoint: CheckpointName | None = None, report: Callable[[str], None] = _ignore
) -> Agent:
    """The policy of a run folder.

    Args:
        run: The folder.
        checkpoint: Iteration of the checkpoint, or that with which pretraining ended; by default the newest whole one.
        report: Called with a sentence on files that changed since the run wrote them, and for each damaged checkpoint
            that is passed over.

    Raises:
        RunError: If there is no run or no whole checkpoint, files contradict each other, or a file is damaged
            or of an unknown schema.
        SettingsError: If ``config.yaml`` cannot be read.
        TaskError: If the run's task does not exist here.
    """
    info = _run_info(run)
    if damaged := damage(changed_files(run)):
        report(f"{run}: {damaged}")
    spec = read_config(run / schema.CONFIG_FILE)
    _check_same("config.yaml", run, info, spec.task, spec.method)
    settings = spec.hyperparameters()
    if checkpoint == PRETRAINED:
        iteration = Schedule(settings).pretrain_iterations
        folder = chosen_checkpoint(run, iteration, f"iteration {iteration}, with which pretraining ends")
    elif checkpoint is not None:
        folder = chosen_checkpoint(run, checkpoint, f"iteration {checkpoint}")
    else:
        folder = latest_checkpoint(run, report)
    state = _state(folder)
    _check_same(f"checkpoint {folder.name}", run, info, state.get("task"), state.get("method"))
    tensors = {name: torch.from_numpy(array) for name, array in read_tensors(folder).items()}
    weights = {
        name.removeprefix(_POLICY): tensor for name, tensor in tensors.items() if name.startswith(_POLICY)
    }
    try:
        mean, std = tensors["module/observation_mean"], tensors["module/observation_std"]
        action_size = next(len(weights[name]) for name in _ACTION_BIASES if name in weights)
        _check_policy_size(weights, policy_size(len(mean), action_size, get_method(spec.method), settings))
        policy = build_policy(len(mean), action_size, get_method(spec.method), settings)
        policy.load_state_dict(weights)
        env_steps = int(state["progress"]["env_steps"])
    except (LookupError, RuntimeError, StopIteration, TypeError, ValueError) as error:
        raise RunError(
            f"{folder} does not hold the policy that {run / schema.CONFIG_FILE} describes."
        ) from error
    return Agent(spec, spec.scored_task(), settings, folder, env_steps, policy.eval(), mean, std)


@contextmanager
def open_environments(agent: Agent, count: int, seed: int) -> Iterator[list[gymnasium.Env[Any, Any]]]:
    """Environments of the agent's task, made as those of a run with this seed, and closed at the end of the block.

    Raises:
        RunError: As `check_sizes`.
        TaskError: If an environment cannot be made.
    """
    environments = []
    with ExitStack() as stack:
        for number in range(count):
            with global_generators(seed, Stream.ENVIRONMENTS, number):
                environments.append(stack.enter_context(closing(make_environment(agent.task))))
        check_sizes(agent, environments[0])
        yield environments


def _check_policy_size(weights: Mapping[str, Tensor], size: NetworkSize) -> None:
    """Refuses to build a policy that is not that of the weights, however large it is said to be.

    Raises:
        RuntimeError: As PyTorch where weights do not fit.
    """
    held = sum(tensor.numel() for tensor in weights.values() if tensor.is_floating_point())
    if size.trained != held or size.nbytes_at_rest > machine_memory():
        raise RuntimeError(f"{size.trained} parameters are described, {held} are there")


def check_sizes(agent: Agent, environment: "object") -> None:
    """Compares an environment with the policy.

    Raises:
        RunError: If observations or actions have another size.
    """
    sizes = tuple(getattr(environment, name).shape[0] for name in ("observation_space", "action_space"))
    own = len(agent.observation_mean), agent.policy.action_size
    if sizes != own:
        raise RunError(
            f"{agent.checkpoint} was trained with {own[0]} observations and {own[1]} actions; "
            f"{agent.task.name} has {sizes[0]} and {sizes[1]} here."
        )


def _run_info(run: Path) -> RunInfo:
    if not run.is_dir():
        raise RunError(f"There is no run folder {run}.")
    if (run / schema.RUN_FILE).is_file():
        return RunInfo.read(run)
    below = [str(folder) for folder in find_folders(run).runs]
    hint = f" Runs below it: {', '.join(below[:3])}{' …' if below[3:] else ''}" if below else ""
    raise RunError(f"{run} holds no run: it has no {schema.RUN_FILE}.{hint}")


def _state(checkpoint: Path) -> dict[str, Any]:
    try:
        return read_state(checkpoint)
    except (AttributeError, RecursionError) as error:
        raise RunError(f"{checkpoint} is damaged: its state.json holds no state.") from error


def _check_same(what: str, run: Path, info: RunInfo, task: str | None, method: str | None) -> None:
    if (task, method) != (info.task, info.method):
        raise RunError(
            f"The {what} of {run} belongs to {task} with {method}, its {schema.RUN_FILE} to {info.task} with "
            f"{info.method}: files of two runs were mixed."
        )
