"""Delayed rewards: they are received every n-th step or at the episode's end (an ablation of the paper)."""

import numpy as np
from numpy.typing import NDArray

from vitamin.algorithms.setting_types import RewardDelay


def delay_rewards(
    rewards: NDArray[np.float32], offsets: NDArray[np.int64], delay: RewardDelay
) -> NDArray[np.float32]:
    """Rewards as they are received, with a delay; the sum of an episode stays as it is, up to rounding.

    Args:
        rewards: float32 (N,), what each step earned, of E episodes laid end to end.
        offsets: int64 (E + 1,); episode e is the steps offsets[e] to offsets[e + 1], one at least.
        delay: When rewards are received. The published data and environments agree on this.

    Returns:
        float32 (N,), zero where nothing is received.
    """
    if delay == 0 or len(rewards) == 0:
        return rewards
    lengths = np.diff(offsets)
    position = np.arange(len(rewards)) - np.repeat(offsets[:-1], lengths)
    starts = np.flatnonzero(position == 0 if delay == "episode" else position % delay == 0)
    received = np.zeros_like(rewards)
    received[np.append(starts[1:], len(rewards)) - 1] = np.add.reduceat(rewards.astype(np.float64), starts)
    return received


def reward_received(rewards: NDArray[np.float32], delay: RewardDelay, *, ended: bool) -> np.float32:
    """The reward received at the last step of an episode so far, as `delay_rewards` has it.

    Args:
        rewards: float32 (t,), what its steps earned, t at least 1.
        delay: When rewards are received.
        ended: Whether the episode ended with that step.
    """
    t = len(rewards)
    period = t if delay == "episode" else max(delay, 1)
    if not ended and (delay == "episode" or t % period):
        return np.float32(0)
    return np.float32(rewards[(t - 1) // period * period :].sum(dtype=np.float64))
