"""Heads that turn a state token into an action or an action distribution."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vitamin.algorithms.data.normalization import ACTION_LIMIT
from vitamin.algorithms.models.distributions import (
    ActionDistribution,
    Gaussian,
    SquashedGaussian,
    squash_log_std,
)
from vitamin.algorithms.models.layers import Linear


@dataclass(frozen=True)
class PolicyOutput:
    """A policy's action, or distribution of actions, at each position.

    Attributes:
        action: (..., A), within the action range: the deterministic policy's action, or the tanh of the stochastic
            policy's mean.
        distribution: The stochastic policy's action distribution; None for a deterministic policy.
    """

    action: Tensor
    distribution: ActionDistribution | None

    @property
    def pi(self) -> ActionDistribution:
        """The distribution of a stochastic policy.

        Raises:
            LookupError: If the policy is deterministic.
        """
        if self.distribution is None:
            raise LookupError("A deterministic policy has no distribution of actions.")
        return self.distribution


class DeterministicHead(nn.Module):
    """A linear map; its output is the action before the tanh, (..., A)."""

    def __init__(self, hidden_size: int, action_size: int) -> None:
        super().__init__()
        self.action = Linear(hidden_size, action_size)

    def forward(self, tokens: Tensor) -> Tensor:
        """(..., H) -> (..., A)."""
        raw: Tensor = self.action(tokens)
        return raw

    def output(self, raw: Tensor) -> PolicyOutput:
        """The policy's output from what ``forward`` gave."""
        return PolicyOutput(raw.tanh().clamp(-ACTION_LIMIT, ACTION_LIMIT), None)


class GaussianHead(nn.Module):
    """Linear maps to mean and log-std of D independent Gaussians; orthogonal initialization with zero biases.

    Args:
        input_size: I.
        size: D.
        bound_log_std: Keeps the log-std within bounds.
    """

    def __init__(self, input_size: int, size: int, bound_log_std: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.loc = Linear(input_size, size)
        self.log_std = Linear(input_size, size)
        self._bound_log_std = bound_log_std
        for layer in (self.loc, self.log_std):
            nn.init.orthogonal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """Mean and log-std side by side; (..., I) -> (..., 2 D)."""
        rows = inputs.flatten(0, -2)
        parts = torch.cat([self.loc(rows), self._bound_log_std(self.log_std(rows))], dim=-1)
        return parts.view(*inputs.shape[:-1], -1)


class StochasticHead(GaussianHead):
    """Online DT's: a Gaussian before the tanh, its log-std squashed into [-5, 2], (..., 2 A)."""

    def __init__(self, hidden_size: int, action_size: int) -> None:
        super().__init__(hidden_size, action_size, squash_log_std)

    def output(self, raw: Tensor) -> PolicyOutput:
        """The policy's output from what ``forward`` gave."""
        loc, log_std = raw.chunk(2, dim=-1)
        distribution = SquashedGaussian(loc, log_std)
        return PolicyOutput(distribution.mean_action, distribution)


class SharedStdHead(nn.Module):
    """IQL's: a linear map to a Gaussian's mean, after a tanh, and one log-std for all states, clipped to [-5, 2]."""

    def __init__(self, hidden_size: int, action_size: int) -> None:
        super().__init__()
        self.loc = Linear(hidden_size, action_size)
        self.log_std = nn.Parameter(torch.zeros(action_size))

    def forward(self, features: Tensor) -> Tensor:
        """(N, H) -> (N, 2 A)."""
        means = self.loc(features).tanh()
        return torch.cat([means, self.log_std.clamp(-5.0, 2.0).expand_as(means)], dim=-1)

    def output(self, raw: Tensor) -> PolicyOutput:
        """The policy's output from what ``forward`` gave."""
        mean, log_std = raw.chunk(2, dim=-1)
        distribution = Gaussian(mean, log_std)
        return PolicyOutput(distribution.mean_action, distribution)
