"""The online rollouts of an iteration: enough units, and their trajectories on every learner."""

import itertools
from collections.abc import Callable
from typing import Any

from vitamin.algorithms.rllib.dispatch import MAX_LOSSES, Dispatcher
from vitamin.algorithms.rllib.work import UnitResult, WorkUnit
from vitamin.errors import WorkerFailure

Stage = Callable[[list[Any]], list[list[int]]]
"""Makes every learner fetch the trajectories; for each learner the positions of those that were lost."""


UnitOf = Callable[[int], WorkUnit]
"""Unit number 0, 1, 2, … of an iteration's rollouts."""


def collect(dispatcher: Dispatcher, unit: UnitOf, minimum: int) -> list[UnitResult]:
    """The shortest sequence of units 0, 1, 2, …, at least one, with at least ``minimum`` steps.

    How many are computed at a time depends on the env runners; units beyond the sequence are dropped, so the result
    does not.
    """
    results = list[UnitResult]()
    indices = itertools.count()
    while not results or _steps(results) < minimum:
        steps = _steps(results)
        wanted = -(-(minimum - steps) * len(results) // steps) if steps else 1
        count = max(1, min(wanted, dispatcher.parallelism))
        wave = [unit(next(indices)) for _ in range(count)]
        for result in dispatcher.run(wave):
            if not results or _steps(results) < minimum:
                results.append(result)
    return results


def stage(
    results: list[UnitResult],
    stage_on_learners: Stage,
    dispatcher: Dispatcher,
    unit: UnitOf,
) -> None:
    """Hands the trajectories to all learners; what was lost with a dead env runner is computed again, in place.

    Raises:
        WorkerFailure: If trajectories are lost again and again.
    """
    for _ in range(MAX_LOSSES):
        references = [result.trajectories for result in results if result.trajectories is not None]
        lost = sorted(set().union(*stage_on_learners(references)))
        if not lost:
            return
        again = dispatcher.run([unit(index) for index in lost])
        for index, result in zip(lost, again, strict=True):
            results[index] = result
    raise WorkerFailure(
        f"Rollouts were lost {MAX_LOSSES} times in a row on their way to the learners: env runners or the object "
        "store fail. Look at the Ray logs, then resume the run."
    )


def _steps(results: list[UnitResult]) -> int:
    return sum(result.num_steps for result in results)
