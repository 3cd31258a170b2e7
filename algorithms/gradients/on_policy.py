"""The common part of PPO and AWR: a value function, its pretraining, and its regression on TD(lambda) targets."""

from typing import ClassVar

from torch import Tensor

from vitamin.algorithms.data.segments import SegmentBatch, ValuedBatch
from vitamin.algorithms.gradients.base import CriticLoss, Noise, RLGradient
from vitamin.algorithms.models.networks import Networks


class ValueGradient(RLGradient):
    """An RL gradient that takes its advantages from TD(lambda) targets of a value function.

    In pretraining, whose batches hold no targets, the value function learns from one-step targets.
    """

    has_q: ClassVar[bool] = False
    has_value: ClassVar[bool] = True
    supervised_entropy = False

    def critic_loss(self, networks: Networks, batch: SegmentBatch, noise: Noise) -> CriticLoss:
        """Half the squared error of V to its TD(lambda) targets; in pretraining as `_pretraining_loss`."""
        if not isinstance(batch, ValuedBatch):
            return self._pretraining_loss(networks, batch)
        values = networks.v(batch.states)  # (B, K)
        errors = 0.5 * (values - batch.value_targets).square()
        metrics = {
            "value/mean": batch.mean(values.detach()),
            "value/target_mean": batch.mean(batch.value_targets),
        }
        return CriticLoss(self._mean_error(batch, errors), metrics)

    def _mean_error(self, batch: SegmentBatch, errors: Tensor) -> Tensor:
        """Mean over positions of the value function's errors (B, K)."""
        return batch.mean(errors)

    def _pretraining_loss(self, networks: Networks, batch: SegmentBatch) -> CriticLoss:
        """Squared error of V to r + discount (1 - d) V(s').

        With ``published_value_pretraining`` there is no discount, the gradient goes through V(s') too, and padded
        positions count, with 1 - d = -1.
        """
        values, next_values = networks.v(batch.states), networks.v(batch.next_states)  # (B, K) each
        continues = 1 - batch.terminals
        if self.hyperparameters.published_value_pretraining:
            continues = continues.masked_fill(~batch.mask, -1.0)
            loss = (values - batch.rewards - continues * next_values).square().mean()
        else:
            targets = batch.rewards + self.hyperparameters.discount * continues * next_values.detach()
            loss = batch.mean((values - targets).square())
        return CriticLoss(loss, {"value/mean": batch.mean(values.detach())})
