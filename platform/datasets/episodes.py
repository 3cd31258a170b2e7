"""Cutting a stream of steps into episodes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitamin.platform.tasks.task import EpisodeEnds

_SAME = 1e-6
_POSITION = slice(0, 2)
_LONGEST_STRIDE = 1.0


@dataclass(frozen=True)
class Episodes:
    """Which of a file's N steps belong to finished episodes, and where these end.

    Attributes:
        kept: The first steps, as a slice, or bool (N,).
        offsets: int64 (E + 1,), counted in kept steps; episode e is the steps offsets[e] to offsets[e + 1].
    """

    kept: slice | NDArray[np.bool_]
    offsets: NDArray[np.int64]


def cut_episodes(
    observations: NDArray[Any],
    next_observations: NDArray[Any] | None,
    terminals: NDArray[np.bool_],
    timeouts: NDArray[np.bool_] | None,
    *,
    ends: EpisodeEnds = "flags",
    max_episode_steps: int | None = None,
) -> Episodes:
    """The episodes of a file.

    ``flags``, as D4RL's ``sequence_dataset``: an episode ends at a terminal or a timeout. Where timeouts are
    given ``max_episode_steps`` is not applied: human demonstrations are longer than it. What follows the last
    end is unfinished and left out.

    ``transitions``, as D4RL's ``qlearning_dataset`` cut into trajectories by the paper's code: an episode ends
    also where the following observation is not the step's next one, and at the end of the file. In a file without
    next observations a step with a timeout, and the file's last, have none and are left out.

    ``jumps``: the same, but timeouts are not believed. In a file without next observations an episode that
    does not end in a terminal ends where the position, the first two observations, moves by more than an ant can
    walk in a step; a reset nearer than that goes unnoticed.

    Args:
        observations: (N, S).
        next_observations: (N, S), or None.
        terminals: (N,).
        timeouts: (N,), or None; then an episode also ends at ``max_episode_steps``, except for ``jumps``.
        ends: Which of the three.
        max_episode_steps: The task's limit, if it has one.
    """
    if timeouts is None:
        timeouts = np.zeros_like(terminals)
        if max_episode_steps is not None:
            timeouts = _at_limit(terminals, max_episode_steps)
    if ends == "flags":
        offsets = np.concatenate([[0], np.flatnonzero(terminals | timeouts) + 1]).astype(np.int64)
        return Episodes(slice(offsets[-1]), offsets)
    if ends == "jumps":
        timeouts = np.zeros_like(timeouts)
    if next_observations is not None:
        breaks = _last(_moves_more(next_observations[:-1], observations[1:], _SAME))
        return _of_steps(np.ones_like(terminals), terminals | timeouts | breaks)
    if ends == "transitions":
        unknown = timeouts.copy()
        unknown[-1:] = True
    else:
        positions = observations[:, _POSITION]
        jumps = _last(_moves_more(positions[:-1], positions[1:], _LONGEST_STRIDE))
        unknown = jumps & ~terminals
    return _of_steps(~unknown, terminals | unknown)


def following_observations(observations: NDArray[Any]) -> NDArray[Any]:
    """Next observations (N, S) for a file that has none: the observations one row further down.

    This is what D4RL's scripts do. The last step of an episode therefore points at the first observation of
    the next episode, and the last row of the file at itself. It never matters after a terminal, where no
    value is bootstrapped.
    """
    return np.concatenate([observations[1:], observations[-1:]])


def _of_steps(kept: NDArray[np.bool_], ends: NDArray[np.bool_]) -> Episodes:
    """Episodes of the kept steps, each of which belongs to the first end at or after it."""
    episode: NDArray[np.int64] = (np.cumsum(ends) - ends)[kept]
    borders = np.flatnonzero(np.diff(episode)) + 1
    count = [len(episode)] if len(episode) else []
    return Episodes(kept, np.concatenate([[0], borders, count]).astype(np.int64))


def _moves_more(before: NDArray[Any], after: NDArray[Any], distance: float) -> NDArray[np.bool_]:
    return np.asarray(np.linalg.norm(after.astype(np.float64) - before, axis=1) > distance)


def _last(inner: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``inner`` (N - 1,) with the file's last step, which always is an end, (N,)."""
    return np.concatenate([inner, [True]])


def _at_limit(ends: NDArray[np.bool_], limit: int) -> NDArray[np.bool_]:
    """Where the steps since the last end reach a multiple of ``limit``."""
    starts = np.concatenate([[0], np.flatnonzero(ends) + 1])
    lengths = np.diff(np.concatenate([starts, [len(ends)]]))
    position = np.arange(len(ends)) - np.repeat(starts, lengths)
    return np.asarray((position + 1) % limit == 0)
