"""The RLlib algorithm: pretraining on offline trajectories, then rollouts and updates in turns (paper §4, Alg. 1)."""

import copy
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, TypeVar

import numpy as np
import ray
import ray.rllib.algorithms.algorithm as algorithm_of_rllib
import torch
from ray.rllib.callbacks.utils import make_callback
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.utils.metrics import (
    ENV_RUNNER_RESULTS,
    EPISODE_LEN_MEAN,
    EPISODE_RETURN_MEAN,
    EVALUATION_RESULTS,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
)
from ray.tune import PlacementGroupFactory

from vitamin.algorithms.methods import Phase
from vitamin.algorithms.rllib.collection import stage
from vitamin.algorithms.rllib.config import OfflineToOnlineConfig
from vitamin.algorithms.rllib.dispatch import Dispatcher
from vitamin.algorithms.rllib.learner import ReplayLearner
from vitamin.algorithms.rllib.module import OfflineToOnlineModule
from vitamin.algorithms.rllib.overriding import overridden
from vitamin.algorithms.rllib.processes import EnvRunners, call_learners, end_processes, start_failure
from vitamin.algorithms.rllib.resources import check_resources
from vitamin.algorithms.rllib.restorable import RestorableAlgorithm
from vitamin.algorithms.rollouts.outcomes import Outcomes
from vitamin.algorithms.rollouts.units import WorkUnit, collect
from vitamin.algorithms.training.evaluation import PREFIX, Evaluation, evaluation_units
from vitamin.algorithms.training.schedule import Progress, Schedule
from vitamin.errors import SettingsError

T = TypeVar("T")

_FIRST_PART = 8
_PART_S = 10.0
_PROBE_S = 1.0


