"""A learner's place among several."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

AverageOverLearners = Callable[[list[Tensor]], None]
"""Replaces tensors, in place, by their averages over all learners."""


def _leave(tensors: list[Tensor]) -> None:
    """The average over one learner."""


@dataclass(frozen=True)
class Lockstep:
    """The place of one of N learners that make every update together, each on its share of the global batch.

    Attributes:
        rank: Its number.
        learners: N.
        average: Called on gradients between backward and clipping, and on all that losses divide by.
    """

    rank: int = 0
    learners: int = 1
    average: AverageOverLearners = _leave

    def share(self, count: int) -> slice:
        """Which of ``count`` rows are this learner's; N divides ``count``."""
        return slice(self.rank * count // self.learners, (self.rank + 1) * count // self.learners)


ALONE = Lockstep()
"""The place of a learner that is the only one."""
