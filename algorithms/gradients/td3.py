"""The TD3 gradient (paper Eq. 2 and 3; Fujimoto et al. 2018) for sequence policies; DDPG with one critic."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from vitamin.algorithms.data.normalization import ACTION_LIMIT
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.gradients.base import Metrics, Noise
from vitamin.algorithms.gradients.bellman import BellmanGradient
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.networks import Networks


@dataclass(frozen=True)
class BellmanTarget:
    """The target of the critics and what it is made of.

    Attributes:
        next_actions: (B, K, A), the target policy's at the next states.
        smoothed: (B, K, A), those with clipped noise.
        next_values: (B, K), the smaller target Q of the smoothed actions.
        values: (B, K), r + discount (1 - d) next_values.
    """

    next_actions: Tensor
    smoothed: Tensor
    next_values: Tensor
    values: Tensor


class TD3(BellmanGradient):
    """Twin critics, smoothed target actions; the actor ascends the first critic."""

    settings: ClassVar[frozenset[str]] = frozenset(
        {
            "target_policy_noise",
            "target_noise_clip",
            "target_attends_padding",
            "critic_subset",
            "normalize_rl_coefficient",
            "normalizer_over_padding",
        }
    )

    @property
    def reads_padded_actions(self) -> bool:
        """Also as the published code normalizes the coefficient."""
        settings = self.hyperparameters
        return super().reads_padded_actions or (
            settings.normalize_rl_coefficient and settings.normalizer_over_padding
        )

    def critic_loss(self, networks: Networks, batch: SegmentBatch, noise: Noise) -> tuple[Tensor, Metrics]:
        """Squared Bellman errors of all critics, summed over critics and averaged over positions (Eq. 3)."""
        return self.squared_errors(networks, batch, self.bellman_target(networks, batch, noise).values)

    @torch.no_grad()
    def bellman_target(self, networks: Networks, batch: SegmentBatch, noise: Noise) -> BellmanTarget:
        """What the critics are regressed on; meaningless at padded positions."""
        assert networks.target_critic is not None
        settings = self.hyperparameters
        output = self.next_output(networks, batch)
        next_actions = output.action  # (B, K, A)
        if output.distribution is not None:
            next_actions = output.distribution.sample(noise(next_actions.shape))
        clip = settings.target_noise_clip
        disturbance = (settings.target_policy_noise * noise(next_actions.shape)).clamp(-clip, clip)
        smoothed = (next_actions + disturbance).clamp(-ACTION_LIMIT, ACTION_LIMIT)  # (B, K, A)
        members = networks.target_critic(batch.next_states, smoothed, batch.mask)
        next_values = self.smallest(members, noise)  # (B, K)
        return BellmanTarget(next_actions, smoothed, next_values, self.bellman_values(batch, next_values))

    def actor_loss(
        self, networks: Networks, batch: SegmentBatch, policy_output: PolicyOutput, noise: Noise
    ) -> tuple[Tensor, Metrics]:
        """-mean_t Q_1(s_t, mu_t), divided by the mean |Q_1| if ``normalize_rl_coefficient`` (Eq. 2).

        With ``critic_subset`` the mean of all Q_i is in Q_1's place.
        """
        assert networks.critic is not None
        estimate = networks.critic.mean if self.hyperparameters.critic_subset else networks.critic.first
        values = estimate(batch.states, policy_output.action, batch.mask)  # (B, K)
        loss = -batch.mean(values)
        metrics = {"loss/rl": loss.detach()}
        if self.hyperparameters.normalize_rl_coefficient:
            normalizer = batch.mean_over(values.detach().abs(), self.hyperparameters.normalizer_over_padding)
            self.average([normalizer])
            loss = loss / normalizer
        return loss, metrics
