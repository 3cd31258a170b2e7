"""The IQL gradient (Kostrikov et al. 2022): values within the data's actions, and advantage-weighted regression."""

from typing import ClassVar

import torch
from torch import Tensor

from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.gradients.advantages import advantage_weights, log_likelihood
from vitamin.algorithms.gradients.base import AverageOverLearners, Metrics, Noise, single_learner
from vitamin.algorithms.gradients.bellman import BellmanGradient
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.networks import Networks


class IQL(BellmanGradient):
    """V is an expectile of the target Q at the data's actions, Q is regressed on the target V of the next state.

    The actor's weights come from the advantages as they were in the critic step of the same update, before it.
    """

    has_value: ClassVar[bool] = True
    settings: ClassVar[frozenset[str]] = frozenset(
        {"expectile", "inverse_temperature", "max_advantage_weight", "advantage_losses_over_padding"}
    )

    _advantages: Tensor

    def __init__(
        self,
        hyperparameters: Hyperparameters,
        average: AverageOverLearners = single_learner,
        learners: int = 1,
    ) -> None:
        super().__init__(hyperparameters, average, learners)
        self.supervised_entropy = hyperparameters.published_entropy

    def critic_loss(self, networks: Networks, batch: SegmentBatch, noise: Noise) -> tuple[Tensor, Metrics]:
        """The expectile loss of V, |expectile - 1[u < 0]| u^2 with u = min Q(s, a) - V(s), plus that of the Qs."""
        assert networks.value is not None
        assert networks.target_value is not None
        assert networks.target_critic is not None
        with torch.no_grad():
            target_values = networks.target_critic(batch.states, batch.actions).amin(0)  # (B, K)
            next_values = networks.target_value(batch.next_states)  # (B, K)
        values = networks.value(batch.states)  # (B, K)
        advantages = target_values - values
        self._advantages = advantages.detach()
        below = (advantages < 0).to(advantages.dtype)
        errors = (self.hyperparameters.expectile - below).abs() * advantages.square()
        value_loss = batch.mean_over(errors, self.hyperparameters.advantage_losses_over_padding)
        q_loss, metrics = self.squared_errors(networks, batch, self.bellman_values(batch, next_values))
        metrics |= {"loss/value": value_loss.detach(), "value/mean": batch.mean(values.detach())}
        return value_loss + q_loss, metrics

    def actor_loss(
        self, networks: Networks, batch: SegmentBatch, policy_output: PolicyOutput, noise: Noise
    ) -> tuple[Tensor, Metrics]:
        """-mean_t exp(beta A(s_t, a_t)) log pi(a_t|s_t)."""
        weights = advantage_weights(self._advantages, self.hyperparameters)
        loss = -batch.mean(weights * log_likelihood(batch, policy_output))
        return loss, {"loss/rl": loss.detach(), "advantage/weight_mean": batch.mean(weights)}
