"""A learner's place among several."""

from dataclasses import dataclass

from vitamin.algorithms.gradients.base import AverageOverLearners, single_learner


@dataclass(frozen=True)
class Lockstep:
    """The place of one of N learners that make every update together, each on its share of the global batch.

    Attributes:
        rank: Its number.
        learners: N.
        average: Replaces tensors, in place, by their averages over all learners.
    """

    rank: int = 0
    learners: int = 1
    average: AverageOverLearners = single_learner

    def share(self, count: int) -> slice:
        """Which of ``count`` rows are this learner's; N divides ``count``."""
        return slice(self.rank * count // self.learners, (self.rank + 1) * count // self.learners)
