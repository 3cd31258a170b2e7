"""Trajectories with values and TD(lambda) targets: what PPO and AWR learn from online."""

from collections.abc import Callable
from dataclasses import fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vitamin.algorithms.data.replay import Replay
from vitamin.algorithms.data.segments import SegmentBatch, ValuedBatch
from vitamin.algorithms.hyperparameters import Hyperparameters

_ROWS_AT_A_TIME = 1 << 16


class ValuedReplay:
    """A replay whose steps have values and TD(lambda) targets, as a value function estimates them.

    The estimates are made once, as an iteration begins, and belong to no checkpoint.

    Args:
        replay: The trajectories. It must not change while the buffer is in use.
        value: The value function; (N, S) -> (N,).
        hyperparameters: Discount and lambda.
        log_probs: (N,), recorded log-likelihoods of the actions of all steps, in slot order; None for none.
    """

    def __init__(
        self,
        replay: Replay,
        value: Callable[[Tensor], Tensor],
        hyperparameters: Hyperparameters,
        log_probs: NDArray[np.float32] | None = None,
    ) -> None:
        self.replay = replay
        steps = replay.steps("states", "next_states", "rewards", "terminals")
        lengths = torch.from_numpy(replay.lengths).to(steps["rewards"].device)
        ends = lengths.cumsum(0)
        self.values = _evaluate(value, steps["states"])
        self.value_targets = td_lambda_targets(
            steps["rewards"],
            self.values,
            _evaluate(value, steps["next_states"][ends - 1]),
            steps["terminals"],
            lengths,
            discount=hyperparameters.discount,
            td_lambda=hyperparameters.td_lambda,
        )
        assert log_probs is None or len(log_probs) == replay.num_steps
        self.log_probs = None if log_probs is None else torch.from_numpy(log_probs).to(self.values.device)

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """As `Replay.draw`."""
        return self.replay.draw(rng, count)

    def real_positions(self, starts: NDArray[np.int64]) -> int:
        """As `Replay.real_positions`."""
        return self.replay.real_positions(starts)

    def gather(self, starts: NDArray[np.int64], real_count: float | None = None) -> ValuedBatch:
        """As `Replay.gather`, with values, targets and recorded log-likelihoods."""
        batch = self.replay.gather(starts, real_count)
        positions = batch.mask.cumsum(1) - 1  # of real ones, counted from the segment's start; (B, K)
        steps = torch.from_numpy(starts).to(positions.device)[:, None] + positions.clamp(min=0)
        segments = {field.name: getattr(batch, field.name) for field in fields(SegmentBatch)}

        def of_steps(column: Tensor) -> Tensor:
            return torch.where(batch.mask, column[steps], 0.0)

        return ValuedBatch(
            **segments,
            values=of_steps(self.values),
            value_targets=of_steps(self.value_targets),
            old_log_probs=None if self.log_probs is None else of_steps(self.log_probs),
        )


@torch.no_grad()
def _evaluate(value: Callable[[Tensor], Tensor], states: Tensor) -> Tensor:
    """V of many states, a part at a time; (N, S) -> (N,)."""
    return torch.cat([value(part) for part in states.split(_ROWS_AT_A_TIME)])


def td_lambda_targets(
    rewards: Tensor,
    values: Tensor,
    last_values: Tensor,
    terminals: Tensor,
    lengths: Tensor,
    *,
    discount: float,
    td_lambda: float,
) -> Tensor:
    """TD(lambda) targets of V(s_t), which are the lambda-returns: V(s_t) plus generalized advantage estimates.

    Args:
        rewards: (N,), of the steps of E trajectories laid end to end.
        values: (N,), V(s_t).
        last_values: (E,), V of the state after each trajectory, which counts if that did not terminate.
        terminals: (N,), 1 where the environment terminated.
        lengths: int64 (E,), steps of each trajectory.
        discount: Gamma.
        td_lambda: Lambda; 0: one-step targets, 1: returns.

    Returns:
        (N,).
    """
    ends = lengths.cumsum(0)
    next_values = torch.cat([values[1:], values.new_zeros(1)])
    next_values[ends - 1] = last_values
    continues = discount * (1 - terminals)
    advantages = rewards + continues * next_values - values  # one-step errors, then summed up from behind
    decay = td_lambda * continues
    for back in range(2, int(lengths.max()) + 1):
        steps = ends[lengths >= back] - back
        advantages[steps] += decay[steps] * advantages[steps + 1]
    return values + advantages
