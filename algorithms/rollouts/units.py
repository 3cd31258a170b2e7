"""Work units: the episodes that are rolled out together, what came of them, and how many make an iteration."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.randomness import Stream
from vitamin.algorithms.rollouts.outcomes import Outcomes
from vitamin.errors import VitaminError

Purpose = Literal["online", "evaluation"]
_STREAMS = {"online": Stream.ROLLOUT, "evaluation": Stream.EVALUATION}


@dataclass(frozen=True)
class WorkUnit:
    """Some episodes that are rolled out together; the result depends on these values and the weights alone.

    Attributes:
        purpose: ``online`` explores, ``evaluation`` does not.
        iteration: Iteration of the algorithm.
        index: Number of the unit within the iteration.
        episodes: W, episodes in one batched forward.
        target_return: Return-to-go at the start, in scaled-reward units.
        jump_start_steps: First steps of each episode that the pretrained policy takes.
    """

    purpose: Purpose
    iteration: int
    index: int
    episodes: int
    target_return: float
    jump_start_steps: int = 0

    @property
    def explores(self) -> bool:
        """Whether actions are sampled, or disturbed by noise."""
        return self.purpose == "online"

    def key(self, seed: int) -> tuple[int, Stream, int, int]:
        """The key of the unit's random draws in a run with this ``seed``; see `generator`."""
        return seed, _STREAMS[self.purpose], self.iteration, self.index


@dataclass(frozen=True)
class Rollout:
    """The data that an online unit gives the learner.

    Attributes:
        trajectories: The unit's W episodes.
    """

    trajectories: Trajectories

    @property
    def extra_steps(self) -> int:
        """Environment steps beside those of the episodes."""
        return 0


@dataclass(frozen=True, kw_only=True)
class UnitResult(Outcomes):
    """Outcome of a unit: that of each episode, and what else came of it.

    Attributes:
        rollout: The `Rollout`, or what stands for it where it is elsewhere; None for evaluations.
        extra_steps: Environment steps beside those of the episodes.
        failure: What went wrong with the environment, or None; for those who cannot raise it.
        notice: What the user should know of the environment, or None.
    """

    rollout: Any = None
    extra_steps: int = 0
    failure: VitaminError | None = None
    notice: str | None = None

    @classmethod
    def of_unit(cls, unit: WorkUnit, rollout: Rollout, discount: float, notice: str | None = None) -> Self:
        """The outcome of a unit that went well; an evaluation's episodes are not kept."""
        return cls.of(
            rollout.trajectories,
            discount,
            rollout=rollout if unit.explores else None,
            extra_steps=rollout.extra_steps,
            notice=notice,
        )

    @classmethod
    def failed(cls, failure: VitaminError) -> Self:
        """The outcome of a unit that went wrong: no episodes."""
        return cls(returns=(), lengths=(), failure=failure)

    @property
    def num_steps(self) -> int:
        """All environment steps of the unit."""
        return sum(self.lengths) + self.extra_steps


class Workers(Protocol):
    """Whoever computes units: a `RolloutWorker`, or a dispatcher of several."""

    @property
    def parallelism(self) -> int:
        """Units that can be computed at the same time."""

    def run(self, units: Sequence[WorkUnit], /) -> list[UnitResult]:
        """Results in the order of ``units``."""


def collect(workers: Workers, unit: Callable[[int], WorkUnit], minimum: int) -> list[UnitResult]:
    """The shortest sequence of units 0, 1, 2, …, at least one, with at least ``minimum`` steps.

    How many are computed at a time depends on the workers; units beyond the sequence are dropped, so the result does
    not.
    """
    results = list[UnitResult]()
    indices = itertools.count()
    while not results or _steps(results) < minimum:
        steps = _steps(results)
        wanted = -(-(minimum - steps) * len(results) // steps) if steps else 1
        count = max(1, min(wanted, workers.parallelism))
        wave = [unit(next(indices)) for _ in range(count)]
        for result in workers.run(wave):
            if not results or _steps(results) < minimum:
                results.append(result)
    return results


def _steps(results: list[UnitResult]) -> int:
    return sum(result.num_steps for result in results)