class OfflineToOnline(RestorableAlgorithm):
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
        return OfflineToOnlineConfig(cls)

    def __repr__(self) -> str:
        """As RLlib's, which fails if the config is refused: Ray then lost the reason with the actor."""
        return str(super().__repr__()) if self.config is not None else type(self).__name__  # type: ignore[no-untyped-call]

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
        # Not `self`'s: tune.with_resources puts what it was given in its place.
        request = OfflineToOnline.default_resource_request(self.config)
        assert isinstance(request, PlacementGroupFactory)
        check_resources(self.config, request)
        with overridden(algorithm_of_rllib, "EnvRunnerGroup", EnvRunners):
            super().setup(config)
        self.hyperparameters = self.config.hyperparameters()
        self.schedule = Schedule.of(self.config.get_method(), self.hyperparameters)
        self.progress = Progress()
        self.record, self.evaluation, self._last_evaluation = {}, None, dict[str, float]()
        self.on_updates = _unwatched
        self._seconds_per_update: float | None = None
        assert self.env_runner_group is not None
        self.dispatcher = Dispatcher(
            self.env_runner_group,
            self._revive,
            timeout_s=self.config.sample_timeout_s,
            patience_s=self.config.env_runner_restore_timeout_s,
        )
        self.data = self.call_learners(lambda learner: learner.load_offline_data())[0]
        self._publish_weights()

    def _setup_logdir(self) -> None:
        # As Trainable's, but for the folder that it makes in ~/ray_results for each algorithm outside Tune.
        self._logdir = self._storage.trial_working_directory if self._storage else tempfile.gettempdir()

    def reset_config(self, new_config: Any) -> bool:
        """Starts anew with other settings in the same process, for Tune's ``reuse_actors``."""
        config = self.get_default_config().update_from_dict(new_config)
        config.algo_class = type(self)
        config.validate()
        config.freeze()
        self.cleanup()
        self.config = config
        self.setup(config)
        return True

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

    def _revive(self) -> None:
        """Brings restarted env runners back in the middle of an iteration, as RLlib does before each."""
        assert self.env_runner_group is not None
        if restored := self.restore_env_runners(self.env_runner_group):
            self._make_on_env_runners_recreated_callbacks(
                config=self.config,
                env_runner_group=self.env_runner_group,
                restored_env_runner_indices=restored,
            )

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
            progress.count_updates(updates)
            if self.schedule.evaluation_due(progress, phase):
                with _timed(timings, "time/evaluate_s"):
                    self.evaluation = self.run_evaluation(phase)
                metrics |= self.evaluation.metrics(self.config.reference_scores)
        self.record = {"phase": phase, **asdict(progress), **metrics, **timings}

    def _collect(self) -> dict[str, float]:
        """Rolls out, hands the trajectories to the learners, and counts them."""
        schedule, progress = self.schedule, self.progress
        target_return, guided = schedule.online_target_return(progress), schedule.jump_start_steps(progress)

        def unit(index: int) -> WorkUnit:
            return schedule.online_unit(progress, index)

        results = collect(self.dispatcher, unit, schedule.env_steps(progress))
        stage(
            results,
            lambda references: self.call_learners(lambda learner: learner.stage(references)),
            self.dispatcher,
            unit,
        )
        outcomes = Outcomes.joined(results)
        progress.count_rollouts(results)
        metrics = {
            "rollout/return_mean": float(np.mean(outcomes.returns)),
            "rollout/length_mean": float(np.mean(outcomes.lengths)),
        }
        if self.hyperparameters.curriculum_target_return is not None:
            metrics["rollout/target_return"] = target_return
        if self.hyperparameters.jump_start_steps:
            metrics["rollout/jump_start_steps"] = float(guided)
        if outcomes.successes is not None:
            metrics["rollout/success_rate"] = float(np.mean(outcomes.successes))
        return metrics

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
        """Rolls out ``eval_episodes`` episodes with the mean action, between two callbacks.

        Raises:
            EnvironmentFailure: If an environment raised or returned values that are not finite.
        """
        settings, progress = self.hyperparameters, self.progress
        self._call_back("on_evaluate_start")
        results = self.dispatcher.run(evaluation_units(settings, progress.iteration))
        evaluation = Evaluation.of_units(results, phase, progress, settings.eval_target_return)
        self._call_back("on_evaluate_end", evaluation_metrics=self._plain_metrics(evaluation))
        return evaluation

    def _call_back(self, name: str, **arguments: Any) -> None:
        make_callback(
            name,
            callbacks_objects=self.callbacks,
            callbacks_functions=getattr(self.config, f"callbacks_{name}"),
            kwargs={"algorithm": self, "metrics_logger": self.metrics, **arguments},
        )

    def _plain_metrics(self, evaluation: Evaluation) -> dict[str, Any]:
        metrics = evaluation.metrics(self.config.reference_scores)
        return {name.removeprefix(PREFIX): value for name, value in metrics.items()}

    def evaluate(self, parallel_train_future: Any = None) -> dict[str, Any]:
        """RLlib's entry point: evaluates the current policy now, outside the schedule."""
        phase: Phase = (
            "pretrain" if self.progress.iteration <= self.schedule.pretrain_iterations else "online"
        )
        return {EVALUATION_RESULTS: self._plain_metrics(self.run_evaluation(phase))}

    def get_module(self, module_id: str = DEFAULT_MODULE_ID) -> OfflineToOnlineModule | None:
        """A copy of the module as the learners have it now, on the CPU; None for another id than RLlib's default."""
        if module_id != DEFAULT_MODULE_ID:
            return None
        modules: list[OfflineToOnlineModule | None] = self.call_learners(
            lambda learner: copy.deepcopy(learner.networks_module).cpu().eval() if learner.rank == 0 else None
        )
        return next(module for module in modules if module is not None)

    def get_weights(self, module_ids: Any = None) -> dict[str, Any]:
        """The module's parameters and buffers as arrays; RLlib's own method would round statistics to float32."""
        module = self.get_module()
        assert module is not None
        return {DEFAULT_MODULE_ID: {name: tensor.numpy() for name, tensor in module.state_dict().items()}}

    def set_weights(self, weights: dict[str, Any]) -> None:
        """Gives the learners the weights of `get_weights`, and the env runners their part."""
        tensors = {name: torch.tensor(array) for name, array in weights[DEFAULT_MODULE_ID].items()}

        def load(learner: ReplayLearner) -> None:
            learner.networks_module.load_state_dict(tensors)

        self.call_learners(load)
        self._publish_weights()

    def add_module(self, *args: Any, **kwargs: Any) -> Any:
        """Not offered.

        Raises:
            SettingsError: Always.
        """
        raise SettingsError(
            "There is one module, which a method's networks fill: add_module() has no meaning here."
        )

    def remove_module(self, *args: Any, **kwargs: Any) -> Any:
        """Not offered.

        Raises:
            SettingsError: Always.
        """
        raise SettingsError("There is one module, with all networks: remove_module() has no meaning here.")

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


def _unwatched(done: int, total: int) -> None:
    """The `OfflineToOnline.on_updates` of an algorithm that nobody watches."""


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
