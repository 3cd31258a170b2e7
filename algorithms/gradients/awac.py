"""The AWAC gradient (Nair et al. 2020): likelihood weighted by the advantage under an off-policy critic."""

from typing import ClassVar

import torch
from torch import Tensor

from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.gradients.advantages import advantage_weights, log_likelihood
from vitamin.algorithms.gradients.base import CriticLoss, Metrics, Noise
from vitamin.algorithms.gradients.bellman import BellmanGradient
from vitamin.algorithms.methods import PolicyKind
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.networks import Networks


class AWAC(BellmanGradient):
    """Critics as SAC's, with or without their entropy; the advantage is against a sampled action of the policy."""

    policies: ClassVar[tuple[PolicyKind, ...]] = ("stochastic",)
    supervised_entropy = False
    learns_temperature: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset(
        {
            "target_attends_padding",
            "inverse_temperature",
            "max_advantage_weight",
            "normalize_advantages",
            "awac_entropy",
            "advantage_losses_over_padding",
        }
    )

    @property
    def reads_padded_actions(self) -> bool:
        """Also as the published code normalizes the weights."""
        settings = self.hyperparameters
        return super().reads_padded_actions or (
            settings.normalize_advantages and settings.advantage_losses_over_padding
        )

    def critic_loss(self, networks: Networks, batch: SegmentBatch, noise: Noise) -> CriticLoss:
        """Squared errors to r + discount (1 - d) min_i Q_i(s', a'), a' ~ target pi; SAC's with ``awac_entropy``."""
        entropy = self.hyperparameters.awac_entropy != "none"
        next_values = self.sampled_next_values(networks, batch, noise, entropy=entropy)
        return self.squared_errors(networks, batch, self.bellman_values(batch, next_values))

    def actor_loss(
        self,
        networks: Networks,
        batch: SegmentBatch,
        policy_output: PolicyOutput,
        noise: Noise,
        advantages: Tensor | None = None,
    ) -> tuple[Tensor, Metrics]:
        """-mean_t exp(beta (Q(s_t, a_t) - Q(s_t, a))) log pi(a_t|s_t), a ~ pi, Q the smaller one."""
        pi, q = policy_output.pi, networks.q
        shape = policy_output.action.shape
        with torch.no_grad():
            sampled = pi.sample(noise(shape))
            advantages = q.smallest(batch.states, batch.actions, batch.mask)
            advantages = advantages - q.smallest(batch.states, sampled, batch.mask)  # (B, K)
        weights = self._weights(batch, advantages)
        gains = weights * log_likelihood(batch, policy_output)
        if self.hyperparameters.awac_entropy == "both":
            gains = gains + networks.temperature * pi.entropy(noise(shape))
        loss = -batch.mean(gains)
        return loss, {"loss/rl": loss.detach(), "advantage/weight_mean": batch.mean(weights)}

    def _weights(self, batch: SegmentBatch, advantages: Tensor) -> Tensor:
        """Weights of the actions, (B, K); normalized they sum to 1 over the batch of all learners."""
        if not self.hyperparameters.normalize_advantages:
            return advantage_weights(advantages, self.hyperparameters)
        scaled = self.hyperparameters.inverse_temperature * advantages
        if not self.hyperparameters.advantage_losses_over_padding:
            scaled = scaled.masked_fill(~batch.mask, -torch.inf)
        largest = scaled.max()
        self.lockstep.average([largest])  # any shift that all learners share will do
        sizes = (scaled - largest).exp()
        total = sizes.sum()
        self.lockstep.average([total])
        return sizes / (self.lockstep.learners * total)
