"""How observations and rewards are scaled, in the replay and in rollouts alike."""

import numpy as np
from numpy.typing import NDArray

_SMALLEST_STD = 1e-6


def observation_statistics(
    observations: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of each component; (N, S) -> (S,), (S,).

    1e-6 is added to the deviation, as in the published code, so that a constant component becomes 0.
    """
    mean = observations.mean(axis=0, dtype=np.float64)
    std = observations.std(axis=0, dtype=np.float64) + _SMALLEST_STD
    return mean.astype(np.float32), std.astype(np.float32)


def normalize(
    observations: NDArray[np.float32], mean: NDArray[np.float32], std: NDArray[np.float32]
) -> NDArray[np.float32]:
    """What a policy sees; (..., S) -> (..., S)."""
    return (observations - mean) / std


def denormalize(
    states: NDArray[np.float32], mean: NDArray[np.float32], std: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The observations that `normalize` was given, up to rounding; (..., S) -> (..., S)."""
    return (states.astype(np.float64) * std + mean).astype(np.float32)


def transform_rewards(rewards: NDArray[np.float32], shift: float, divisor: float) -> NDArray[np.float32]:
    """Rewards as losses and returns-to-go take them: ``(reward + shift) / divisor``; (...) -> (...)."""
    return ((rewards.astype(np.float64) + shift) / divisor).astype(np.float32)


def restore_rewards(rewards: NDArray[np.float32], shift: float, divisor: float) -> NDArray[np.float32]:
    """The rewards that `transform_rewards` was given, up to rounding; (...) -> (...)."""
    return (rewards.astype(np.float64) * divisor - shift).astype(np.float32)
