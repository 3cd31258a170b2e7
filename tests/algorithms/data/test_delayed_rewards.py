"""Delayed rewards: when an episode pays, and that data and rollouts agree on it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from vitamin.algorithms.data.delayed_rewards import delay_rewards, reward_received
from vitamin.algorithms.hyperparameters import Hyperparameters, describe_errors
from vitamin.algorithms.setting_types import RewardDelay

DELAYS = st.one_of(st.integers(0, 8), st.just("episode"))
LENGTHS = st.lists(st.integers(1, 9), max_size=5)


def episodes(lengths: list[int]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    return np.random.default_rng(0).normal(size=offsets[-1]).astype(np.float32), offsets


@pytest.mark.parametrize(
    ("delay", "received"),
    [
        (0, [1, 2, 4, 8, 16, 32]),
        (1, [1, 2, 4, 8, 16, 32]),
        (2, [0, 3, 0, 12, 16, 32]),
        (3, [0, 0, 7, 0, 24, 32]),
        (5, [0, 0, 0, 0, 31, 32]),
        ("episode", [0, 0, 0, 0, 31, 32]),
    ],
)
def test_what_two_episodes_pay(delay: RewardDelay, received: list[float]) -> None:
    earned = np.array([1, 2, 4, 8, 16, 32], np.float32)
    result = delay_rewards(earned, np.array([0, 5, 6]), delay)
    assert result.tolist() == received
    assert result.dtype == np.float32
    assert earned.tolist() == [1, 2, 4, 8, 16, 32]


@settings(deadline=None)
@given(lengths=LENGTHS, delay=DELAYS)
def test_rollouts_pay_as_data_does_and_nothing_is_lost(lengths: list[int], delay: RewardDelay) -> None:
    earned, offsets = episodes(lengths)
    received = delay_rewards(earned, offsets, delay)
    for start, end in pairwise(offsets):
        steps = range(start + 1, end + 1)
        in_rollouts = [reward_received(earned[start:t], delay, ended=t == end) for t in steps]
        np.testing.assert_allclose(received[start:end], in_rollouts, rtol=1e-6)
        np.testing.assert_allclose(received[start:end].sum(), earned[start:end].sum(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("value", [-1, 2.5, "end", True, None])
def test_what_is_no_delay(value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        Hyperparameters(reward_delay=value)
    assert "reward_delay: a delay is a number of steps, 0 for none, or 'episode'" in describe_errors(
        caught.value
    )
