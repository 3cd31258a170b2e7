"""Supervised terms of the actor loss: what a decision transformer learns from segments alone (paper Eq. 1)."""

from torch import Tensor

from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.models.distributions import ActionDistribution


def squared_error(batch: SegmentBatch, actions: Tensor) -> Tensor:
    """Mean of (a_t - mu_t)^2 over real positions and components, ``actions`` (B, K, A) being mu; a scalar."""
    return batch.mean((actions - batch.actions).square().mean(-1))


def negative_log_likelihood(batch: SegmentBatch, distribution: ActionDistribution) -> Tensor:
    """Mean over real positions of -log pi(a_t | .); a scalar."""
    return batch.mean(-distribution.log_prob(batch.actions))


def entropy(
    batch: SegmentBatch, distribution: ActionDistribution, noise: Tensor, over_padding: bool
) -> Tensor:
    """Mean of a one-sample estimate of the policy's entropy; a scalar.

    Args:
        batch: B segments of K steps.
        distribution: The policy's, over (B, K, A).
        noise: Standard normal, (B, K, A).
        over_padding: Whether the mean is over all B K positions, as published, or over real ones.
    """
    estimate = distribution.entropy(noise)
    return estimate.mean() if over_padding else batch.mean(estimate)


def temperature_loss(log_temperature: Tensor, mean_entropy: Tensor, action_size: int) -> Tensor:
    """Loss whose descent raises the temperature while the entropy is below its target -A, and lowers it above."""
    return log_temperature.exp() * (mean_entropy.detach() + action_size)
