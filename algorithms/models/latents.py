"""Diagonal Gaussians over latent futures and returns (PDT; Xie et al. 2023)."""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

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

    @classmethod
    def of(cls, parts: Tensor) -> Self:
        """From loc and log_std side by side, (..., 2 Z), as a head gives them."""
        return cls(*parts.chunk(2, dim=-1))

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


def clip_log_std(raw: Tensor) -> Tensor:
    """The log-std of PDT's heads, in [-10, 2]; (...) -> (...)."""
    return raw.clamp(_LOWEST_LOG_STD, _HIGHEST_LOG_STD)
