"""How observations and rewards are scaled and actions bounded, in the replay and in rollouts alike."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Observations = NDArray[np.floating[Any]]
"""As an environment or a file gives them: float64 unless float32 holds all that its type can say."""

ACTION_LIMIT = 1 - 1e-6
"""Actions lie in [-ACTION_LIMIT, ACTION_LIMIT], where tanh can be inverted."""

_ADDED = 1e-6
_ROUNDING = 4
_SMALLEST_MAGNITUDE = 0.01
_CHUNK_VALUES = 1 << 20


def as_observations(values: Any) -> Observations:
    """Numbers of any type as observations, without loss; the same array if it is one already."""
    array = np.asarray(values)
    floats: Observations = np.asarray(
        array, np.float32 if np.can_cast(array.dtype, np.float32) else np.float64
    )
    return floats


def observation_statistics(
    observations: Observations, *, amplify_constant: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and divisor of each component; (N, S) -> (S,), (S,).

    The divisor is the standard deviation plus 1e-6, as in the published code. A component that is constant in the
    data becomes 0 then, but another value of it online, say 1 more, becomes 1e6. Without ``amplify_constant`` the
    divisor of such components, see `constant_components`, is 1.
    """
    mean, std = moments(observations)
    divisor = std + _ADDED
    if not amplify_constant:
        divisor[constant_components(observations, std)] = 1.0
    return mean, divisor


def moments(observations: Observations) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each component, in float64 and a part at a time; (N, S) -> (S,), (S,)."""
    N, S = observations.shape
    mean: NDArray[np.float64] = observations.mean(axis=0, dtype=np.float64)
    squares = np.zeros(S)
    for part in _parts(observations):
        squares += np.square(part - mean).sum(axis=0)
    return mean, np.sqrt(squares / N)


def constant_components(observations: Observations, std: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which components are constant in the data, or nearly so; (N, S), (S,) -> (S,).

    Nearly: their range is a few units in the last place, or their deviation below 1e-6 of their magnitude (counted
    as 0.01 at least and 1 at most), so that what is added to it in `observation_statistics` outweighs it.
    """
    low, high = observations.min(axis=0).astype(np.float64), observations.max(axis=0).astype(np.float64)
    magnitude = np.maximum(np.abs(low), np.abs(high))
    rounding = _ROUNDING * np.finfo(observations.dtype).eps * magnitude
    tiny = std < _ADDED * magnitude.clip(_SMALLEST_MAGNITUDE, 1.0)
    return np.asarray((high - low <= rounding) | tiny)


def normalize(
    observations: Observations, mean: NDArray[np.floating[Any]], std: NDArray[np.floating[Any]]
) -> NDArray[np.float32]:
    """Observations as a policy sees them; (..., S) -> (..., S).

    The mean is subtracted in float64, a part at a time: seconds since 1970 differ by less than float32 can tell.
    """
    states = np.empty(observations.shape, np.float32)
    center, divisor = mean.astype(np.float64), std.astype(np.float64)
    rows = observations.reshape(-1, observations.shape[-1])
    for part, out in zip(_parts(rows), _parts(states.reshape(rows.shape)), strict=True):
        out[...] = (part - center) / divisor
    return states


def denormalize(
    states: NDArray[np.float32], mean: NDArray[np.floating[Any]], std: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """The observations that `normalize` was given, up to float32's rounding of the states; (..., S) -> (..., S)."""
    return np.asarray(states.astype(np.float64) * std + mean)


def _parts(rows: Observations) -> Iterator[Observations]:
    """Views of some rows (N, S) at a time."""
    step = max(1, _CHUNK_VALUES // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        yield rows[start : start + step]


def transform_rewards(rewards: NDArray[np.float32], shift: float, divisor: float) -> NDArray[np.float32]:
    """Rewards as losses and returns-to-go take them: ``(reward + shift) / divisor``; (...) -> (...)."""
    return ((rewards.astype(np.float64) + shift) / divisor).astype(np.float32)


def restore_rewards(rewards: NDArray[np.float32], shift: float, divisor: float) -> NDArray[np.float32]:
    """The rewards that `transform_rewards` was given, up to rounding; (...) -> (...)."""
    return (rewards.astype(np.float64) * divisor - shift).astype(np.float32)
