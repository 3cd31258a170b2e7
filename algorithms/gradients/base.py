"""What an RL gradient is: a critic loss and a term of the actor loss (paper Eq. 2 and 3)."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.networks import Networks
from vitamin.algorithms.segments import SegmentBatch

Metrics = dict[str, Tensor]
"""Named scalars, detached, on the networks' device."""

Noise = Callable[[torch.Size], Tensor]
"""Draws standard normals of a shape."""

AverageOverLearners = Callable[[list[Tensor]], None]
"""Replaces tensors, in place, by their averages over all learners."""


def single_learner(tensors: list[Tensor]) -> None:
    """The average over one learner: leaves the tensors as they are."""


class RLGradient(ABC):
    """The RL part of a method. It computes losses; it does not step, log or move anything.

    Attributes:
        hyperparameters: The run's settings.
        average: For means that a loss divides by: with several learners they are over the global batch.
    """

    def __init__(
        self, hyperparameters: Hyperparameters, average: AverageOverLearners = single_learner
    ) -> None:
        self.hyperparameters = hyperparameters
        self.average = average

    @property
    def reads_padded_actions(self) -> bool:
        """Whether the actor loss looks at the policy's actions at padded positions, which are then computed."""
        return False

    @abstractmethod
    def critic_loss(self, networks: Networks, batch: SegmentBatch, noise: Noise) -> tuple[Tensor, Metrics]:
        """Loss of the critics on a batch, and its metrics."""

    @abstractmethod
    def actor_loss(
        self, networks: Networks, batch: SegmentBatch, policy_output: PolicyOutput
    ) -> tuple[Tensor, Metrics]:
        """The term that ``rl_coefficient`` weighs in the actor loss, and its metrics.

        Args:
            networks: The method's networks; the critics' parameters get no gradient.
            batch: B segments of K steps.
            policy_output: The policy's output on the batch, of the pass that the supervised term uses too.
        """
