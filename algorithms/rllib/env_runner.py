"""The env runner: it computes work units and holds nothing between calls but environments and weights."""

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import ray
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.env import INPUT_ENV_SINGLE_SPACES, INPUT_ENV_SPACES
from ray.rllib.env.env_runner import EnvRunner
from ray.rllib.utils.checkpoints import Checkpointable

from vitamin.algorithms.assembly import records_log_probs
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.grpo.rollout import GroupRollout, rollout_groups
from vitamin.algorithms.randomness import Stream, generator, global_generators
from vitamin.algorithms.rllib.module import OfflineToOnlineModule, PolicyWeights
from vitamin.algorithms.rllib.work import LEARNER_DIED, UnitResult, WorkUnit
from vitamin.algorithms.rollouts.environment import require_restorable
from vitamin.algorithms.rollouts.rollout import rollout_unit
from vitamin.algorithms.threads import torch_threads
from vitamin.errors import EnvironmentFailure, VitaminError, WorkerFailure

Tell = Callable[[str], None]
_STREAMS = {"online": Stream.ROLLOUT, "evaluation": Stream.EVALUATION}


class UnitEnvRunner(EnvRunner, Checkpointable):
    """Rolls out whole episodes, several environments in one batched forward a step."""

    def __init__(self, *, config: Any, **kwargs: Any) -> None:
        super().__init__(config=config, **kwargs)
        self.hyperparameters = config.hyperparameters()
        self.method = config.get_method()
        self.environments: list[gym.Env[Any, Any]] = []
        self.weights_version = -1
        self._samples = 0
        self.make_env()
        self.make_module()

    def make_env(self) -> None:
        """Creates the first environment; more follow as units ask for them.

        Raises:
            TaskError: If the method restores environments and this one cannot be.
        """
        self.stop()
        (environment,) = self._environments(1)
        if self.method.groups:
            require_restorable(environment)

    def _environments(self, count: int) -> list[gym.Env[Any, Any]]:
        while (number := len(self.environments)) < count:
            try:
                # Some draw from global generators as they are made; number 3 is the same one in every process.
                with global_generators(self.config.seed or 0, Stream.ENVIRONMENTS, number):
                    self.environments.append(self.config.environment_creator())
            except VitaminError:
                raise
            except Exception as error:
                raise EnvironmentFailure(
                    f"The environment could not be made: {type(error).__name__}: {error}."
                ) from error
        return self.environments[:count]

    def make_module(self) -> None:
        """Builds the policy; its weights come with each unit."""
        spec = self.config.get_rl_module_spec(env=None, spaces=self.get_spaces(), inference_only=True)
        self.module = spec.build()
        assert isinstance(self.module, OfflineToOnlineModule)
        self.module.eval()

    def get_spaces(self) -> dict[str, Any]:
        """Observation and action space of the environment, under the keys that RLlib asks for."""
        spaces = (self.environments[0].observation_space, self.environments[0].action_space)
        return {INPUT_ENV_SPACES: spaces, INPUT_ENV_SINGLE_SPACES: spaces, DEFAULT_MODULE_ID: spaces}

    def run(self, unit: WorkUnit, weights: "PolicyWeights | ray.ObjectRef[Any]", version: int) -> UnitResult:
        """Computes a unit with the weights of the given version.

        Weights travel with the unit, so a runner that was restarted a moment ago has the right ones too.
        """
        if version != self.weights_version:
            try:
                self.module.load_policy_weights(
                    ray.get(weights) if isinstance(weights, ray.ObjectRef) else weights
                )
            except ray.exceptions.RayError:
                return UnitResult((), (), failure=WorkerFailure(LEARNER_DIED))
            self.weights_version = version
        settings = self.hyperparameters
        explore = unit.purpose == "online"
        key = (self.config.seed or 0, _STREAMS[unit.purpose], unit.iteration, unit.index)
        rng, notices = generator(*key), list[str]()
        roll_out = self._groups if explore and self.method.groups else self._episodes
        try:
            # A local env runner shares its process with the learner, which has its own number of threads.
            with torch_threads(settings.rollout_threads), global_generators(*key):
                rollout = roll_out(unit, rng, notices.append)
        except VitaminError as failure:
            return UnitResult((), (), failure=failure)
        trajectories = rollout.trajectories if isinstance(rollout, GroupRollout) else rollout
        remote = bool(self.worker_index)
        return UnitResult.of(
            trajectories,
            settings.discount,
            trajectories=(ray.put(rollout) if remote else rollout) if explore else None,
            group_steps=rollout.group_steps if isinstance(rollout, GroupRollout) else 0,
            notice=notices[0] if notices else None,
        )

    def _episodes(self, unit: WorkUnit, rng: np.random.Generator, tell: Tell) -> Trajectories:
        return rollout_unit(
            self._environments(unit.episodes),
            self.module.networks.policy,
            observation_mean=self.module.observation_mean,
            observation_std=self.module.observation_std,
            target_return=unit.target_return,
            explore=unit.purpose == "online",
            rng=rng,
            hyperparameters=self.hyperparameters,
            guide=self.module.networks.reference_policy,
            guided_steps=unit.jump_start_steps,
            record_log_probs=unit.purpose == "online"
            and records_log_probs(self.method, self.hyperparameters),
            tell=tell,
        )

    def _groups(self, unit: WorkUnit, rng: np.random.Generator, tell: Tell) -> GroupRollout:
        return rollout_groups(
            self._environments(max(unit.episodes, self.hyperparameters.group_size)),
            self.module.networks.policy,
            observation_mean=self.module.observation_mean,
            observation_std=self.module.observation_std,
            episodes=unit.episodes,
            target_return=unit.target_return,
            rng=rng,
            draw_rng=generator(self.config.seed or 0, Stream.RESET_STATES, unit.iteration, unit.index),
            hyperparameters=self.hyperparameters,
            tell=tell,
        )

    def sample(self, *, num_episodes: int | None = None, explore: bool | None = None, **kwargs: Any) -> Any:
        """Episodes with the current weights, as `Trajectories`: RLlib's entry point, not used in training."""
        settings = self.hyperparameters
        self._samples += 1
        key = (self.config.seed or 0, Stream.ROLLOUT, 0, self._samples)
        with global_generators(*key):
            return rollout_unit(
                self._environments(num_episodes or 1),
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
        assert self.environments
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
        for environment in self.environments:
            environment.close()
        self.environments = []
