"""Cutting a stream of steps into episodes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def episode_offsets(
    terminals: NDArray[np.bool_], timeouts: NDArray[np.bool_] | None, max_episode_steps: int | None
) -> NDArray[np.int64]:
    """Offsets (E + 1,) of the E finished episodes among N steps, as D4RL's ``sequence_dataset`` cuts them.

    An episode ends at a terminal or a timeout. In a file without timeouts it also ends at
    ``max_episode_steps``. Where timeouts are given the limit is not applied: human demonstrations are longer
    than it. Steps after the last end, ``offsets[-1]`` to N, belong to an unfinished episode.

    Args:
        terminals: (N,).
        timeouts: (N,), or None.
        max_episode_steps: The task's limit, if it has one.
    """
    ends = terminals if timeouts is None else terminals | timeouts
    if timeouts is None and max_episode_steps is not None:
        ends = ends | _at_limit(ends, max_episode_steps)
    return np.concatenate([[0], np.flatnonzero(ends) + 1]).astype(np.int64)


def following_observations(observations: NDArray[Any]) -> NDArray[Any]:
    """Next observations (N, S) for a file that has none: the observations one row further down.

    This is what D4RL's scripts do. The last step of an episode therefore points at the first observation of
    the next episode, and the last row of the file at itself. It never matters after a terminal, where no
    value is bootstrapped.
    """
    return np.concatenate([observations[1:], observations[-1:]])


def _at_limit(ends: NDArray[np.bool_], limit: int) -> NDArray[np.bool_]:
    """Where the steps since the last end reach a multiple of ``limit``."""
    starts = np.concatenate([[0], np.flatnonzero(ends) + 1])
    lengths = np.diff(np.concatenate([starts, [len(ends)]]))
    position = np.arange(len(ends)) - np.repeat(starts, lengths)
    return np.asarray((position + 1) % limit == 0)
