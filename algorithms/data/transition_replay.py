"""The replay of policies that see one step: all offline transitions, then the newest of all (as CORL's fine-tuning)."""

from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray

from vitamin.algorithms.data.replay import Columns, Replay
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.hyperparameters import Hyperparameters


class TransitionReplay(Replay):
    """The newest ``transition_capacity`` steps, offline ones in the order of the data before all online ones.

    As in the fine-tuning of IQL and TD3+BC (Kostrikov et al. 2022; CORL, Tarasov et al. 2023) no offline step is left
    out for its return, and the oldest step makes room for a new one: of the oldest trajectory the first steps go first.
    """

    _loses_first_steps: ClassVar[bool] = True

    @classmethod
    def from_offline(
        cls,
        trajectories: Trajectories,
        *,
        hyperparameters: Hyperparameters,
        device: torch.device | str = "cpu",
    ) -> Self:
        """A replay of all offline steps whose next observation is known, as in D4RL's ``qlearning_dataset``.

        Raises:
            DatasetError: If there are none.
        """
        known = trajectories.without_open_ends()
        return super().from_offline(known, hyperparameters=hyperparameters, device=device)

    def begin_online(self) -> None:
        """Keeps the last ``transition_capacity`` offline steps, all of them as a rule."""
        self._keep(self._newest(self._slots))

    def _choose(self, returns: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.arange(len(returns))

    def _insert(self, columns: Columns, lengths: NDArray[np.int64], origins: NDArray[np.int64]) -> None:
        new = self._new_slots(columns, lengths, origins)
        self._set_slots(self._newest(np.concatenate([self._slots, new])), 0)

    def _newest(self, slots: NDArray[np.void]) -> NDArray[np.void]:
        """The slots of the last ``transition_capacity`` steps, the first of them shortened where it must be."""
        excess = int(slots["length"].sum()) - self._settings.transition_capacity
        if excess <= 0:
            return slots
        ends = np.cumsum(slots["length"])
        first = int(np.searchsorted(ends, excess, side="right"))
        kept = slots[first:].copy()
        lost = excess - int(ends[first] - slots["length"][first])
        kept["row"][0] += lost
        kept["length"][0] -= lost
        return kept
