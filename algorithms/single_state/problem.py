"""The single-state MDP: its reward, and offline data with nothing near the optimum (method §5)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vitamin.algorithms.data.trajectories import Trajectories

OPTIMUM: Final = 0.0
"""The action of highest reward, 1."""

OFFLINE_RANGES: Final = ((100, -1.0, -0.95), (28, 0.5, 1.0))
"""Number of offline actions, and the ends of the interval in which they are uniform."""


def reward(actions: NDArray[np.floating]) -> NDArray[np.float64]:
    """(a + 1)^2 for a < 0 and 1 - 2 a for a >= 0, a in [-1, 1]; (...) -> (...)."""
    a = np.asarray(actions, np.float64)
    return np.where(a < 0, (a + 1) ** 2, 1 - 2 * a)


def offline_actions(rng: np.random.Generator) -> NDArray[np.float64]:
    """The 128 actions of the offline data, (128,)."""
    return np.concatenate([rng.uniform(low, high, count) for count, low, high in OFFLINE_RANGES])


def episodes(actions: NDArray[np.floating]) -> Trajectories:
    """One episode of one step for each of the actions (N,); the only state is 0."""
    taken = np.asarray(actions, np.float32)
    state = np.zeros((len(taken), 1), np.float32)
    return Trajectories(
        observations=state,
        actions=taken[:, None],
        rewards=reward(taken).astype(np.float32),
        next_observations=state,
        terminals=np.ones(len(taken), np.bool_),
        offsets=np.arange(len(taken) + 1),
    )
