"""How a unit's episodes come about: the online rollouts of all methods but those on groups, and all evaluations."""

from collections.abc import Callable
from typing import Protocol

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.models.normalized_networks import NormalizedNetworks
from vitamin.algorithms.randomness import generator
from vitamin.algorithms.rollouts.environment import Environment
from vitamin.algorithms.rollouts.pool import EnvironmentPool
from vitamin.algorithms.rollouts.rollout import rollout_unit
from vitamin.algorithms.rollouts.units import Rollout, WorkUnit


class RollOut(Protocol):
    """The way in which a method rolls out an online unit."""

    def check(self, environment: Environment) -> None:
        """Checks that the environment offers what is used of it.

        Raises:
            TaskError: If it does not.
        """

    def __call__(
        self,
        pool: EnvironmentPool,
        module: NormalizedNetworks,
        unit: WorkUnit,
        seed: int,
        tell: Callable[[str], None],
    ) -> Rollout:
        """Computes a unit; the result depends on the weights of ``module``, ``unit`` and ``seed`` alone.

        Args:
            pool: Where environments come from.
            module: The networks that act, on the CPU and in evaluation mode.
            unit: What is to be done.
            seed: The run's.
            tell: Called with what the user should know of the environments, if anything.
        """


class RollOutEpisodes:
    """W whole episodes.

    Args:
        hyperparameters: The run's settings.
        record_log_probs: Whether online trajectories keep the log-likelihoods of their actions.
    """

    def __init__(self, hyperparameters: Hyperparameters, record_log_probs: bool = False) -> None:
        self._settings = hyperparameters
        self._record_log_probs = record_log_probs

    def check(self, environment: Environment) -> None:
        """Every environment will do."""

    def __call__(
        self,
        pool: EnvironmentPool,
        module: NormalizedNetworks,
        unit: WorkUnit,
        seed: int,
        tell: Callable[[str], None],
    ) -> Rollout:
        """See `RollOut`."""
        trajectories = rollout_unit(
            pool.take(unit.episodes),
            module.networks.policy,
            observation_mean=module.observation_mean,
            observation_std=module.observation_std,
            target_return=unit.target_return,
            explore=unit.explores,
            rng=generator(*unit.key(seed)),
            hyperparameters=self._settings,
            guide=module.networks.reference_policy,
            guided_steps=unit.jump_start_steps,
            record_log_probs=unit.explores and self._record_log_probs,
            tell=tell,
        )
        return Rollout(trajectories)
