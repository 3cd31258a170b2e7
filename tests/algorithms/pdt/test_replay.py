"""PDT's replay: segments with the steps that follow, offline data without rewards, draws by return."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch

from tests.algorithms.data.test_replay import A, hyperparameters, identities, make, numbered
from vitamin.algorithms.data.segments import FutureBatch
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.pdt.replay import FutureReplay

K, F = 4, 3


def future_replay(data: Trajectories, **overrides: Any) -> FutureReplay:
    options = hyperparameters(**{"context_length": K, "future_length": F, **overrides})
    return FutureReplay.from_offline(data, hyperparameters=options)


def everything(replay: FutureReplay) -> FutureBatch:
    return replay.gather(np.arange(replay.num_steps))


@pytest.mark.parametrize("online", [False, True])
def test_segments_end_at_the_drawn_step_and_the_future_begins_there(online: bool) -> None:
    data, more = make([1, 3, 9, 4]), make([6, 2], seed=7)
    replay = future_replay(data)
    if online:
        replay.begin_online()
        replay.add(more, bootstrap_at_time_limit=True)
        data = more
    mean, std = replay.observation_mean, replay.observation_std
    batch = everything(replay)
    assert len(batch.states) == data.num_steps
    for e in range(len(data)):
        begin, end = int(data.offsets[e]), int(data.offsets[e + 1])
        for last in range(begin, end):
            past = np.arange(max(begin, last + 1 - K), last + 1)
            ahead = np.arange(last + 1, min(end, last + 1 + F))
            assert batch.mask[last].sum() == len(past)
            assert batch.mask[last, K - len(past) :].all()
            assert batch.future_mask[last].sum() == len(ahead)
            assert batch.future_mask[last, F - len(ahead) :].all()

            def compare(actual: torch.Tensor, expected: Any) -> None:
                np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-5, atol=1e-5)

            states = (data.observations - mean) / std
            compare(batch.states[last, K - len(past) :], states[past])
            compare(batch.future_states[last, F - len(ahead) :], states[ahead])
            compare(batch.future_states[last, : F - len(ahead)], np.tile(-mean / std, (F - len(ahead), 1)))
            compare(
                batch.future_actions[last, F - len(ahead) :], data.actions[ahead].clip(-1 + 1e-6, 1 - 1e-6)
            )
            compare(batch.future_actions[last, : F - len(ahead)], np.zeros((F - len(ahead), A)))
            compare(batch.timesteps[last, K - len(past) :], past - begin)
            returns = [0.1 * data.rewards[t:end].sum() for t in (*past, last + 1)]
            compare(batch.returns_to_go[last, K - len(past) :], returns)


def test_pretraining_holds_all_trajectories_whatever_their_returns() -> None:
    data = numbered(2, 5, 0, 2, 1)
    replay = future_replay(data, replay_capacity=2, drop_worst_trajectory=True)
    assert replay.num_trajectories == 5
    rewarded = future_replay(replace(data, rewards=-data.rewards), replay_capacity=2)
    assert torch.equal(everything(replay).states, everything(rewarded).states)
    draws = [r.draw(np.random.default_rng(0), 50) for r in (replay, rewarded)]
    np.testing.assert_array_equal(*draws)


def test_online_the_offline_data_is_gone_and_the_ring_begins_anew() -> None:
    replay = future_replay(numbered(2, 5, 0), replay_capacity=2)
    replay.begin_online()
    assert replay.num_trajectories == 0
    for ids, kept in (([7], [7]), ([8], [7, 8]), ([9], [9, 8])):
        replay.add(numbered(*ids), bootstrap_at_time_limit=False)
        assert identities(replay) == kept


def test_online_trajectories_are_drawn_in_proportion_to_their_return() -> None:
    replay = future_replay(make([3]), reward_divisor=2.0)
    replay.begin_online()
    parts = [
        numbered(1, length=2),
        numbered(1, length=4),
        numbered(1, length=10),
    ]  # returns 1, 2, 5 after division
    replay.add(Trajectories.concatenate(parts), bootstrap_at_time_limit=True)
    slots, positions, _ = replay.locate(replay.draw(np.random.default_rng(0), 50_000))
    np.testing.assert_allclose(np.bincount(slots, minlength=3) / 50_000, [0, 0.2, 0.8], atol=0.01)
    np.testing.assert_allclose(np.bincount(positions[slots == 2]) / (slots == 2).sum(), [0.1] * 10, atol=0.01)


def test_equal_returns_are_drawn_alike() -> None:
    replay = future_replay(make([3]))
    replay.begin_online()
    replay.add(numbered(4, 4), bootstrap_at_time_limit=True)
    slots, _, _ = replay.locate(replay.draw(np.random.default_rng(0), 1000))
    assert 400 < slots.sum() < 600


def test_shares_of_a_batch_make_the_whole() -> None:
    replay = future_replay(make([3, 9, 5, 1]))
    ends = replay.draw(np.random.default_rng(0), 32)
    whole = replay.gather(ends)
    assert whole.real_count == replay.real_positions(ends) == int(whole.mask.sum())
    assert replay.gather(ends[:3], real_count=7.0).real_count == 7


@pytest.mark.parametrize("online", [False, True])
def test_a_restored_replay_goes_on_identically(online: bool) -> None:
    data = make([4, 2, 6, 3])
    original = future_replay(data, replay_capacity=3)
    if online:
        original.begin_online()
        for i in range(4):
            original.add(make([3 + i, 2], seed=i), bootstrap_at_time_limit=False)
    restored = future_replay(data, replay_capacity=3)
    restored.load_state(original.state())
    if online:
        for replay in (original, restored):
            replay.add(make([5], seed=9), bootstrap_at_time_limit=False)
    batches = [replay.sample(np.random.default_rng(1), 20) for replay in (original, restored)]
    for field in fields(FutureBatch):
        left, right = (getattr(batch, field.name) for batch in batches)
        assert left == right if field.name == "real_count" else torch.equal(left, right), field.name
