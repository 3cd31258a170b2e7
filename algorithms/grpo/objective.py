"""The group-relative policy gradient for decision transformers (docs/methods/grpo.md; after arXiv 2601.00167)."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_SMALLEST_STD = 1e-6


def group_advantages(returns: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.float64]:
    """Returns less the mean of their group, over its standard deviation (plus 1e-6).

    Args:
        returns: (N,), of the sub-trajectories.
        group: (N,), number of each one's group, from 0 on; every number occurs.
    """
    sizes = np.bincount(group)
    mean = np.bincount(group, returns) / sizes
    centered = returns - mean[group]
    std = np.sqrt(np.bincount(group, centered**2) / sizes)
    advantages: NDArray[np.float64] = centered / (std[group] + _SMALLEST_STD)
    return advantages


def clipped_objective(log_ratio: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """min(r A, clip(r, 1 - clip, 1 + clip) A), with one ratio r per sub-trajectory; to be maximized.

    Args:
        log_ratio: (B,), mean over a sub-trajectory's steps of log pi(a_t | .) - log pi_old(a_t | .).
        advantages: (B,).
        clip: Largest distance from 1 at which a ratio still has a gradient.
    """
    ratio = log_ratio.exp()
    return torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
