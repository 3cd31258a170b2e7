"""Whole trajectories as a flat structure of arrays: what datasets hold, env runners return and the replay takes."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Trajectories:
    """E trajectories with N steps in total, laid end to end.

    Attributes:
        observations: float32 (N, S), as the environment gives them (not normalized).
        actions: float32 (N, A), in [-1, 1].
        rewards: float32 (N,), as the environment gives them.
        next_observations: float32 (N, S); at a trajectory's end the observation after its last step.
        terminals: bool (N,); true termination only, never a time limit.
        offsets: int64 (E + 1,); trajectory e is the steps offsets[e] to offsets[e + 1].
    """

    observations: NDArray[np.float32]
    actions: NDArray[np.float32]
    rewards: NDArray[np.float32]
    next_observations: NDArray[np.float32]
    terminals: NDArray[np.bool_]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def num_steps(self) -> int:
        """N."""
        return int(self.offsets[-1])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Steps of each trajectory, (E,)."""
        return np.diff(self.offsets)

    @property
    def returns(self) -> NDArray[np.float64]:
        """Undiscounted return of each trajectory, (E,), summed in float64."""
        if len(self) == 0:
            return np.zeros(0)
        return np.add.reduceat(self.rewards.astype(np.float64), self.offsets[:-1])

    def select(self, indices: Sequence[int] | NDArray[np.int64]) -> "Trajectories":
        """The trajectories ``indices``, in that order."""
        chosen = np.asarray(indices, np.int64)
        lengths = self.lengths[chosen]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        steps = (
            np.arange(offsets[-1])
            - np.repeat(offsets[:-1], lengths)
            + np.repeat(self.offsets[chosen], lengths)
        )
        arrays = {f.name: getattr(self, f.name)[steps] for f in fields(self) if f.name != "offsets"}
        return Trajectories(**arrays, offsets=offsets)

    @staticmethod
    def concatenate(parts: Sequence["Trajectories"]) -> "Trajectories":
        """All trajectories of ``parts``, in order; ``parts`` must not be empty."""
        lengths = np.concatenate([part.lengths for part in parts])
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        arrays = {
            f.name: np.concatenate([getattr(part, f.name) for part in parts])
            for f in fields(Trajectories)
            if f.name != "offsets"
        }
        return Trajectories(**arrays, offsets=offsets)
