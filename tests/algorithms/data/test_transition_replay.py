"""The replay of policies that see one step: all of the offline data, then the newest steps of all."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.algorithms.data.test_replay import (
    LENGTHS,
    assert_equal,
    everything,
    hyperparameters,
    make,
    numbered,
)
from vitamin.algorithms.assembly import replay_class
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.data.transition_replay import TransitionReplay
from vitamin.algorithms.methods import METHODS
from vitamin.errors import DatasetError


def replay_of(data: Trajectories, capacity: int = 1000) -> TransitionReplay:
    options = hyperparameters(
        context_length=1,
        transition_capacity=capacity,
        replay_capacity=1,
        drop_worst_trajectory=True,
    )
    return TransitionReplay.from_offline(data, hyperparameters=options)


def rewards(replay: TransitionReplay) -> list[float]:
    return [round(reward) for reward in everything(replay).rewards[:, 0].tolist()]


def test_it_is_the_replay_of_the_perceptrons() -> None:
    assert {name for name, row in METHODS.items() if replay_class(row) is TransitionReplay} == {
        "td3_bc",
        "iql",
    }


def test_no_step_is_left_out_for_its_return() -> None:
    data = numbered(3, 1, 2, length=2)
    replay = replay_of(data)
    assert rewards(replay) == [3, 3, 1, 1, 2, 2]
    replay.begin_online()
    replay.add(numbered(9, length=3), bootstrap_at_time_limit=True)
    assert rewards(replay) == [3, 3, 1, 1, 2, 2, 9, 9, 9]
    draws = replay.draw(np.random.default_rng(0), 90_000)
    np.testing.assert_allclose(np.bincount(draws) / 90_000, [1 / 9] * 9, atol=0.005)


def test_steps_whose_next_observation_nobody_recorded_are_left_out() -> None:
    data = replace(numbered(3, 1, 2, length=2), open_ends=True)
    data.terminals[:] = [False, False, False, True, False, False]
    assert rewards(replay_of(data)) == [3, 1, 1, 2]
    single = replace(numbered(5, 6), open_ends=True)
    single.terminals[:] = [False, True]
    assert rewards(replay_of(Trajectories.concatenate([data, single]))) == [3, 1, 1, 2, 6]
    single.terminals[:] = False
    with pytest.raises(DatasetError, match="no trajectory"):
        replay_of(single)


@pytest.mark.parametrize(
    ("capacity", "begun", "added"),
    [
        (6, [3, 3, 1, 1, 2, 2], [1, 2, 2, 9, 9, 9]),
        (5, [3, 1, 1, 2, 2], [2, 2, 9, 9, 9]),
        (4, [1, 1, 2, 2], [2, 9, 9, 9]),
        (2, [2, 2], [9, 9]),
        (1, [2], [9]),
    ],
)
def test_the_oldest_steps_make_room(capacity: int, begun: list[int], added: list[int]) -> None:
    replay = replay_of(numbered(3, 1, 2, length=2), capacity)
    assert rewards(replay) == [3, 3, 1, 1, 2, 2]
    replay.begin_online()
    assert rewards(replay) == begun
    replay.add(numbered(9, length=3), bootstrap_at_time_limit=True)
    assert rewards(replay) == added


@settings(deadline=None, max_examples=60)
@given(additions=st.lists(LENGTHS, max_size=8), capacity=st.integers(1, 20), saved=st.integers(0, 8))
def test_it_holds_the_newest_steps_and_a_restored_one_goes_on_identically(
    additions: list[list[int]], capacity: int, saved: int
) -> None:
    data = make([4, 2, 6, 3])
    replay = replay_of(data, capacity)
    replay.begin_online()
    restored = None
    whole = [data]
    for i, lengths in enumerate(additions):
        if i == saved:
            restored = replay_of(data, capacity)
            restored.load_state({name: array.copy() for name, array in replay.state().items()})
        whole.append(make(lengths, seed=i))
        for each in (replay, restored):
            if each is not None:
                each.add(whole[-1], bootstrap_at_time_limit=True)
    seen = Trajectories.concatenate(whole)
    np.testing.assert_allclose(everything(replay).rewards[:, 0].numpy(), seen.rewards[-capacity:], rtol=1e-6)
    assert replay.num_steps == min(seen.num_steps, capacity)
    if restored is not None:
        assert_equal(everything(replay), everything(restored))
        for name, array in replay.state().items():
            assert np.array_equal(array, restored.state()[name]), name
        draws = [each.sample(np.random.default_rng(1), 20) for each in (replay, restored)]
        assert torch.equal(draws[0].states, draws[1].states)
