"""Groups of sub-trajectories from common reset states: what env runners return and the learner takes (grpo)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_PER_STEP: Final = ("states", "actions", "returns_to_go", "timesteps")


@dataclass(frozen=True)
class Groups:
    """N sub-trajectories, laid end to end, each behind the steps that led to its reset state, as far as it sees them.

    Attributes:
        states: float32 (M, S), normalized.
        actions: float32 (M, A), as they were taken.
        returns_to_go: float32 (M,), scaled: those that the policy saw, which no outcome changes.
        timesteps: int64 (M,), steps since the episode's start, below ``max_timestep``.
        offsets: int64 (N + 1,); steps of sub-trajectory n, those before it included.
        lead: int64 (N,), how many of these are before it.
        returns: float64 (N,), sums of the rewards, in scaled-reward units.
        group: int64 (N,), its group, from 0 on.
        uncertainty: float64 (N,), mean variance of the action's components in its reset state.
    """

    states: NDArray[np.float32]
    actions: NDArray[np.float32]
    returns_to_go: NDArray[np.float32]
    timesteps: NDArray[np.int64]
    offsets: NDArray[np.int64]
    lead: NDArray[np.int64]
    returns: NDArray[np.float64]
    group: NDArray[np.int64]
    uncertainty: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Steps of each sub-trajectory, without those before it, (N,)."""
        return np.diff(self.offsets) - self.lead

    @staticmethod
    def concatenate(parts: Sequence["Groups"]) -> "Groups":
        """All groups of ``parts``, in order; ``parts`` must not be empty."""
        sizes = np.concatenate([np.diff(part.offsets) for part in parts])
        before = np.cumsum([0] + [1 + int(part.group.max(initial=-1)) for part in parts])
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _PER_STEP}
        return Groups(
            **arrays,
            offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            lead=np.concatenate([part.lead for part in parts]),
            returns=np.concatenate([part.returns for part in parts]),
            group=np.concatenate([part.group + first for part, first in zip(parts, before, strict=False)]),
            uncertainty=np.concatenate([part.uncertainty for part in parts]),
        )


@dataclass(frozen=True)
class SubTrajectoryBatch:
    """B sub-trajectories of R steps in total, each step with the context that the policy acted on.

    Attributes:
        states: (R, C, S), normalized; the last step of a context is the one that is acted in. Left-padded with zeros.
        actions: (R, C, A); the last one is the action taken.
        returns_to_go: (R, C), scaled.
        timesteps: (R, C) int64.
        mask: bool (R, C), True where real; the last column is.
        owner: int64 (R,), the sub-trajectory of each step, from 0 to B - 1.
        lengths: (B,), steps of each.
    """

    states: Tensor
    actions: Tensor
    returns_to_go: Tensor
    timesteps: Tensor
    mask: Tensor
    owner: Tensor
    lengths: Tensor

    def mean_over_steps(self, values: Tensor) -> Tensor:
        """Mean of ``values`` (R,) over the steps of each sub-trajectory, (B,)."""
        return torch.zeros_like(self.lengths).index_add(0, self.owner, values.to(self.lengths)) / self.lengths


class GroupBuffer:
    """The groups of one iteration on the learner's device.

    Args:
        groups: N sub-trajectories.
        context_length: C, steps of context in rollouts.
        device: Where batches are made.
    """

    def __init__(self, groups: Groups, context_length: int, device: torch.device | str = "cpu") -> None:
        self.groups = groups
        self._context_length = context_length
        self._steps = {name: torch.from_numpy(getattr(groups, name)).to(device) for name in _PER_STEP}

    def __len__(self) -> int:
        return len(self.groups)

    def gather(self, chosen: NDArray[np.int64]) -> SubTrajectoryBatch:
        """The sub-trajectories ``chosen``, (B,)."""
        groups, lengths = self.groups, self.groups.lengths[chosen]
        owners = np.repeat(np.arange(len(chosen)), lengths)
        within = np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        begins = groups.offsets[chosen][owners]
        host = np.stack([owners, begins, begins + groups.lead[chosen][owners] + within])
        owner, begin, last = torch.from_numpy(host).to(self._steps["states"].device)
        rows = last[:, None] + torch.arange(1 - self._context_length, 1, device=last.device)  # (R, C)
        mask = rows >= begin[:, None]
        contexts = {
            name: torch.where(
                mask.view(*mask.shape, *(1,) * (column.dim() - 1)), column[rows.clamp(min=0)], 0
            )
            for name, column in self._steps.items()
        }
        return SubTrajectoryBatch(
            **contexts,
            mask=mask,
            owner=owner,
            lengths=torch.from_numpy(lengths).to(last.device, torch.float32),
        )


def batch_of_passes(
    number: int, size: int, count: int, order: Callable[[int], np.random.Generator]
) -> NDArray[np.int64]:
    """Batch ``number``, from 0 on, of those that go through ``count`` things pass after pass, in a new order each time.

    Args:
        number: Which batch.
        size: Things in a batch; a pass may end within it.
        count: How many things there are.
        order: The generator of a pass's order, by its number.

    Returns:
        (size,), each below ``count``.
    """
    positions = number * size + np.arange(size)
    passes, places = positions // count, positions % count
    chosen = np.empty(size, np.int64)
    for each in np.unique(passes):
        own = passes == each
        chosen[own] = order(int(each)).permutation(count)[places[own]]
    return chosen
