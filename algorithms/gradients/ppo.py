"""The PPO gradient (Schulman et al. 2017) for sequence policies."""

from typing import ClassVar

import torch
from torch import Tensor

from vitamin.algorithms.data.segments import SegmentBatch, ValuedBatch
from vitamin.algorithms.gradients.advantages import log_likelihood
from vitamin.algorithms.gradients.base import Data, Metrics, Noise, Targets
from vitamin.algorithms.gradients.on_policy import ValueGradient
from vitamin.algorithms.methods import PolicyKind
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.networks import Networks

_LARGEST_LOG_RATIO = 20.0


class PPO(ValueGradient):
    """The clipped surrogate, on the trajectories of the iteration alone.

    The old log-likelihood of an action is the one that the rollout ``recorded``, in the context of that time; or it is
    ``recomputed`` by a copy of the policy as the iteration began, which reads the same segments as the new one, so that
    the ratio begins at 1 (paper Fig. 10).
    """

    policies: ClassVar[tuple[PolicyKind, ...]] = ("stochastic",)
    targets: ClassVar[Targets | None] = "iteration"
    data: ClassVar[Data] = "iteration"
    reads: ClassVar[frozenset[str]] = frozenset(
        {"clip_ratio", "td_lambda", "old_log_probs", "published_value_pretraining"}
    )

    @property
    def reads_recorded_log_probs(self) -> bool:
        """As ``old_log_probs`` says."""
        return self.hyperparameters.old_log_probs == "recorded"

    def actor_loss(
        self,
        networks: Networks,
        batch: SegmentBatch,
        policy_output: PolicyOutput,
        noise: Noise,
        advantages: Tensor | None = None,
    ) -> tuple[Tensor, Metrics]:
        """-mean_t min(r_t A_t, clip(r_t, 1 - c, 1 + c) A_t), r_t the ratio of new to old likelihood."""
        batch = ValuedBatch.of(batch)
        difference = log_likelihood(batch, policy_output) - self.old_log_probs(networks, batch)
        ratios = difference.clamp(max=_LARGEST_LOG_RATIO).exp()
        clip = self.hyperparameters.clip_ratio
        clipped = ratios.clamp(1 - clip, 1 + clip)
        loss = -batch.mean(torch.min(ratios * batch.advantages, clipped * batch.advantages))
        metrics = {
            "loss/rl": loss.detach(),
            "ppo/ratio_mean": batch.mean(ratios.detach()),
            "ppo/clipped_share": batch.mean((ratios != clipped).to(ratios.dtype)),
        }
        return loss, metrics

    @torch.no_grad()
    def old_log_probs(self, networks: Networks, batch: ValuedBatch) -> Tensor:
        """Log-likelihood of the batch's actions under the policy with which the iteration began; (B, K)."""
        if self.reads_recorded_log_probs:
            return batch.recorded_log_probs
        return log_likelihood(batch, networks.target_pi(*batch.context()))
