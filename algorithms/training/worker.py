"""A worker: it computes work units and holds nothing between them but environments and weights."""

from collections.abc import Sequence

from vitamin.algorithms.assembly import build_roll_out
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import Method
from vitamin.algorithms.models.normalized_networks import NormalizedNetworks
from vitamin.algorithms.randomness import global_generators
from vitamin.algorithms.rollouts.episodes import RollOutEpisodes
from vitamin.algorithms.rollouts.pool import EnvironmentPool
from vitamin.algorithms.rollouts.units import UnitResult, WorkUnit
from vitamin.algorithms.threads import torch_threads


class RolloutWorker:
    """Rolls out whole episodes, several environments in one batched forward a step.

    Attributes:
        module: The networks that act; their weights are set by `NormalizedNetworks.load_policy_weights`.
        parallelism: Units that it computes at the same time.

    Args:
        pool: Its environments, of observations (S,) and actions in [-1, 1]^A.
        module: Networks of the method, on the CPU; at those that do not act it does not look.
        method: The row of the table of methods.
        hyperparameters: The run's settings.
        seed: The run's.

    Raises:
        EnvironmentFailure: If no environment can be made.
        TaskError: If the method restores environments and this one cannot be.
    """

    parallelism = 1

    def __init__(
        self,
        pool: EnvironmentPool,
        module: NormalizedNetworks,
        method: Method,
        hyperparameters: Hyperparameters,
        seed: int = 0,
    ) -> None:
        self.module = module.eval()
        self._pool = pool
        self._settings = hyperparameters
        self._seed = seed
        self._evaluate = RollOutEpisodes(hyperparameters)
        self._explore = build_roll_out(method, hyperparameters)
        self._explore.check(*pool.take(1))

    def run(self, units: Sequence[WorkUnit]) -> list[UnitResult]:
        """Results in the order of ``units``; errors as of `roll_out`."""
        return [self.roll_out(unit) for unit in units]

    def roll_out(self, unit: WorkUnit) -> UnitResult:
        """Computes a unit with the module's weights.

        Raises:
            EnvironmentFailure: If an environment could not be made, raised, or returned values that are not finite.
            TaskError: If the method restores environments and one cannot be.
        """
        settings, notices = self._settings, list[str]()
        roll_out = self._explore if unit.explores else self._evaluate
        # A worker may share its process with the learner, which has its own number of threads.
        with torch_threads(settings.rollout_threads), global_generators(*unit.key(self._seed)):
            rollout = roll_out(self._pool, self.module, unit, self._seed, notices.append)
        return UnitResult.of_unit(unit, rollout, settings.discount, notices[0] if notices else None)
