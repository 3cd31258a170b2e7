"""Values that are computed from whole trajectories."""

from dataclasses import replace

import numpy as np
import pytest

from vitamin.algorithms.data.trajectories import Trajectories


def made(*rewards: list[float], successes: list[bool] | None = None) -> Trajectories:
    lengths = [len(episode) for episode in rewards]
    N = sum(lengths)
    return Trajectories(
        observations=np.arange(N, dtype=np.float32)[:, None],
        actions=np.zeros((N, 1), np.float32),
        rewards=np.concatenate(rewards).astype(np.float32),
        next_observations=np.arange(1, N + 1, dtype=np.float32)[:, None],
        terminals=np.zeros(N, np.bool_),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        successes=None if successes is None else np.array(successes),
    )


def test_returns() -> None:
    trajectories = made([1, 2, 4], [8], [0, 0, 16])
    assert trajectories.returns.tolist() == [7, 8, 16]
    assert trajectories.discounted_returns(0.5).tolist() == [3, 8, 4]
    assert trajectories.discounted_returns(1.0).tolist() == [7, 8, 16]
    assert trajectories.discounted_returns(0.0).tolist() == [1, 8, 0]
    assert trajectories.select([]).discounted_returns(0.5).tolist() == []


def test_successes_go_with_their_trajectories() -> None:
    first, second = made([1], [2, 2], successes=[True, False]), made([3], successes=[True])
    joined = Trajectories.concatenate([first, second])
    assert joined.successes is not None
    assert joined.successes.tolist() == [True, False, True]
    chosen = joined.select([1, 2])
    assert chosen.successes is not None
    assert (chosen.rewards.tolist(), chosen.successes.tolist()) == ([2, 2, 3], [False, True])
    assert Trajectories.concatenate([first, made([3])]).successes is None
    assert made([1]).select([0]).successes is None


def test_recorded_log_likelihoods_go_with_their_steps() -> None:
    first = replace(made([1], [2, 2]), log_probs=np.float32([0.1, 0.2, 0.3]))
    second = replace(made([3]), log_probs=np.float32([0.4]))
    joined = Trajectories.concatenate([first, second]).select([2, 1])
    assert joined.log_probs is not None
    assert joined.log_probs.tolist() == np.float32([0.4, 0.2, 0.3]).tolist()
    assert Trajectories.concatenate([first, made([3])]).log_probs is None
    assert made([1]).select([0]).log_probs is None


def test_discounting_is_in_double_precision() -> None:
    long = made([1.0] * 1000)
    assert long.discounted_returns(0.99)[0] == pytest.approx((1 - 0.99**1000) / 0.01, rel=1e-12)
