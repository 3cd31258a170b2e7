"""The env runner: a worker that RLlib starts, and starts again when it has died."""

from dataclasses import replace
from typing import Any

import ray
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.env import INPUT_ENV_SINGLE_SPACES, INPUT_ENV_SPACES
from ray.rllib.env.env_runner import EnvRunner
from ray.rllib.utils.checkpoints import Checkpointable

from vitamin.algorithms.models.normalized_networks import PolicyWeights
from vitamin.algorithms.randomness import Stream, generator, global_generators
from vitamin.algorithms.rllib.failures import LEARNER_DIED
from vitamin.algorithms.rllib.module import OfflineToOnlineModule
from vitamin.algorithms.rollouts.pool import EnvironmentPool
from vitamin.algorithms.rollouts.rollout import rollout_unit
from vitamin.algorithms.rollouts.units import UnitResult, WorkUnit
from vitamin.algorithms.training.worker import RolloutWorker
from vitamin.errors import VitaminError, WorkerFailure


class UnitEnvRunner(EnvRunner, Checkpointable):
    """A `RolloutWorker` in a process of RLlib's."""

    def __init__(self, *, config: Any, **kwargs: Any) -> None:
        super().__init__(config=config, **kwargs)
        self.hyperparameters = config.hyperparameters()
        self.pool = EnvironmentPool(config.environment_creator, config.seed or 0)
        self.weights_version = -1
        self._samples = 0
        self.make_env()
        self.make_module()

    def make_env(self) -> None:
        """Creates the first environment; more follow as units ask for them."""
        self.stop()
        self.pool.take(1)

    def make_module(self) -> None:
        """Builds the worker and its policy, whose weights come with each unit.

        Raises:
            TaskError: If the method restores environments and this one cannot be.
        """
        spec = self.config.get_rl_module_spec(env=None, spaces=self.get_spaces(), inference_only=True)
        self.module = spec.build()
        assert isinstance(self.module, OfflineToOnlineModule)
        self.worker = RolloutWorker(
            self.pool, self.module, self.config.get_method(), self.hyperparameters, self.config.seed or 0
        )

    def get_spaces(self) -> dict[str, Any]:
        """Observation and action space of the environment, under the keys that RLlib asks for."""
        (environment,) = self.pool.take(1)
        spaces = (environment.observation_space, environment.action_space)
        return {INPUT_ENV_SPACES: spaces, INPUT_ENV_SINGLE_SPACES: spaces, DEFAULT_MODULE_ID: spaces}

    def run(self, unit: WorkUnit, weights: "PolicyWeights | ray.ObjectRef[Any]", version: int) -> UnitResult:
        """Computes a unit with the weights of the given version; failures are returned, because they end a runner.

        Weights travel with the unit, so a runner that was restarted a moment ago has the right ones too. A remote
        runner leaves the rollout in the object store and returns a reference to it.
        """
        if version != self.weights_version:
            try:
                self.module.load_policy_weights(
                    ray.get(weights) if isinstance(weights, ray.ObjectRef) else weights
                )
            except ray.exceptions.RayError:
                return UnitResult.failed(WorkerFailure(LEARNER_DIED))
            self.weights_version = version
        try:
            result = self.worker.roll_out(unit)
        except VitaminError as failure:
            return UnitResult.failed(failure)
        if self.worker_index and result.rollout is not None:
            return replace(result, rollout=ray.put(result.rollout))
        return result

    def sample(self, *, num_episodes: int | None = None, explore: bool | None = None, **kwargs: Any) -> Any:
        """Episodes with the current weights, as `Trajectories`: RLlib's entry point, not used in training."""
        settings = self.hyperparameters
        self._samples += 1
        key = (self.config.seed or 0, Stream.ROLLOUT, 0, self._samples)
        with global_generators(*key):
            return rollout_unit(
                self.pool.take(num_episodes or 1),
                self.module.networks.policy,
                observation_mean=self.module.observation_mean,
                observation_std=self.module.observation_std,
                target_return=settings.online_target_return,
                explore=explore is not False,
                rng=generator(*key),
                hyperparameters=settings,
            )

    def assert_healthy(self) -> None:
        """Checks that the constructor came to its end."""
        assert self.pool.made
        assert self.module is not None

    def get_metrics(self) -> dict[str, Any]:
        """Nothing: the algorithm logs from unit results."""
        return {}

    def get_state(
        self, components: Any = None, *, not_components: Any = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Nothing is kept between calls."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Nothing to set: weights come with each unit."""

    def get_ctor_args_and_kwargs(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments that build an equal runner."""
        return (), {"config": self.config}

    def stop(self) -> None:
        """Closes the environments."""
        self.pool.close()
