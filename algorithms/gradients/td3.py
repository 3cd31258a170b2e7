"""The TD3 gradient (paper Eq. 2 and 3; Fujimoto et al. 2018) for sequence policies; DDPG with one critic."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from vitamin.algorithms.data.normalization import ACTION_LIMIT
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.gradients.base import CriticLoss, Metrics, Noise
from vitamin.algorithms.gradients.bellman import BellmanGradient
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.networks import Networks


@dataclass(frozen=True)
class BellmanTarget:
    """The target y of the critics and what it is made of.

    Attributes:
        next_actions: (B, K, A), the target policy's at the next states.
        smoothed: (B, K, A), those with clipped noise: a~.
        next_values: (B, K), the smaller target Q of the smoothed actions.
        values: (B, K), y = r + gamma (1 - d) next_values.
    """

    next_actions: Tensor
    smoothed: Tensor
    next_values: Tensor
    values: Tensor


class TD3(BellmanGradient):
    """Twin critics, smoothed target actions; the actor ascends the first critic."""

    reads: ClassVar[frozenset[str]] = frozenset(
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

    @torch.no_grad()
    def bellman_target(self, networks: Networks, batch: SegmentBatch, noise: Noise) -> BellmanTarget:
        """The target y of the critics (Eq. 3, right of the minus); meaningless at padded positions."""
        settings = self.hyperparameters
        # Smoothing: a~ = clip(mu_target(R_2..t+1, s_2..t+1, a_2..t) + clip(sigma eps, -c, c)), eps ~ N(0, 1)
        output = self.next_output(networks, batch)
        next_actions = output.action  # (B, K, A)
        if output.distribution is not None:
            next_actions = output.distribution.sample(noise(next_actions.shape))
        sigma, c = settings.target_policy_noise, settings.target_noise_clip
        disturbance = (sigma * noise(next_actions.shape)).clamp(-c, c)
        smoothed = (next_actions + disturbance).clamp(-ACTION_LIMIT, ACTION_LIMIT)  # (B, K, A)
        # Clipped double Q: min_i Q_i_target(s_t+1, a~)
        members = networks.target_q(batch.next_states, smoothed, batch.mask)  # (members, B, K)
        next_values = self.smallest(members, noise)  # (B, K)
        # Target: y_t = r_t + gamma (1 - d_t) min_i Q_i_target(s_t+1, a~)
        y = batch.rewards + settings.discount * (1 - batch.terminals) * next_values  # (B, K)
        return BellmanTarget(next_actions, smoothed, next_values, y)

    def critic_loss(self, networks: Networks, batch: SegmentBatch, noise: Noise) -> CriticLoss:
        """Squared Bellman errors of all critics, summed over critics and averaged over steps (Eq. 3)."""
        y = self.bellman_target(networks, batch, noise).values  # (B, K)
        # Loss: L_Q = sum_i mean_t (Q_i(s_t, a_t) - y_t)^2
        q = networks.q(batch.states, batch.actions, batch.mask)  # (members, B, K)
        loss = self.mean_over_steps(batch, (q - y).square().sum(0))
        return CriticLoss(loss, {"q/mean": batch.mean(q[0].detach()), "q/target_mean": batch.mean(y)})

    def actor_loss(
        self,
        networks: Networks,
        batch: SegmentBatch,
        policy_output: PolicyOutput,
        noise: Noise,
        advantages: Tensor | None = None,
    ) -> tuple[Tensor, Metrics]:
        """-mean_t Q_1(s_t, mu_t), divided by the mean |Q_1| if ``normalize_rl_coefficient`` (Eq. 2).

        With ``critic_subset`` the mean of all Q_i is in Q_1's place.
        """
        estimate = networks.q.mean if self.hyperparameters.critic_subset else networks.q.first
        values = estimate(batch.states, policy_output.action, batch.mask)  # (B, K)
        loss = -batch.mean(values)
        metrics = {"loss/rl": loss.detach()}
        if self.hyperparameters.normalize_rl_coefficient:
            normalizer = batch.mean_over(values.detach().abs(), self.hyperparameters.normalizer_over_padding)
            self.lockstep.average([normalizer])
            loss = loss / normalizer
        return loss, metrics
