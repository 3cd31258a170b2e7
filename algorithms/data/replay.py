"""The replay: whole trajectories in flat arrays on the learner's device, sampled as segments (method §3)."""

from dataclasses import replace
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitamin.algorithms.data.delayed_rewards import delay_rewards
from vitamin.algorithms.data.normalization import (
    ACTION_LIMIT,
    normalize,
    observation_statistics,
    transform_rewards,
)
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.data.storage import StepStorage
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.errors import DatasetError, RunError

Columns = dict[str, NDArray[np.float32]]

PER_STEP = ("states", "next_states", "actions", "rewards", "terminals")
ONLINE = -1
"""Origin of trajectories that are not among the offline ones."""
STATE_PREFIX = "online/"
"""Of the storage's columns in a state."""

_SLOT = np.dtype([("row", np.int64), ("length", np.int64), ("origin", np.int64)])
_TRIVIAL_KEPT = 9
_STEPS_AT_A_TIME = 1 << 16


class Replay:
    """Trajectories in slots: all offline ones in pretraining, then at most ``replay_capacity``, overwritten in a ring.

    Pretraining draws from all offline trajectories, in ascending order of return. `begin_online` keeps the
    ``replay_capacity`` best. While there is room, new ones are appended, and if they do not all fit, the first ones
    go; from then on each new one overwrites the oldest. Any number can be added at a time; the published code fails
    where that wraps around.

    Steps are prepared at insertion: states normalized, rewards delayed, then shifted and divided, actions
    clipped, returns-to-go summed and scaled. Where the storage keeps them has no influence on what is sampled.

    Attributes:
        observation_mean: float64 (S,), over all offline data.
        observation_std: float64 (S,), likewise; what observations are divided by.
    """

    _loses_first_steps: ClassVar[bool] = False

    def __init__(
        self,
        observation_mean: NDArray[np.float64],
        observation_std: NDArray[np.float64],
        action_size: int,
        *,
        hyperparameters: Hyperparameters,
        device: torch.device | str = "cpu",
    ) -> None:
        """Makes an empty replay; see `from_offline`.

        Args:
            observation_mean: (S,).
            observation_std: (S,), positive.
            action_size: A.
            hyperparameters: Capacity, context length, scales.
            device: Where steps live and batches are made.
        """
        self.observation_mean = observation_mean
        self.observation_std = observation_std
        self._settings = hyperparameters
        self._action_size = action_size
        zero = normalize(np.zeros_like(observation_mean), observation_mean, observation_std)
        scalar = np.zeros((), np.float32)
        padding = {
            "states": zero,
            "next_states": zero,
            "actions": np.zeros(action_size, np.float32),
            "rewards": scalar,
            "terminals": scalar,
            "returns_to_go": scalar,
        }
        self._storage = StepStorage(padding, torch.device(device))
        self._slots = np.zeros(0, _SLOT)
        self._ends = np.zeros(0, np.int64)
        self._oldest = 0

    @classmethod
    def from_offline(
        cls,
        trajectories: Trajectories,
        *,
        hyperparameters: Hyperparameters,
        device: torch.device | str = "cpu",
    ) -> Self:
        """A replay of all offline trajectories, as pretraining draws from them.

        With ``drop_trivial_trajectories`` trajectories of one step are left out, but for the first nine in the
        data; observation statistics are those of all others. With ``drop_worst_trajectory`` the one of lowest
        return among them is left out then, unless it is the only one. Equal returns keep their order in the
        data. Without ``bootstrap_at_offline_cuts`` the last step of each trajectory counts as terminal.

        Raises:
            DatasetError: If there are no trajectories.
        """
        if len(trajectories) == 0:
            raise DatasetError(
                "The dataset has no trajectory to learn from. Import or collect one with finished episodes."
            )
        if hyperparameters.drop_trivial_trajectories:
            trajectories = _without_trivial(trajectories)
        mean, std = observation_statistics(
            trajectories.observations, amplify_constant=hyperparameters.amplify_constant_observations
        )
        replay = cls(mean, std, trajectories.actions.shape[1], hyperparameters=hyperparameters, device=device)
        returns = replace(trajectories, rewards=replay._transform(trajectories.rewards)).returns
        replay._fill(trajectories, replay._choose(returns))
        return replay

    @property
    def num_trajectories(self) -> int:
        """Slots in use."""
        return len(self._slots)

    @property
    def num_steps(self) -> int:
        """Steps of all trajectories in the slots."""
        return int(self._slots["length"].sum())

    @property
    def nbytes(self) -> int:
        """Bytes allocated for steps on the device."""
        return self._storage.nbytes

    def begin_online(self) -> None:
        """To be called as the online phase begins, before `add`: keeps the best ``replay_capacity`` trajectories."""
        self._keep(self._slots[-self._settings.replay_capacity :])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Steps of each trajectory, in slot order; (E,)."""
        lengths: NDArray[np.int64] = self._slots["length"].copy()
        return lengths

    def steps(self, *names: str) -> dict[str, Tensor]:
        """The columns ``names`` of all steps in slot order, the one in which `draw` counts; (N, ...) each."""
        starts = self._ends - self._slots["length"]
        rows = np.arange(self.num_steps) + np.repeat(self._slots["row"] - starts, self._slots["length"])
        return self._storage.take(torch.from_numpy(rows).to(self._storage.device), *names)

    def empty_like(self, capacity: int) -> "Replay":
        """A replay without trajectories, for ``capacity`` of them, with the same statistics and device."""
        return Replay(
            self.observation_mean,
            self.observation_std,
            self._action_size,
            hyperparameters=self._settings.model_copy(update={"replay_capacity": capacity}),
            device=self._storage.device,
        )

    def add(self, trajectories: Trajectories, *, bootstrap_at_time_limit: bool) -> None:
        """Stores new trajectories, in order, each of at least one step.

        Args:
            trajectories: What env runners returned.
            bootstrap_at_time_limit: False: the last step of each trajectory counts as terminal, as in the
                published code; True: only where the environment terminated.
        """
        terminals = _terminals(trajectories, bootstrap_at_ends=bootstrap_at_time_limit)
        origins = np.full(len(trajectories), ONLINE)
        self._insert(self._prepare(trajectories, terminals), trajectories.lengths, origins)

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Starts of ``count`` segments: uniform over all steps, counted in slot order, int64 (count,).

        So a trajectory is drawn in proportion to its length, and a start uniformly inside it.
        """
        return rng.integers(self.num_steps, size=count)

    def locate(
        self, starts: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Of each start the slot, the position in the trajectory, and the steps from there on; (B,) each."""
        slots = np.searchsorted(self._ends, starts, side="right")
        remaining = self._ends[slots] - starts
        return slots, self._slots["length"][slots] - remaining, remaining

    def real_positions(self, starts: NDArray[np.int64]) -> int:
        """Positions of the batch of these segments that are not padding."""
        _, _, remaining = self.locate(starts)
        return int(np.minimum(remaining, self._settings.context_length).sum())

    def gather(self, starts: NDArray[np.int64], real_count: float | None = None) -> SegmentBatch:
        """The segments of ``context_length`` steps at ``starts``, which end where their trajectory ends.

        Args:
            starts: int64 (B,), as `draw` gives them.
            real_count: Divisor of the batch's means; None for the real positions of this batch.

        Returns:
            B segments on the replay's device. Timesteps stop at ``max_timestep - 1``.
        """
        slots, positions, remaining = self.locate(starts)
        lengths = np.minimum(remaining, self._settings.context_length)
        return self._segments(
            self._slots["row"][slots] + positions, positions, remaining, lengths, real_count
        )

    def _segments(
        self,
        rows: NDArray[np.int64],
        positions: NDArray[np.int64],
        remaining: NDArray[np.int64],
        lengths: NDArray[np.int64],
        real_count: float | None,
    ) -> SegmentBatch:
        """Segments of ``lengths`` steps, left-padded to K; `locate` and the storage have given the rest."""
        K = self._settings.context_length
        host = np.stack([rows, positions, remaining, lengths])
        row, position, left, length = torch.from_numpy(host).to(self._storage.device)[
            :, :, None
        ]  # (B, 1) each
        step = (
            torch.arange(K + 1, device=row.device) - K + length
        )  # (B, K + 1), counted from the segment's start
        real = step >= 0
        rows_of_steps = torch.where(real & (step < left), row + step, StepStorage.PADDING_ROW)
        mask = real[:, :K]
        timesteps = (position + step[:, :K]).clamp(max=self._settings.max_timestep - 1)
        return SegmentBatch(
            **self._storage.take(rows_of_steps[:, :K], *PER_STEP),
            **self._storage.take(rows_of_steps, "returns_to_go"),
            timesteps=torch.where(mask, timesteps, 0),
            mask=mask,
            real_count=float(lengths.sum()) if real_count is None else real_count,
        )

    def sample(self, rng: np.random.Generator, count: int) -> SegmentBatch:
        """A batch of ``count`` segments."""
        return self.gather(self.draw(rng, count))

    def state(self) -> dict[str, NDArray[Any]]:
        """All that `load_state` needs besides the offline data: the slot table and the online trajectories."""
        online = self._slots[self._slots["origin"] == ONLINE]
        rows = np.concatenate(
            [np.arange(s["row"], s["row"] + s["length"]) for s in online] or [np.zeros(0, np.int64)]
        )
        columns = self._storage.take(torch.from_numpy(rows).to(self._storage.device))
        return {
            "origins": self._slots["origin"].copy(),
            "lengths": self._slots["length"].copy(),
            "oldest": np.array([self._oldest]),
            **{f"{STATE_PREFIX}{name}": column.cpu().numpy() for name, column in columns.items()},
        }

    def load_state(self, state: dict[str, NDArray[Any]]) -> None:
        """Makes a replay fresh from `from_offline`, with the same data, bit-identical to the state's.

        Raises:
            RunError: If the replay was not made from the same offline data, or has lost some of it meanwhile.
        """
        held = {int(slot["origin"]): slot for slot in self._slots if slot["origin"] != ONLINE}
        slots = np.zeros(len(state["origins"]), _SLOT)
        slots["origin"], slots["length"] = state["origins"], state["lengths"]
        offline = slots["origin"] != ONLINE
        for index in np.flatnonzero(offline):
            source = held.get(int(slots[index]["origin"]))
            lost = -1 if source is None else int(source["length"] - slots[index]["length"])
            if source is None or lost < 0 or (lost and not self._loses_first_steps):
                raise RunError(
                    "The checkpoint's replay does not fit the offline trajectories. "
                    "Resume with the dataset of the run, loaded afresh."
                )
            slots[index]["row"] = source["row"] + lost
        self._keep(slots[offline])
        columns = {
            name.removeprefix(STATE_PREFIX): state[name] for name in state if name.startswith(STATE_PREFIX)
        }
        rows = self._store(columns, slots[~offline]["length"])
        slots["row"][offline] = self._slots["row"]
        slots["row"][~offline] = rows
        self._set_slots(slots, int(state["oldest"][0]))

    def _choose(self, returns: NDArray[np.float64]) -> NDArray[np.int64]:
        """Which of the offline trajectories to hold, in order, given their returns."""
        order = np.argsort(returns, kind="stable")
        return order[1:] if self._settings.drop_worst_trajectory and len(order) > 1 else order

    def _fill(self, trajectories: Trajectories, order: NDArray[np.int64]) -> None:
        """Stores the offline trajectories ``order``, some at a time: copies of two million steps are large."""
        lengths = trajectories.lengths[order]
        ends = np.cumsum(lengths)
        self._storage.repack(np.zeros(0, np.int64), np.zeros(0, np.int64), int(lengths.sum()))
        parts = np.flatnonzero(np.diff((ends - 1) // _STEPS_AT_A_TIME)) + 1
        rows = []
        for chosen in map(trajectories.select, np.split(order, parts)):
            terminals = _terminals(chosen, bootstrap_at_ends=self._settings.bootstrap_at_offline_cuts)
            rows.append(self._storage.append(self._prepare(chosen, terminals)))
        slots = np.zeros(len(order), _SLOT)
        slots["row"], slots["length"], slots["origin"] = (
            rows[0] + ends - lengths,
            lengths,
            np.arange(len(order)),
        )
        self._set_slots(slots, 0)

    def _keep(self, slots: NDArray[np.void]) -> None:
        """Makes ``slots``, in that order, all there are; gives the memory of trajectories in no slot back."""
        fewer = slots["length"].sum() < self.num_steps
        slots = slots.copy()
        if fewer:
            slots["row"] = self._storage.repack(slots["row"], slots["length"], 0)
        self._set_slots(slots, 0)

    def _transform(self, rewards: NDArray[np.float32]) -> NDArray[np.float32]:
        return transform_rewards(rewards, self._settings.reward_shift, self._settings.reward_divisor)

    def _prepare(self, trajectories: Trajectories, terminals: NDArray[np.bool_]) -> Columns:
        """The storage's columns for the steps of ``trajectories``."""
        delay = self._settings.reward_delay
        rewards = self._transform(delay_rewards(trajectories.rewards, trajectories.offsets, delay))
        returns_to_go = np.empty_like(rewards)
        for start, end in pairwise(trajectories.offsets):
            summed = np.cumsum(rewards[start:end][::-1], dtype=np.float64)[::-1]
            returns_to_go[start:end] = summed * self._settings.return_scale
        columns = {
            "states": normalize(trajectories.observations, self.observation_mean, self.observation_std),
            "next_states": normalize(
                trajectories.next_observations, self.observation_mean, self.observation_std
            ),
            "actions": trajectories.actions.clip(-ACTION_LIMIT, ACTION_LIMIT),
            "rewards": rewards,
            "terminals": terminals,
            "returns_to_go": returns_to_go,
        }
        return {name: column.astype(np.float32, copy=False) for name, column in columns.items()}

    def _insert(self, columns: Columns, lengths: NDArray[np.int64], origins: NDArray[np.int64]) -> None:
        """Gives each of the trajectories, laid end to end in ``columns``, a slot."""
        new = self._new_slots(columns, lengths, origins)
        capacity = self._settings.replay_capacity
        if len(self._slots) < capacity:
            self._set_slots(np.concatenate([self._slots, new])[-capacity:], 0)
        else:
            places = (self._oldest + np.arange(len(new))) % capacity
            slots = self._slots.copy()
            slots[places[-capacity:]] = new[-capacity:]
            self._set_slots(slots, (self._oldest + len(new)) % capacity)

    def _new_slots(
        self, columns: Columns, lengths: NDArray[np.int64], origins: NDArray[np.int64]
    ) -> NDArray[np.void]:
        """Slots of trajectories that are stored now, not yet in the table."""
        slots = np.zeros(len(lengths), _SLOT)
        slots["row"], slots["length"], slots["origin"] = self._store(columns, lengths), lengths, origins
        return slots

    def _store(self, columns: Columns, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """Appends trajectories to the storage; the rows at which they begin."""
        total = int(lengths.sum())
        if not self._storage.fits(total):
            self._slots["row"] = self._storage.repack(self._slots["row"], self._slots["length"], total)
        return self._storage.append(columns) + np.cumsum(lengths) - lengths

    def _set_slots(self, slots: NDArray[np.void], oldest: int) -> None:
        self._slots = slots
        self._ends = np.cumsum(slots["length"])
        self._oldest = oldest


def _terminals(trajectories: Trajectories, *, bootstrap_at_ends: bool) -> NDArray[np.bool_]:
    """Which steps (N,) count as terminal: the true ones, and without bootstrapping there every last one."""
    if bootstrap_at_ends:
        return trajectories.terminals
    terminals = trajectories.terminals.copy()
    terminals[trajectories.offsets[1:] - 1] = True
    return terminals


def _without_trivial(trajectories: Trajectories) -> Trajectories:
    trivial = trajectories.lengths == 1
    return trajectories.select(np.flatnonzero(~trivial | (np.cumsum(trivial) <= _TRIVIAL_KEPT)))
