"""The way of an iteration's rollouts to every learner."""

from collections.abc import Callable
from typing import Any

from vitamin.algorithms.rllib.dispatch import MAX_LOSSES, Dispatcher
from vitamin.algorithms.rollouts.units import UnitResult, WorkUnit
from vitamin.errors import WorkerFailure

Stage = Callable[[list[Any]], list[list[int]]]
"""Makes every learner fetch the rollouts; for each learner the positions of those that were lost."""


UnitOf = Callable[[int], WorkUnit]
"""Unit number 0, 1, 2, … of an iteration's rollouts."""


def stage(
    results: list[UnitResult],
    stage_on_learners: Stage,
    dispatcher: Dispatcher,
    unit: UnitOf,
) -> None:
    """Hands the rollouts to all learners; what was lost with a dead env runner is computed again, in place.

    Raises:
        WorkerFailure: If rollouts are lost again and again.
    """
    for _ in range(MAX_LOSSES):
        references = [result.rollout for result in results if result.rollout is not None]
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
