"""The interface of RL gradients: a critic loss and a term of the actor loss (paper Eq. 2 and 3)."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.lockstep import ALONE, Lockstep
from vitamin.algorithms.methods import PolicyKind
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.networks import Networks

Metrics = dict[str, Tensor]
"""Named scalars, detached, on the networks' device."""

Noise = Callable[[torch.Size], Tensor]
"""Draws standard normals of a shape."""

Targets = Literal["soft", "iteration"]
"""When target copies move: by ``tau`` after each actor step, or all the way as an online iteration begins."""

Data = Literal["replay", "iteration", "valued_replay"]
"""The data that the RL term learns from online; see `RLGradient`."""


@dataclass(frozen=True)
class CriticLoss:
    """The loss of the critics on a batch.

    Attributes:
        loss: A scalar.
        metrics: As the metrics of an update.
        advantages: (B, K), of the batch's actions before the critic step, without gradient, for the actor loss of the
            same update; None for gradients whose actor loss does not take them from there.
    """

    loss: Tensor
    metrics: Metrics
    advantages: Tensor | None = None


class RLGradient(ABC):
    """The RL part of a method. It computes losses; it does not step, log or move anything.

    A class says what it needs, and a method that names it gets that:

    Attributes:
        policies: Heads that it works with.
        has_q: Whether it has an ensemble of ``critic_members`` Q functions (`Networks.critic`).
        has_value: Whether it has a value function (`Networks.value`).
        targets: When the target copies of policy and critics move; None for none.
        data: ``replay``: it learns from the batch that the supervised term has too. Else it has another batch
            online, the RL batch, with values and TD(lambda) targets, and the policy a second pass: ``iteration``, of
            the trajectories of the iteration alone; ``valued_replay``, of the whole replay.
        supervised_entropy: Whether a stochastic policy's supervised term keeps its entropy bonus beside it; see
            ``published_entropy`` too.
        learns_temperature: Whether it uses the entropy's weight itself, which is then learned on.
        reads: Hyperparameters that only some gradients read, this one among them.
        hyperparameters: The run's settings.
        lockstep: The learner's place among several: what a loss divides by is averaged over the global batch.
    """

    policies: ClassVar[tuple[PolicyKind, ...]] = ("deterministic", "stochastic")
    has_q: ClassVar[bool] = True
    has_value: ClassVar[bool] = False
    targets: ClassVar[Targets | None] = "soft"
    data: ClassVar[Data] = "replay"
    supervised_entropy: bool = True
    learns_temperature: ClassVar[bool] = False
    reads: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, hyperparameters: Hyperparameters, lockstep: Lockstep = ALONE) -> None:
        self.hyperparameters = hyperparameters
        self.lockstep = lockstep

    @property
    def reads_recorded_log_probs(self) -> bool:
        """Whether the RL batch needs the actions' log-likelihoods as rollouts recorded them."""
        return False

    @property
    def reads_padded_actions(self) -> bool:
        """Whether the actor loss looks at the policy's output at padded positions, which is then computed."""
        return False

    @abstractmethod
    def critic_loss(self, networks: Networks, batch: SegmentBatch, noise: Noise) -> CriticLoss:
        """Loss of the critics on a batch."""

    @abstractmethod
    def actor_loss(
        self,
        networks: Networks,
        batch: SegmentBatch,
        policy_output: PolicyOutput,
        noise: Noise,
        advantages: Tensor | None = None,
    ) -> tuple[Tensor, Metrics]:
        """The term that ``rl_coefficient`` weighs in the actor loss, and its metrics.

        Args:
            networks: The method's networks; the critics' parameters get no gradient.
            batch: B segments of K steps, that of `critic_loss` in the same update.
            policy_output: The policy's output on the batch; with ``data`` of ``replay`` of the pass that the
                supervised term uses too.
            noise: Draws standard normals.
            advantages: What `critic_loss` gave.
        """
