"""The RLlib algorithm: pretraining on offline trajectories, then rollouts and updates in turns (paper §4, Alg. 1)."""

import itertools
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import ray
from ray import cloudpickle
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.utils.metrics import (
    ENV_RUNNER_RESULTS,
    EPISODE_LEN_MEAN,
    EPISODE_RETURN_MEAN,
    EVALUATION_RESULTS,
)

from vitamin.algorithms.methods import Phase
from vitamin.algorithms.rllib.checkpoint import read_replay, read_state, read_tensors, write_checkpoint
from vitamin.algorithms.rllib.collect import Collector
from vitamin.algorithms.rllib.config import OfflineToOnlineConfig
from vitamin.algorithms.rllib.learner import ReplayLearner
from vitamin.algorithms.rllib.processes import call_learners, end_processes, start_failure
from vitamin.algorithms.rllib.work import Purpose, UnitResult, WorkUnit, joined_successes
from vitamin.errors import RunError, WorkerFailure

T = TypeVar("T")

_MAX_LOSSES = 5


@dataclass
class Progress:
    """Where a run stands; with weights, optimizers and replay this is the whole state.

    Attributes:
        iteration: Iterations done.
        env_steps: Environment steps of the online phase, evaluation not counted.
        episodes: Episodes of the online phase.
        gradient_updates: Actor updates.
    """

    iteration: int = 0
    env_steps: int = 0
    episodes: int = 0
    gradient_updates: int = 0


@dataclass(frozen=True)
class Evaluation:
    """Episodes of one evaluation, in the environment's reward units.

    Attributes:
        phase: Phase of the iteration after which it was made.
        target_return: Return-to-go at the start of each episode, in scaled-reward units.
        discounted_returns: With the run's discount.
        successes: Whether each episode reached its goal; None if the environment does not say.
    """

    phase: Phase
    iteration: int
    env_steps: int
    gradient_updates: int
    target_return: float
    returns: tuple[float, ...]
    lengths: tuple[int, ...]
    discounted_returns: tuple[float, ...] = ()
    successes: tuple[bool, ...] | None = None


