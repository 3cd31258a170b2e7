"""The common part of gradients that imitate good actions: weights by advantage, and likelihoods."""

from torch import Tensor

from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.models.heads import PolicyOutput


def advantage_weights(advantages: Tensor, hyperparameters: Hyperparameters) -> Tensor:
    """exp(beta A), at most ``max_advantage_weight``; (...) -> (...)."""
    settings = hyperparameters
    return (settings.inverse_temperature * advantages).exp().clamp(max=settings.max_advantage_weight)


def log_likelihood(batch: SegmentBatch, policy_output: PolicyOutput) -> Tensor:
    """Log pi(a_t|.) of the batch's actions; for a deterministic policy -|a_t - mu_t|^2; (B, K)."""
    if policy_output.distribution is not None:
        return policy_output.distribution.log_prob(batch.actions)
    return -(policy_output.action - batch.actions).square().sum(-1)
