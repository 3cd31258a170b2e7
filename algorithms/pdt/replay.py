"""The replay of PDT: segments with their future, offline data without their rewards (Xie et al. 2023)."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitamin.algorithms.data.replay import ONLINE, Replay
from vitamin.algorithms.data.segments import FutureBatch
from vitamin.algorithms.data.storage import StepStorage

_LEAST_WEIGHT = 1e-6


class FutureReplay(Replay):
    """Segments end at the steps that are drawn, and the ``future_length`` steps after them come along.

    Pretraining knows no rewards. So no offline trajectory is left out for its return, and none is held once
    `begin_online` was called: from then on a trajectory is drawn in proportion to how far its return is above the
    lowest one, instead of to its length.
    """

    def begin_online(self) -> None:
        """Drops all offline trajectories."""
        self._keep(self._slots[self._is_online()])

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Ends of ``count`` segments, counted as the steps of all slots, int64 (count,)."""
        if not self._is_online().all():
            return super().draw(rng, count)
        returns = self._returns()
        weights = returns - returns.min() + _LEAST_WEIGHT
        slots = rng.choice(len(weights), size=count, p=weights / weights.sum())
        lengths = self._slots["length"][slots]
        ends: NDArray[np.int64] = self._ends[slots] - lengths + rng.integers(lengths)
        return ends

    def real_positions(self, starts: NDArray[np.int64]) -> int:
        """Positions of the batch of the segments that end at ``starts`` that are not padding."""
        _, positions, _ = self.locate(starts)
        return int(np.minimum(positions + 1, self._settings.context_length).sum())

    def gather(self, starts: NDArray[np.int64], real_count: float | None = None) -> FutureBatch:
        """The segments of ``context_length`` steps that end at ``starts``, and the steps after these.

        Args:
            starts: int64 (B,), as `draw` gives them.
            real_count: As for `Replay.gather`.

        Returns:
            B segments with their futures, on the replay's device.
        """
        slots, positions, remaining = self.locate(starts)
        lengths = np.minimum(positions + 1, self._settings.context_length)
        last = self._slots["row"][slots] + positions
        segments = self._segments(
            last + 1 - lengths, positions + 1 - lengths, remaining + lengths - 1, lengths, real_count
        )
        rows, mask = self._future_rows(last, remaining - 1)
        future = self._storage.take(rows, "states", "actions")
        return FutureBatch(
            **vars(segments),
            future_states=future["states"],
            future_actions=future["actions"],
            future_mask=mask,
        )

    def _future_rows(self, last: NDArray[np.int64], after: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Rows (B, F), and which are real, of the steps after the rows ``last``, as far as they follow."""
        F = self._settings.future_length
        host = torch.from_numpy(np.stack([last, np.minimum(after, F)])).to(self._storage.device)
        row, count = host[:, :, None]  # (B, 1) each
        step = torch.arange(F, device=row.device) - F + count  # (B, F), counted from the first future step
        mask = step >= 0
        return torch.where(mask, row + 1 + step, StepStorage.PADDING_ROW), mask

    def _choose(self, returns: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.arange(len(returns))

    def _is_online(self) -> NDArray[np.bool_]:
        online: NDArray[np.bool_] = self._slots["origin"] == ONLINE
        return online

    def _returns(self) -> NDArray[np.float64]:
        """Return of each slot's trajectory, in scaled-reward units."""
        first = torch.from_numpy(self._slots["row"]).to(self._storage.device)
        scaled = self._storage.take(first, "returns_to_go")["returns_to_go"].cpu().numpy()
        returns: NDArray[np.float64] = scaled.astype(np.float64) / self._settings.return_scale
        return returns
