"""The IQL gradient (Kostrikov et al. 2022): values within the data's actions, and advantage-weighted regression."""

from typing import ClassVar

import torch
from torch import Tensor

from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.gradients.advantages import advantage_weights, log_likelihood
from vitamin.algorithms.gradients.base import CriticLoss, Metrics, Noise
from vitamin.algorithms.gradients.bellman import BellmanGradient
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.lockstep import ALONE, Lockstep
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.networks import Networks


class IQL(BellmanGradient):
    """V is an expectile of the target Q at the data's actions, Q is regressed on the target V of the next state.

    The actor's weights come from the advantages as they were in the critic step of the same update, before it.
    """

    has_value: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset(
        {"expectile", "inverse_temperature", "max_advantage_weight", "advantage_losses_over_padding"}
    )

    def __init__(self, hyperparameters: Hyperparameters, lockstep: Lockstep = ALONE) -> None:
        super().__init__(hyperparameters, lockstep)
        self.supervised_entropy = hyperparameters.published_entropy

    def critic_loss(self, networks: Networks, batch: SegmentBatch, noise: Noise) -> CriticLoss:
        """The expectile loss of V, |expectile - 1[u < 0]| u^2 with u = min Q(s, a) - V(s), plus that of the Qs."""
        with torch.no_grad():
            target_values = networks.target_q(batch.states, batch.actions).amin(0)  # (B, K)
            next_values = networks.target_v(batch.next_states)  # (B, K)
        values = networks.v(batch.states)  # (B, K)
        advantages = target_values - values
        below = (advantages < 0).to(advantages.dtype)
        errors = (self.hyperparameters.expectile - below).abs() * advantages.square()
        value_loss = batch.mean_over(errors, self.hyperparameters.advantage_losses_over_padding)
        of_q = self.squared_errors(networks, batch, self.bellman_values(batch, next_values))
        metrics = of_q.metrics | {
            "loss/value": value_loss.detach(),
            "value/mean": batch.mean(values.detach()),
        }
        return CriticLoss(value_loss + of_q.loss, metrics, advantages.detach())

    def actor_loss(
        self,
        networks: Networks,
        batch: SegmentBatch,
        policy_output: PolicyOutput,
        noise: Noise,
        advantages: Tensor | None = None,
    ) -> tuple[Tensor, Metrics]:
        """-mean_t exp(beta A(s_t, a_t)) log pi(a_t|s_t), A the ``advantages`` of `critic_loss`."""
        if advantages is None:
            raise TypeError(
                "IQL's actor loss takes the advantages that the critic step of the same update gave."
            )
        weights = advantage_weights(advantages, self.hyperparameters)
        loss = -batch.mean(weights * log_likelihood(batch, policy_output))
        return loss, {"loss/rl": loss.detach(), "advantage/weight_mean": batch.mean(weights)}
