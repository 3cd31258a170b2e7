"""Running work units on env runners, whichever of them are alive."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ray.rllib.env.env_runner_group import EnvRunnerGroup

from vitamin.algorithms.rllib.module import PolicyWeights
from vitamin.algorithms.rllib.work import UnitResult, WorkUnit
from vitamin.errors import EnvironmentFailure, WorkerFailure


def _run(runner: Any, unit: WorkUnit, weights: Any, version: int) -> tuple[int, UnitResult]:
    return unit.index, runner.run(unit, weights, version)


class Collector:
    """Sends units to env runners and sends those that got lost again.

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
            WorkerFailure: If no env runner is left, or a unit takes too long.
        """
        done: dict[int, UnitResult] = {}
        while pending := [unit for unit in units if unit.index not in done]:
            if self.group.num_remote_env_runners() == 0:
                runner = self.group.local_env_runner
                done |= dict(_run(runner, unit, self.weights, self.version) for unit in pending)
            else:
                done |= self._wave(pending)
        for result in done.values():
            if result.failure:
                raise EnvironmentFailure(result.failure)
        return [done[unit.index] for unit in units]

    def _wave(self, pending: Sequence[WorkUnit]) -> dict[int, UnitResult]:
        runners = self._healthy_runners()
        wave = pending[: len(runners)]
        calls: list[Any] = [
            partial(_run, unit=unit, weights=self.weights, version=self.version) for unit in wave
        ]
        results: dict[int, UnitResult] = dict(
            self.group.foreach_env_runner(
                calls,
                remote_worker_ids=runners[: len(wave)],
                local_env_runner=False,
                timeout_seconds=self.timeout_s,
            )
        )
        if len(results) < len(wave):
            late = set(runners[: len(wave)]) & set(self.group.healthy_env_runner_ids())
            if len(late) > len(results):
                raise WorkerFailure(
                    f"A rollout did not finish within {self.timeout_s:.0f} s. An environment hangs, or the time is too "
                    "short: raise it with .env_runners(sample_timeout_s=...)."
                )
            self.revive()
        return results

    def _healthy_runners(self) -> list[int]:
        deadline = time.monotonic() + self.patience_s
        while not (runners := list(self.group.healthy_env_runner_ids())):
            if time.monotonic() > deadline:
                raise WorkerFailure(
                    f"All env runners are dead and none came back within {self.patience_s:.0f} s. "
                    "Look at the Ray logs for the reason (often memory), then resume the run."
                )
            self.revive()
            time.sleep(0.2)
        return runners
