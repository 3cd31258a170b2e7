"""Whole trajectories as a flat structure of arrays: what datasets hold, env runners return and the replay takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vitamin.algorithms.data.normalization import Observations

_PER_STEP: Final = ("observations", "actions", "rewards", "next_observations", "terminals")


@dataclass(frozen=True)
class Trajectories:
    """E trajectories with N steps in total, laid end to end.

    Attributes:
        observations: float32 or float64 (N, S), as the environment gives them (not normalized).
        actions: float32 (N, A), in [-1, 1].
        rewards: float32 (N,), as the environment gives them.
        next_observations: Likewise; at a trajectory's end the observation after its last step.
        terminals: bool (N,); true termination only, never a time limit.
        offsets: int64 (E + 1,); trajectory e is the steps offsets[e] to offsets[e + 1].
        successes: bool (E,), whether a trajectory reached its goal; None where nothing says so.
        open_ends: Whether nobody recorded what followed a trajectory's last step where that is not terminal;
            ``next_observations`` holds something else there.
        log_probs: float32 (N,), log-likelihoods of the actions under the policy that took them, in the contexts that it
            saw; None where nobody recorded them.
    """

    observations: Observations
    actions: NDArray[np.float32]
    rewards: NDArray[np.float32]
    next_observations: Observations
    terminals: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    successes: NDArray[np.bool_] | None = None
    log_probs: NDArray[np.float32] | None = None
    open_ends: bool = False

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

    def discounted_returns(self, discount: float) -> NDArray[np.float64]:
        """Discounted return of each trajectory, (E,), summed in float64."""
        if len(self) == 0:
            return np.zeros(0)
        position = np.arange(self.num_steps) - np.repeat(self.offsets[:-1], self.lengths)
        return np.add.reduceat(self.rewards * discount**position, self.offsets[:-1])

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
        arrays = {name: getattr(self, name)[steps] for name in _PER_STEP}
        successes = None if self.successes is None else self.successes[chosen]
        log_probs = None if self.log_probs is None else self.log_probs[steps]
        return Trajectories(
            **arrays, offsets=offsets, successes=successes, log_probs=log_probs, open_ends=self.open_ends
        )

    def without_open_ends(self) -> "Trajectories":
        """Without the last step of each trajectory whose end is open; one of a single such step is gone."""
        if not self.open_ends:
            return self
        last = self.offsets[1:] - 1
        kept = np.ones(self.num_steps, np.bool_)
        kept[last] = self.terminals[last]
        lengths = self.lengths - ~kept[last]
        arrays = {name: getattr(self, name)[kept] for name in _PER_STEP}
        return Trajectories(
            **arrays,
            offsets=np.concatenate([[0], np.cumsum(lengths[lengths > 0])]).astype(np.int64),
            successes=None if self.successes is None else self.successes[lengths > 0],
            log_probs=None if self.log_probs is None else self.log_probs[kept],
        )

    @staticmethod
    def concatenate(parts: Sequence["Trajectories"]) -> "Trajectories":
        """All trajectories of ``parts``, in order; ``parts`` must not be empty.

        Successes and log-likelihoods are known only if every part knows them.
        """
        lengths = np.concatenate([part.lengths for part in parts])
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _PER_STEP}
        return Trajectories(
            **arrays,
            offsets=offsets,
            successes=_joined([part.successes for part in parts]),
            log_probs=_joined([part.log_probs for part in parts]),
            open_ends=any(part.open_ends for part in parts),
        )


def _joined(parts: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    """All parts end to end; None if one is None."""
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None
