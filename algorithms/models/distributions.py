"""Tanh-squashed Gaussian: the action distribution of the stochastic policy (Online DT; Haarnoja et al. 2018)."""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

from vitamin.algorithms.data.normalization import ACTION_LIMIT

_NODES = 64  # of the quadrature over a normal variable, between -5 and 5


@dataclass(frozen=True)
class SquashedGaussian:
    """The distribution of ``tanh(loc + std * e)``, ``e`` standard normal, independent over the action's A components.

    Attributes:
        loc: (..., A), before the tanh.
        log_std: (..., A).
    """

    loc: Tensor
    log_std: Tensor

    @classmethod
    def of(cls, distribution: "ActionDistribution") -> Self:
        """The same ``distribution``, which must be of this kind.

        Raises:
            TypeError: If it is not.
        """
        if not isinstance(distribution, cls):
            raise TypeError(f"The policy acts by a {type(distribution).__name__}, not by a {cls.__name__}.")
        return distribution

    @property
    def mean_action(self) -> Tensor:
        """``tanh(loc)``, the action taken in evaluation; (..., A)."""
        return self.loc.tanh().clamp(-ACTION_LIMIT, ACTION_LIMIT)

    def pre_tanh(self, noise: Tensor) -> Tensor:
        """The Gaussian sample that ``noise`` (..., A), standard normal, gives; differentiable in loc and log_std."""
        return self.loc + self.log_std.exp() * noise

    def sample(self, noise: Tensor) -> Tensor:
        """The action that ``noise`` (..., A) gives, differentiable (reparameterized); (..., A)."""
        return self.pre_tanh(noise).tanh().clamp(-ACTION_LIMIT, ACTION_LIMIT)

    def sample_with_log_prob(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """As `sample`, with the log density, exact where tanh saturates; (..., A), (...)."""
        value = self.pre_tanh(noise)
        return value.tanh().clamp(-ACTION_LIMIT, ACTION_LIMIT), self.log_prob_of_pre_tanh(value)

    def log_prob(self, actions: Tensor) -> Tensor:
        """Log density of ``actions`` (..., A) strictly inside (-1, 1), as those of a batch are; (...)."""
        return self.log_prob_of_pre_tanh(actions.atanh())

    def log_prob_of_pre_tanh(self, values: Tensor) -> Tensor:
        """Log density of the actions ``tanh(values)``, exact where tanh saturates; (..., A) -> (...)."""
        scaled = (values - self.loc) * (-self.log_std).exp()
        gaussian = -0.5 * scaled.square() - self.log_std - 0.5 * math.log(2 * math.pi)
        log_slope = 2 * (math.log(2) - values - F.softplus(-2 * values))
        return (gaussian - log_slope).sum(-1)

    def variance(self) -> Tensor:
        """Variance of each component of the action, by numerical quadrature; (..., A)."""
        nodes = torch.linspace(-5, 5, _NODES, dtype=self.loc.dtype, device=self.loc.device)
        weights = (-0.5 * nodes.square()).softmax(0)
        actions = (self.loc[..., None] + self.log_std.exp()[..., None] * nodes).tanh()  # (..., A, nodes)
        mean = actions @ weights
        return (actions - mean[..., None]).square() @ weights

    def entropy(self, noise: Tensor) -> Tensor:
        """One-sample estimate of the entropy, ``-log_prob`` of the action of ``noise`` (..., A); (...)."""
        return -self.log_prob_of_pre_tanh(self.pre_tanh(noise))


@dataclass(frozen=True)
class Gaussian:
    """The distribution of ``mean + std * e``, ``e`` standard normal, independent over the action's A components.

    Actions beyond the action range are clipped to it when they are taken.

    Attributes:
        mean: (..., A), within the action range.
        log_std: (..., A).
    """

    mean: Tensor
    log_std: Tensor

    @property
    def mean_action(self) -> Tensor:
        """The mean, the action taken in evaluation; (..., A)."""
        return self.mean.clamp(-ACTION_LIMIT, ACTION_LIMIT)

    def sample(self, noise: Tensor) -> Tensor:
        """The action that ``noise`` (..., A), standard normal, gives; (..., A)."""
        return (self.mean + self.log_std.exp() * noise).clamp(-ACTION_LIMIT, ACTION_LIMIT)

    def log_prob(self, actions: Tensor) -> Tensor:
        """Log density of ``actions``; (..., A) -> (...)."""
        scaled = (actions - self.mean) * (-self.log_std).exp()
        return (-0.5 * scaled.square() - self.log_std - 0.5 * math.log(2 * math.pi)).sum(-1)

    def sample_with_log_prob(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """As `sample`, with the log density of the action before it is clipped; (..., A), (...)."""
        return self.sample(noise), self.log_prob(self.mean + self.log_std.exp() * noise)

    def entropy(self, noise: Tensor) -> Tensor:
        """One-sample estimate of the entropy, from ``noise`` (..., A); (...)."""
        return -self.sample_with_log_prob(noise)[1]


ActionDistribution = SquashedGaussian | Gaussian
"""The distribution of a stochastic policy's actions."""


def squash_log_std(raw: Tensor, low: float = -5.0, high: float = 2.0) -> Tensor:
    """Maps any real number smoothly into [low, high]; (...) -> (...)."""
    return low + 0.5 * (high - low) * (torch.tanh(raw) + 1)
