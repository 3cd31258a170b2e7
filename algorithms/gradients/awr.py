"""The AWR gradient (Peng et al. 2019): likelihood weighted by the advantage of TD(lambda) returns."""

from typing import ClassVar

from torch import Tensor

from vitamin.algorithms.data.segments import SegmentBatch, ValuedBatch
from vitamin.algorithms.gradients.advantages import advantage_weights, log_likelihood
from vitamin.algorithms.gradients.base import Data, Metrics, Noise, Targets
from vitamin.algorithms.gradients.on_policy import ValueGradient
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.networks import Networks

_SMALLEST_STD = 1e-8


class AWR(ValueGradient):
    """Advantage-weighted regression on the whole replay, plus the entropy of a stochastic policy."""

    targets: ClassVar[Targets | None] = None
    data: ClassVar[Data] = "valued_replay"
    reads: ClassVar[frozenset[str]] = frozenset(
        {
            "td_lambda",
            "published_value_pretraining",
            "inverse_temperature",
            "max_advantage_weight",
            "normalize_advantages",
            "advantage_losses_over_padding",
        }
    )

    @property
    def reads_padded_actions(self) -> bool:
        """As the published code averages the loss."""
        return self.hyperparameters.advantage_losses_over_padding

    def _mean_error(self, batch: SegmentBatch, errors: Tensor) -> Tensor:
        return batch.mean_over(errors, self.hyperparameters.advantage_losses_over_padding)

    def actor_loss(
        self,
        networks: Networks,
        batch: SegmentBatch,
        policy_output: PolicyOutput,
        noise: Noise,
        advantages: Tensor | None = None,
    ) -> tuple[Tensor, Metrics]:
        """-mean_t (exp(beta A_t) log pi(a_t|.) + temperature H(pi(.|s_t)))."""
        batch = ValuedBatch.of(batch)
        over_padding = self.hyperparameters.advantage_losses_over_padding
        advantages = batch.advantages
        if self.hyperparameters.normalize_advantages:
            advantages = self.standardized(batch, advantages)
        weights = advantage_weights(advantages, self.hyperparameters)
        gains = weights * log_likelihood(batch, policy_output)
        if policy_output.distribution is not None and networks.log_temperature is not None:
            entropy = policy_output.distribution.entropy(noise(policy_output.action.shape))
            gains = gains + networks.temperature * entropy
        loss = -batch.mean_over(gains, over_padding)
        return loss, {"loss/rl": loss.detach(), "advantage/weight_mean": batch.mean(weights)}

    def standardized(self, batch: SegmentBatch, advantages: Tensor) -> Tensor:
        """Advantages less their mean, over their standard deviation, in the batch of all learners; (B, K)."""
        over_padding = self.hyperparameters.advantage_losses_over_padding
        count = self.lockstep.learners * (advantages.numel() if over_padding else batch.real_count)
        mean = batch.mean_over(advantages, over_padding)
        self.lockstep.average([mean])
        variance = batch.mean_over((advantages - mean).square(), over_padding)
        self.lockstep.average([variance])
        return (advantages - mean) / ((variance * count / max(count - 1, 1)).sqrt() + _SMALLEST_STD)
