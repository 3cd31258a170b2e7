"""The SAC gradient (Haarnoja et al. 2018) for sequence policies."""

from typing import ClassVar

from torch import Tensor

from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.gradients.base import CriticLoss, Metrics, Noise
from vitamin.algorithms.gradients.bellman import BellmanGradient
from vitamin.algorithms.methods import PolicyKind
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.networks import Networks


class SAC(BellmanGradient):
    """Soft critics; the actor ascends the smaller one at a reparameterized sample, plus its entropy."""

    policies: ClassVar[tuple[PolicyKind, ...]] = ("stochastic",)
    supervised_entropy = False
    learns_temperature: ClassVar[bool] = True
    reads: ClassVar[frozenset[str]] = frozenset({"target_attends_padding", "critic_subset"})

    def critic_loss(self, networks: Networks, batch: SegmentBatch, noise: Noise) -> CriticLoss:
        """Squared errors to r + discount (1 - d) (min_i Q_i(s', a') - temperature log pi(a'|s')), a' ~ target pi."""
        next_values = self.sampled_next_values(networks, batch, noise, entropy=True)
        return self.squared_errors(networks, batch, self.bellman_values(batch, next_values))

    def actor_loss(
        self,
        networks: Networks,
        batch: SegmentBatch,
        policy_output: PolicyOutput,
        noise: Noise,
        advantages: Tensor | None = None,
    ) -> tuple[Tensor, Metrics]:
        """-mean_t (temperature H(pi(.|s_t)) + min_i Q_i(s_t, a)), a ~ pi; with ``critic_subset`` the mean over i."""
        pi, q = policy_output.pi, networks.q
        shape = policy_output.action.shape
        entropy = pi.entropy(noise(shape))
        action = pi.sample(noise(shape))
        estimate = q.mean if self.hyperparameters.critic_subset else q.smallest
        values = estimate(batch.states, action, batch.mask)
        loss = -batch.mean(networks.temperature * entropy + values)
        return loss, {"loss/rl": loss.detach()}
