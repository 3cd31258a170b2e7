"""The RLlib algorithm: pretraining on offline trajectories, then rollouts and updates in turns (paper §4, Alg. 1)."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self, TypeVar
from unittest import mock

import numpy as np
import ray
from ray import cloudpickle
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.utils.metrics import (
    ENV_RUNNER_RESULTS,
    EPISODE_LEN_MEAN,
    EPISODE_RETURN_MEAN,
    EVALUATION_RESULTS,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
)

from vitamin.algorithms.methods import Phase
from vitamin.algorithms.rllib.checkpoint import read_replay, read_state, read_tensors, write_checkpoint
from vitamin.algorithms.rllib.collection import collect, stage
from vitamin.algorithms.rllib.config import OfflineToOnlineConfig
from vitamin.algorithms.rllib.dispatch import Dispatcher
from vitamin.algorithms.rllib.evaluation import PREFIX, Evaluation, evaluation_units
from vitamin.algorithms.rllib.learner import ReplayLearner
from vitamin.algorithms.rllib.processes import EnvRunners, call_learners, end_processes, start_failure
from vitamin.algorithms.rllib.schedule import Progress, Schedule
from vitamin.algorithms.rllib.work import WorkUnit, joined_successes
from vitamin.errors import RunError

T = TypeVar("T")

_FIRST_PART = 8
_PART_S = 10.0
_PROBE_S = 1.0


class OfflineToOnline(Algorithm):
    """Trains any row of the method table.

    Attributes:
        record: Metrics of the last iteration, flat, as in the run folder's metrics.jsonl.
        evaluation: Evaluation at the end of the last iteration; None if none was due.
        progress: Where the run stands.
        on_updates: Called during an iteration's updates with the actor updates done so far and their number.
    """

    config: OfflineToOnlineConfig
    record: dict[str, Any]
    evaluation: Evaluation | None
    progress: Progress
    on_updates: Callable[[int, int], None]
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
        with mock.patch("ray.rllib.algorithms.algorithm.EnvRunnerGroup", EnvRunners):
            super().setup(config)
        self.hyperparameters = self.config.hyperparameters()
        method = self.config.get_method()
        self.schedule = Schedule(
            self.hyperparameters,
            warms_up=method.network == "future_transformer",
            critic_steps=self.hyperparameters.actor_update_interval if method.gradient else 1,
        )
        self.progress = Progress()
        self.record, self.evaluation, self._last_evaluation = {}, None, dict[str, float]()
        self.on_updates = _unwatched
        self._seconds_per_update: float | None = None
        assert self.env_runner_group is not None
        self.dispatcher = Dispatcher(
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
        # While others work, one that is not back yet is not waited for.
        patience = _PROBE_S if env_runner_group.healthy_env_runner_ids() else None
        return list(env_runner_group.probe_unhealthy_env_runners(patience))

    @property
    def phase(self) -> Phase:
        """Phase of the next iteration."""
        return self.schedule.phase(self.progress)

    @property
    def finished(self) -> bool:
        """Whether the online budget is spent."""
        return self.schedule.finished(self.progress)

    def training_step(self) -> None:
        """One iteration: collect (online), update, hand the new weights out, evaluate when due."""
        phase, progress = self.phase, self.progress
        before = progress.env_steps
        timings: dict[str, float] = {}
        metrics: dict[str, float] = {}
        self.evaluation = None
        with _timed(timings, "time/iteration_s"):
            if phase == "online":
                with _timed(timings, "time/sample_s"):
                    metrics |= self._collect()
            updates = self.schedule.actor_updates(progress, progress.env_steps - before)
            with _timed(timings, "time/update_s"):
                metrics |= self._update(phase, updates)
            with _timed(timings, "time/sync_s"):
                self._publish_weights()
            progress.iteration += 1
            progress.gradient_updates += updates
            if self.schedule.evaluation_due(progress, phase):
                with _timed(timings, "time/evaluate_s"):
                    self.evaluation = self.run_evaluation(phase)
                metrics |= self.evaluation.metrics(self.config.reference_scores)
        self.record = {"phase": phase, **asdict(progress), **metrics, **timings}

    def _collect(self) -> dict[str, float]:
        """Rolls out, hands the trajectories to the learners, and counts them."""
        schedule, progress = self.schedule, self.progress
        iteration, target_return = progress.iteration, schedule.online_target_return(progress)
        episodes, guided = self.hyperparameters.envs_per_unit, schedule.jump_start_steps(progress)

        def unit(index: int) -> WorkUnit:
            return WorkUnit("online", iteration, index, episodes, target_return, guided)

        results = collect(self.dispatcher, unit, schedule.env_steps(progress))
        stage(
            results,
            lambda references: self.call_learners(lambda learner: learner.stage(references)),
            self.dispatcher,
            unit,
        )
        returns = [value for result in results for value in result.returns]
        lengths = [value for result in results for value in result.lengths]
        progress.env_steps += sum(result.num_steps for result in results)
        progress.episodes += len(returns)
        metrics = {
            "rollout/return_mean": float(np.mean(returns)),
            "rollout/length_mean": float(np.mean(lengths)),
        }
        if self.hyperparameters.curriculum_target_return is not None:
            metrics["rollout/target_return"] = target_return
        if self.hyperparameters.jump_start_steps:
            metrics["rollout/jump_start_steps"] = float(guided)
        successes = joined_successes(results)
        return metrics if successes is None else metrics | {"rollout/success_rate": float(np.mean(successes))}

    def _update(self, phase: Phase, updates: int) -> dict[str, float]:
        """The iteration's updates: one remote call, or several of about ten seconds, so that a user sees them pass.

        The learner sums metrics over the calls, so the result does not depend on where they are cut.
        """
        done = 0
        while done < updates:
            pace = self._seconds_per_update
            part = min(updates - done, _FIRST_PART if pace is None else max(1, int(_PART_S / pace)))
            start = time.perf_counter()
            self._fit(phase, part)
            self._seconds_per_update = (time.perf_counter() - start) / part
            done += part
            self.on_updates(done, updates)
        return self.call_learners(lambda learner: learner.take_metrics())[0]

    def _fit(self, phase: Phase, part: int) -> None:
        self.call_learners(lambda learner: learner.fit(phase, part))

    def _publish_weights(self) -> None:
        if self.config.num_learners > 0:
            # Put into the object store by the first learner, past the driver.
            answers = self.call_learners(
                lambda learner: ray.put(learner.policy_weights()) if learner.rank == 0 else None
            )
            weights: Any = next(answer for answer in answers if answer is not None)
        else:
            weights = self.call_learners(lambda learner: learner.policy_weights())[0]
            if self.config.num_env_runners > 0:
                weights = ray.put(weights)
        self.dispatcher.publish(weights)

    def run_evaluation(self, phase: Phase) -> Evaluation:
        """Rolls out ``eval_episodes`` episodes with the mean action.

        Raises:
            EnvironmentFailure: If an environment raised or returned values that are not finite.
        """
        settings, progress = self.hyperparameters, self.progress
        results = self.dispatcher.run(evaluation_units(settings, progress.iteration))
        return Evaluation.of(results, phase, progress, settings.eval_target_return)

    def evaluate(self, parallel_train_future: Any = None) -> dict[str, Any]:
        """RLlib's entry point: evaluates the current policy now, outside the schedule."""
        phase: Phase = (
            "pretrain" if self.progress.iteration <= self.schedule.pretrain_iterations else "online"
        )
        metrics = self.run_evaluation(phase).metrics(self.config.reference_scores)
        return {EVALUATION_RESULTS: {name.removeprefix(PREFIX): value for name, value in metrics.items()}}

    def step(self) -> dict[str, Any]:
        """RLlib's results, plus the record's values in nested keys, and ``done`` when the budget is spent.

        Evaluation results repeat in iterations without an evaluation, so that Tune schedulers always find them.
        """
        results: dict[str, Any] = super().step()
        nested = _nested(self.record)
        if "evaluation" in nested:
            self._last_evaluation = nested["evaluation"]
        results[NUM_ENV_STEPS_SAMPLED_LIFETIME] = self.progress.env_steps
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
        state = self._identity() | {
            "progress": asdict(self.progress),
            "learner": counters,
            "last_evaluation": self._last_evaluation,
        }
        write_checkpoint(folder, tensors, replay, state)
        (folder / self.METADATA_FILE_NAME).write_text(
            json.dumps(self.get_metadata() | {"checkpoint_version": "2.1"}), encoding="utf-8"
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
        self._last_evaluation = state.get("last_evaluation", {})
        self._iteration = self.progress.iteration
        self._publish_weights()

    @classmethod
    def from_checkpoint(cls, path: Any, *args: Any, **kwargs: Any) -> Self:
        """Builds an algorithm from a checkpoint of your own: this unpickles its config."""
        directory = path.to_directory() if hasattr(path, "to_directory") else path
        # Past Algorithm.from_checkpoint, which insists on RLlib's own state file.
        algorithm: Self = super(Algorithm, cls).from_checkpoint(directory, *args, **kwargs)
        return algorithm


def _unwatched(done: int, total: int) -> None:
    """What `OfflineToOnline.on_updates` does until somebody watches."""


def _nested(record: dict[str, Any]) -> dict[str, Any]:
    """``{"a/b": 1}`` as ``{"a": {"b": 1}}``."""
    nested: dict[str, Any] = {}
    for name, value in record.items():
        *groups, key = name.split("/")
        target = nested
        for group in groups:
            target = target.setdefault(group, {})
        target[key] = value
    return nested


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    """Writes the seconds spent in the block to ``timings[name]``."""
    start = time.perf_counter()
    yield
    timings[name] = time.perf_counter() - start
