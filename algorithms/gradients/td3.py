"""The TD3 gradient (paper Eq. 2 and 3; Fujimoto et al. 2018) for sequence policies."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vitamin.algorithms.gradients.base import Metrics, Noise, RLGradient
from vitamin.algorithms.models.distributions import ACTION_LIMIT
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.networks import Networks
from vitamin.algorithms.segments import SegmentBatch


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


class TD3(RLGradient):
    """Twin critics, smoothed target actions; the actor ascends the first critic."""

    @property
    def reads_padded_actions(self) -> bool:
        """As the published code normalizes the coefficient."""
        return self.hyperparameters.normalize_rl_coefficient and self.hyperparameters.normalizer_over_padding

    def critic_loss(self, networks: Networks, batch: SegmentBatch, noise: Noise) -> tuple[Tensor, Metrics]:
        """Squared Bellman errors of all critics, summed over critics and averaged over positions (Eq. 3)."""
        assert networks.critic is not None
        target = self.bellman_target(networks, batch, noise)
        values = networks.critic(batch.states, batch.actions)  # (2, B, K)
        errors = (values - target.values).square().sum(0)  # (B, K)
        loss = (
            batch.mean_with_padding(errors)
            if self.hyperparameters.critic_loss_over_padding
            else batch.mean(errors)
        )
        return loss, {"q/mean": batch.mean(values[0].detach()), "q/target_mean": batch.mean(target.values)}

    @torch.no_grad()
    def bellman_target(self, networks: Networks, batch: SegmentBatch, noise: Noise) -> BellmanTarget:
        """What the critics are regressed on; meaningless at padded positions.

        One causal pass of the target policy over the segment shifted by one step, the context that ends in the next
        state, gives the next action of every position.
        """
        assert networks.target_policy is not None
        assert networks.target_critic is not None
        settings = self.hyperparameters
        next_actions = networks.target_policy(
            batch.next_states,
            batch.shifted_actions(),
            batch.returns_to_go[:, 1:],
            batch.timesteps + 1,
            batch.shifted_mask() if settings.target_attends_padding else batch.mask,
            padding="attend" if settings.target_attends_padding else "skip",
        ).action  # (B, K, A)
        clip = settings.target_noise_clip
        disturbance = (settings.target_policy_noise * noise(next_actions.shape)).clamp(-clip, clip)
        smoothed = (next_actions + disturbance).clamp(-ACTION_LIMIT, ACTION_LIMIT)  # (B, K, A)
        next_values = networks.target_critic(batch.next_states, smoothed).amin(0)  # (B, K)
        values = batch.rewards + settings.discount * (1 - batch.terminals) * next_values
        return BellmanTarget(next_actions, smoothed, next_values, values)

    def actor_loss(
        self, networks: Networks, batch: SegmentBatch, policy_output: PolicyOutput
    ) -> tuple[Tensor, Metrics]:
        """-mean_t Q_1(s_t, mu_t), divided by the mean |Q_1| if ``normalize_rl_coefficient`` (Eq. 2)."""
        assert networks.critic is not None
        values = networks.critic.first(batch.states, policy_output.action)  # (B, K)
        loss = -batch.mean(values)
        metrics = {"loss/rl": loss.detach()}
        if self.hyperparameters.normalize_rl_coefficient:
            sizes = values.detach().abs()
            normalizer = sizes.mean() if self.reads_padded_actions else batch.mean(sizes)
            self.average([normalizer])
            loss = loss / normalizer
        return loss, metrics
