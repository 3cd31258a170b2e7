"""Segment sampling as one would write it first, to compare with: segment by segment, in Python."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitamin.algorithms.data.normalization import observation_statistics
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.hyperparameters import Hyperparameters

_NAMES = ("states", "next_states", "actions", "rewards", "terminals", "returns_to_go", "timesteps", "mask")


class PlainReplay:
    """A list of trajectories; a batch is a list of padded segments that are stacked."""

    def __init__(self, trajectories: Trajectories, hyperparameters: Hyperparameters) -> None:
        self._settings = hyperparameters
        self._episodes = [trajectories.select([i]) for i in range(len(trajectories))]
        self._mean, self._std = observation_statistics(trajectories.observations)
        self._probabilities = trajectories.lengths / trajectories.num_steps

    def sample(self, rng: np.random.Generator, count: int) -> dict[str, Tensor]:
        """The arrays of a batch of ``count`` segments, by name."""
        chosen = rng.choice(len(self._episodes), size=count, p=self._probabilities)
        segments = [self._segment(self._episodes[i], rng) for i in chosen]
        return {name: _stack([segment[name] for segment in segments]) for name in _NAMES}

    def _segment(self, episode: Trajectories, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        settings = self._settings
        start = int(rng.integers(episode.num_steps))
        window = slice(start, start + settings.context_length)
        returns_to_go = np.cumsum(episode.rewards[start:][::-1])[::-1] * settings.return_scale
        count = len(episode.rewards[window])
        padding = settings.context_length - count

        def pad(array: NDArray[Any]) -> NDArray[Any]:
            return np.concatenate([np.zeros((padding, *array.shape[1:]), array.dtype), array])

        last = np.append(returns_to_go, 0)[: count + 1].astype(np.float32)
        return {
            "states": (pad(episode.observations[window]) - self._mean) / self._std,
            "next_states": (pad(episode.next_observations[window]) - self._mean) / self._std,
            "actions": pad(episode.actions[window]).clip(-1 + 1e-6, 1 - 1e-6),
            "rewards": pad(episode.rewards[window]),
            "terminals": pad(episode.terminals[window].astype(np.float32)),
            "returns_to_go": pad(last),
            "timesteps": pad(np.arange(start, start + count)),
            "mask": pad(np.ones(count, np.bool_)),
        }


def _stack(arrays: Sequence[NDArray[Any]]) -> Tensor:
    return torch.from_numpy(np.stack(arrays))
