"""Diagonal Gaussians over latent futures and returns, and the head that gives one (PDT; Xie et al. 2023)."""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from vitamin.algorithms.models.layers import Linear

_LOWEST_LOG_STD, _HIGHEST_LOG_STD = -10.0, 2.0


@dataclass(frozen=True)
class DiagonalGaussian:
    """Independent normal distributions of Z components.

    Attributes:
        loc: (..., Z).
        log_std: (..., Z).
    """

    loc: Tensor
    log_std: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """The sample that ``noise`` (..., Z), standard normal, gives; differentiable in loc and log_std."""
        return self.loc + self.log_std.exp() * noise

    def log_prob(self, values: Tensor) -> Tensor:
        """Log density of ``values``; (..., Z) -> (...)."""
        scaled = (values - self.loc) * (-self.log_std).exp()
        return (-0.5 * scaled.square() - self.log_std - 0.5 * math.log(2 * math.pi)).sum(-1)

    def divergence(self, other: "DiagonalGaussian") -> Tensor:
        """KL(self || other), summed over components; (...)."""
        ratio = (2 * (self.log_std - other.log_std)).exp()  # of the variances
        distance = ((self.loc - other.loc) * (-other.log_std).exp()).square()
        return (0.5 * (ratio + distance - 1) + other.log_std - self.log_std).sum(-1)

    def detach(self) -> Self:
        """The same distribution, through which no gradient flows."""
        return type(self)(self.loc.detach(), self.log_std.detach())

    def to(self, dtype: torch.dtype) -> Self:
        """The same distribution in another precision."""
        return type(self)(self.loc.to(dtype), self.log_std.to(dtype))

    def standard(self) -> Self:
        """The standard normal of the same shape."""
        return type(self)(torch.zeros_like(self.loc), torch.zeros_like(self.log_std))


class GaussianHead(nn.Module):
    """Linear maps to mean and log-std, which is clipped to [-10, 2]; orthogonal initialization with zero biases."""

    def __init__(self, input_size: int, latent_size: int) -> None:
        super().__init__()
        self.loc = Linear(input_size, latent_size)
        self.log_std = Linear(input_size, latent_size)
        for layer in (self.loc, self.log_std):
            nn.init.orthogonal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, inputs: Tensor) -> DiagonalGaussian:
        """(..., I) -> a distribution over (..., Z)."""
        rows, shape = inputs.flatten(0, -2), inputs.shape[:-1]
        log_std = self.log_std(rows).clamp(_LOWEST_LOG_STD, _HIGHEST_LOG_STD)
        return DiagonalGaussian(self.loc(rows).view(*shape, -1), log_std.view(*shape, -1))