class OfflineToOnline(Algorithm):
    """Trains any row of the method table.

    After each ``train()``, ``record`` holds the iteration's metrics (flat; the run folder's metrics.jsonl), and
    ``evaluation`` its evaluation, if there was one.
    """

    config: OfflineToOnlineConfig
    record: dict[str, Any]
    evaluation: Evaluation | None
    _logdir: Any

    @classmethod
    def get_default_config(cls) -> OfflineToOnlineConfig:
        """TD3+ODT with the paper's MuJoCo settings."""
        return OfflineToOnlineConfig()

    def setup(self, config: Any) -> None:
        """Starts env runners and learners, and loads the offline data into each learner.

        Raises:
            VitaminError: What kept a process from starting, or is wrong with the data. Nothing is left running then.
        """
        try:
            self._start(config)
        except BaseException as error:
            failure = start_failure(error, self.env_runner_group)
            self.cleanup()
            if failure is not None:
                raise failure from error
            raise

    def _start(self, config: Any) -> None:
        super().setup(config)
        self.hyperparameters = self.config.hyperparameters()
        self.progress = Progress()
        self.record, self.evaluation, self._last_evaluation = {}, None, dict[str, Any]()
        assert self.env_runner_group is not None
        self.collector = Collector(
            self.env_runner_group,
            lambda: self.restore_env_runners(self.env_runner_group),
            timeout_s=self.config.sample_timeout_s,
            patience_s=self.config.env_runner_restore_timeout_s,
        )
        self.data = self.call_learners(lambda learner: learner.load_offline_data())[0]
        self._publish_weights()

    def _setup_logdir(self) -> None:
        # As Trainable's, but for the folder that it makes in ~/ray_results for each algorithm outside Tune.
        self._logdir = self._storage.trial_working_directory if self._storage else tempfile.gettempdir()

    def cleanup(self) -> None:
        """Ends env runners and learners; waits a few seconds at most for one that hangs."""
        end_processes(self.env_runner_group, self.learner_group)
        super().cleanup()

    def call_learners(self, function: Callable[[ReplayLearner], T]) -> list[T]:
        """Calls ``function`` on every learner.

        Raises:
            VitaminError: What a learner raised.
            WorkerFailure: If a learner died.
        """
        assert self.learner_group is not None
        return call_learners(self.learner_group, function, max(1, self.config.num_learners))

    def restore_env_runners(self, env_runner_group: Any) -> list[int]:
        """Takes restarted env runners back into use; they need no state, since weights come with each unit."""
        return list(env_runner_group.probe_unhealthy_env_runners())

    @property
    def pretrain_iterations(self) -> int:
        """Iterations of the pretraining phase; at least one, which evaluates the initial policy."""
        settings = self.hyperparameters
        return max(1, -(-settings.pretrain_updates // settings.pretrain_updates_per_iteration))

    @property
    def phase(self) -> Phase:
        """Phase of the next iteration."""
        return "pretrain" if self.progress.iteration < self.pretrain_iterations else "online"

    @property
    def finished(self) -> bool:
        """Whether the online budget is spent."""
        return self.phase == "online" and self.progress.env_steps >= self.hyperparameters.online_steps

    def training_step(self) -> None:
        """One iteration: collect (online), update, hand the new weights out, evaluate when due."""
        start = time.perf_counter()
        phase, progress = self.phase, self.progress
        timings: dict[str, float] = {}
        metrics: dict[str, float] = {}
        if phase == "online":
            with _Timed(timings, "time/sample_s"):
                metrics |= self._collect()
        with _Timed(timings, "time/update_s"):
            updates = self._updates(phase)
            metrics |= self.call_learners(lambda learner: learner.fit(phase, updates))[0]
        with _Timed(timings, "time/sync_s"):
            self._publish_weights()
        progress.iteration += 1
        progress.gradient_updates += updates
        self.evaluation = None
        if self._evaluation_due(phase):
            with _Timed(timings, "time/evaluate_s"):
                self.evaluation = self.run_evaluation(phase)
            metrics |= self._evaluation_metrics(self.evaluation)
        timings["time/iteration_s"] = time.perf_counter() - start
        self.record = {"phase": phase, **asdict(progress), **metrics, **timings}

    def _updates(self, phase: Phase) -> int:
        settings = self.hyperparameters
        if phase == "online":
            return settings.updates_per_iteration
        done = self.progress.iteration * settings.pretrain_updates_per_iteration
        return min(settings.pretrain_updates_per_iteration, settings.pretrain_updates - done)

    def _evaluation_due(self, phase: Phase) -> bool:
        iteration, first = self.progress.iteration, self.pretrain_iterations
        if phase == "pretrain":
            return iteration == first or iteration % self.hyperparameters.eval_interval == 0
        return self.finished or (iteration - first) % self.hyperparameters.eval_interval == 0

    def _publish_weights(self) -> None:
        remote_learner = self.config.num_learners > 0
        if remote_learner:
            weights: Any = self.call_learners(lambda learner: learner.policy_weights_reference())[0]
        else:
            weights = self.call_learners(lambda learner: learner.policy_weights())[0]
            if self.config.num_env_runners > 0:
                weights = ray.put(weights)
        self.collector.publish(weights)

    def _unit(self, purpose: Purpose, index: int, episodes: int) -> WorkUnit:
        settings = self.hyperparameters
        target = settings.online_target_return if purpose == "online" else settings.eval_target_return
        return WorkUnit(purpose, self.progress.iteration, index, episodes, target)

    def _collect(self) -> dict[str, float]:
        """Rolls units out until they hold enough steps and stages them on the learners.

        The result is the shortest sequence of units 0, 1, 2, … with enough steps. How many are computed at a time
        depends on the env runners; units beyond the sequence are dropped, so the result does not.
        """
        settings = self.hyperparameters
        minimum, results = settings.min_env_steps_per_iteration, list[UnitResult]()
        indices = itertools.count()
        while not results or sum(result.num_steps for result in results) < minimum:
            steps = sum(result.num_steps for result in results)
            wanted = -(-(minimum - steps) * len(results) // steps) if steps else 1
            wave = [
                self._unit("online", next(indices), settings.envs_per_unit)
                for _ in range(max(1, min(wanted, self.collector.parallelism)))
            ]
            for result in self.collector.run(wave):
                if not results or sum(done.num_steps for done in results) < minimum:
                    results.append(result)
        self._stage(results)
        returns = [value for result in results for value in result.returns]
        lengths = [value for result in results for value in result.lengths]
        self.progress.env_steps += sum(lengths)
        self.progress.episodes += len(returns)
        metrics = {
            "rollout/return_mean": float(np.mean(returns)),
            "rollout/length_mean": float(np.mean(lengths)),
        }
        successes = joined_successes(results)
        return metrics if successes is None else metrics | {"rollout/success_rate": float(np.mean(successes))}

    def _stage(self, results: list[UnitResult]) -> None:
        """Hands the trajectories to all learners; what was lost with a dead env runner is computed again.

        Raises:
            WorkerFailure: If trajectories are lost again and again.
        """
        for _ in range(_MAX_LOSSES):
            references = [result.trajectories for result in results if result.trajectories is not None]
            answers = self.call_learners(partial(_stage, references=references))
            lost = sorted(set().union(*answers))
            if not lost:
                return
            units = [self._unit("online", index, self.hyperparameters.envs_per_unit) for index in lost]
            for index, result in zip(lost, self.collector.run(units), strict=True):
                results[index] = result
        raise WorkerFailure(
            f"Rollouts were lost {_MAX_LOSSES} times in a row on their way to the learners: env runners or the object "
            "store fail. Look at the Ray logs, then resume the run."
        )

    def run_evaluation(self, phase: Phase) -> Evaluation:
        """Rolls out ``eval_episodes`` episodes with the mean action.

        Raises:
            EnvironmentFailure: If an environment raised or returned values that are not finite.
        """
        settings, progress = self.hyperparameters, self.progress
        sizes = [
            min(settings.eval_envs_per_unit, settings.eval_episodes - start)
            for start in range(0, settings.eval_episodes, settings.eval_envs_per_unit)
        ]
        results = self.collector.run([self._unit("evaluation", i, size) for i, size in enumerate(sizes)])
        return Evaluation(
            phase=phase,
            iteration=progress.iteration,
            env_steps=progress.env_steps,
            gradient_updates=progress.gradient_updates,
            target_return=settings.eval_target_return,
            returns=tuple(value for result in results for value in result.returns),
            lengths=tuple(value for result in results for value in result.lengths),
            discounted_returns=tuple(value for result in results for value in result.discounted_returns),
            successes=joined_successes(results),
        )

    def _evaluation_metrics(self, evaluation: Evaluation) -> dict[str, float]:
        metrics = {
            "evaluation/return_mean": float(np.mean(evaluation.returns)),
            "evaluation/return_std": float(np.std(evaluation.returns)),
            "evaluation/length_mean": float(np.mean(evaluation.lengths)),
            "evaluation/discounted_return_mean": float(np.mean(evaluation.discounted_returns)),
        }
        if evaluation.successes is not None:
            metrics["evaluation/success_rate"] = float(np.mean(evaluation.successes))
        if self.config.reference_scores:
            low, high = self.config.reference_scores
            metrics["evaluation/normalized_score"] = (
                100 * (metrics["evaluation/return_mean"] - low) / (high - low)
            )
        return metrics

    def evaluate(self, parallel_train_future: Any = None) -> dict[str, Any]:
        """RLlib's entry point: evaluates the current policy now, outside the schedule."""
        phase: Phase = "pretrain" if self.progress.iteration <= self.pretrain_iterations else "online"
        metrics = self._evaluation_metrics(self.run_evaluation(phase))
        return {
            EVALUATION_RESULTS: {name.removeprefix("evaluation/"): value for name, value in metrics.items()}
        }

    def step(self) -> dict[str, Any]:
        """RLlib's results, plus the record's values in nested keys, and ``done`` when the budget is spent.

        Evaluation results repeat in iterations without an evaluation, so that Tune schedulers always find them.
        """
        results: dict[str, Any] = super().step()
        nested: dict[str, Any] = {}
        for name, value in self.record.items():
            *groups, key = name.split("/")
            target = nested
            for group in groups:
                target = target.setdefault(group, {})
            target[key] = value
        if "evaluation" in nested:
            self._last_evaluation = nested["evaluation"]
        if "rollout" in nested:
            results.setdefault(ENV_RUNNER_RESULTS, {}).update(
                {
                    EPISODE_RETURN_MEAN: nested["rollout"]["return_mean"],
                    EPISODE_LEN_MEAN: nested["rollout"]["length_mean"],
                }
            )
        return results | nested | {"evaluation": self._last_evaluation, "done": self.finished}

    def _identity(self) -> dict[str, Any]:
        """What a checkpoint must share with the algorithm that takes it."""
        return {"task": self.config.env, "method": self.config.method}

    def save_to_path(
        self,
        path: str | Path | None = None,
        *,
        state: Any = None,
        filesystem: Any = None,
        use_msgpack: bool = False,
    ) -> str:
        """Writes a checkpoint: weights, optimizers, online replay, counters; see `checkpoint.py` for the files.

        ``class_and_ctor_args.pkl`` is there for ``from_checkpoint`` only, which is RLlib's and unpickles it: use that
        on your own files. ``restore_from_path`` reads no pickle.

        Raises:
            RunError: If a file cannot be written.
        """
        folder = Path(path) if path is not None else Path(tempfile.mkdtemp())
        folder.mkdir(parents=True, exist_ok=True)
        # Only the first learner's state is needed: they are in step.
        first = self.call_learners(lambda learner: learner.checkpoint() if learner.rank == 0 else None)
        tensors, replay, counters = next(answer for answer in first if answer is not None)
        state = self._identity() | {"progress": asdict(self.progress), "learner": counters}
        write_checkpoint(folder, tensors, replay, state)
        (folder / self.METADATA_FILE_NAME).write_text(
            json.dumps(self.get_metadata() | {"checkpoint_version": "2.1"})
        )
        with (folder / self.CLASS_AND_CTOR_ARGS_FILE_NAME).open("wb") as file:
            cloudpickle.dump(
                {"class": type(self), "ctor_args_and_kwargs": self.get_ctor_args_and_kwargs()}, file
            )
        return str(folder)

    def restore_from_path(self, path: str | Path, *args: Any, **kwargs: Any) -> None:
        """Takes the state of a checkpoint; training goes on bit for bit as if it had not stopped.

        Raises:
            RunError: If the checkpoint is damaged, or of another schema, task, method or other networks.
        """
        folder = Path(path)
        state = read_state(folder)
        for name, own in self._identity().items():
            if state.get(name) != own:
                raise RunError(f"{folder} is a checkpoint of the {name} {state.get(name)}, not of {own}.")
        # One copy in the object store for all learners; a local learner takes the arrays as they are.
        loaded: Any = (read_tensors(folder), read_replay(folder))
        if self.config.num_learners:
            loaded = ray.put(loaded)

        def restore(learner: ReplayLearner) -> None:
            tensors, replay = ray.get(loaded) if isinstance(loaded, ray.ObjectRef) else loaded
            learner.restore(tensors, replay, state["learner"])

        self.call_learners(restore)
        self.progress = Progress(**state["progress"])
        self._iteration = self.progress.iteration
        self._publish_weights()

    @classmethod
    def from_checkpoint(cls, path: Any, *args: Any, **kwargs: Any) -> Self:
        """Builds an algorithm from a checkpoint of your own: this unpickles its config."""
        directory = path.to_directory() if hasattr(path, "to_directory") else path
        # Past Algorithm.from_checkpoint, which insists on RLlib's own state file.
        algorithm: Self = super(Algorithm, cls).from_checkpoint(directory, *args, **kwargs)
        return algorithm


def _stage(learner: ReplayLearner, references: list[Any]) -> list[int]:
    return learner.stage(references)


class _Timed:
    """Adds the time spent in a block to ``timings[name]``."""

    def __init__(self, timings: dict[str, float], name: str) -> None:
        self.timings, self.name = timings, name

    def __enter__(self) -> None:
        self.start = time.perf_counter()

    def __exit__(self, *exception: object) -> None:
        self.timings[self.name] = time.perf_counter() - self.start
