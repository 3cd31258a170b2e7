"""Running work units on env runners, whichever of them are alive."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import ray
from ray.rllib.env.env_runner_group import EnvRunnerGroup

from vitamin.algorithms.models.normalized_networks import PolicyWeights
from vitamin.algorithms.rllib.processes import cause_of_death, remote_env_runners
from vitamin.algorithms.rollouts.units import UnitResult, WorkUnit
from vitamin.errors import WorkerFailure

MAX_LOSSES = 5
_LOGGER = logging.getLogger("vitamin")


def _run(runner: Any, unit: WorkUnit, weights: Any, version: int) -> tuple[int, UnitResult]:
    return unit.index, runner.run(unit, weights, version)


class Dispatcher:
    """Sends units to env runners and sends those that got lost again.

    Attributes:
        on_notice: Called with what the user should know of the environments, once for each notice.
        told: The notices that need not be told (again).

    Args:
        group: The env runners.
        revive: Called when a runner was lost; brings restarted ones back into use.
        timeout_s: Longest time a unit may take.
        patience_s: Longest wait for a first runner to come back when all are dead.
    """

    def __init__(
        self, group: EnvRunnerGroup, revive: Callable[[], Any], *, timeout_s: float, patience_s: float
    ) -> None:
        self.group = group
        self.revive = revive
        self.timeout_s = timeout_s
        self.patience_s = patience_s
        self.on_notice: Callable[[str], None] = _LOGGER.warning
        self.told = set[str]()
        self.weights: Any = None
        self.version = 0

    def publish(self, weights: "PolicyWeights | Any") -> None:
        """Weights, or a reference to them, for all units from now on."""
        self.weights = weights
        self.version += 1

    @property
    def parallelism(self) -> int:
        """Units that can be computed at the same time."""
        return max(1, len(self.group.healthy_env_runner_ids()))

    def run(self, units: Sequence[WorkUnit]) -> list[UnitResult]:
        """Results in the order of ``units``.

        Raises:
            EnvironmentFailure: If an environment raised or returned values that are not finite.
            TaskError: If an environment could not be made.
            WorkerFailure: If no env runner is left, or a unit takes too long, or kills one env runner after another.
        """
        done: dict[int, UnitResult] = {}
        losses: Counter[int] = Counter()
        while pending := [unit for unit in units if unit.index not in done]:
            if self.group.num_remote_env_runners() == 0:
                runner = self.group.local_env_runner
                done |= dict(_run(runner, unit, self.weights, self.version) for unit in pending)
                continue
            runners = self._healthy_runners()
            wave = pending[: len(runners)]
            done |= self._compute(wave, runners[: len(wave)])
            lost = [unit.index for unit in wave if unit.index not in done]
            losses.update(lost)
            if max(losses.values(), default=0) >= MAX_LOSSES:
                raise WorkerFailure(
                    f"{MAX_LOSSES} env runners died one after the other while they computed the same rollout. The "
                    "environment crashes, or memory is short: look at the Ray logs, then resume the run."
                )
            if lost:
                self.revive()
        for result in done.values():
            if result.failure is not None:
                raise result.failure
            self.notify(result.notice)
        return [done[unit.index] for unit in units]

    def notify(self, notice: str | None) -> None:
        """Tells the user something about the environments, once."""
        if notice is not None and notice not in self.told:
            self.told.add(notice)
            self.on_notice(notice)

    def _compute(self, wave: Sequence[WorkUnit], runners: list[int]) -> dict[int, UnitResult]:
        """Results of those units whose runner, one for each, lived."""
        calls: list[Any] = [
            partial(_run, unit=unit, weights=self.weights, version=self.version) for unit in wave
        ]
        try:
            results: dict[int, UnitResult] = dict(
                self.group.foreach_env_runner(
                    calls,
                    remote_worker_ids=runners,
                    local_env_runner=False,
                    timeout_seconds=self.timeout_s,
                )
            )
        except ray.exceptions.RayError:  # RLlib passes over dead runners only if they are to be restarted
            return {}
        alive = set(runners) & set(self.group.healthy_env_runner_ids())
        if len(alive) > len(results):
            raise WorkerFailure(
                f"A rollout did not finish within {self.timeout_s:.0f} s: an environment hangs, or is slower than "
                "sample_timeout_s allows (.env_runners(sample_timeout_s=...) in Python)."
            )
        return results

    def _healthy_runners(self) -> list[int]:
        deadline = time.monotonic() + self.patience_s
        while not (runners := list(self.group.healthy_env_runner_ids())):
            if all(cause_of_death(actor) for actor in remote_env_runners(self.group)):
                raise WorkerFailure(
                    "All env runners are dead, and Ray does not restart them. Look at the Ray logs for the reason "
                    "(often memory), then resume the run."
                )
            if time.monotonic() > deadline:
                raise WorkerFailure(
                    f"All env runners are dead and none came back within {self.patience_s:.0f} s. "
                    "Look at the Ray logs for the reason (often memory), then resume the run."
                )
            self.revive()
            time.sleep(0.2)
        return runners
