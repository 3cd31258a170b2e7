"""The replay: what a segment holds, what is drawn, what is evicted, and what a checkpoint keeps."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from vitamin.algorithms.data.replay import Replay
from vitamin.algorithms.data.replay_state import online_trajectories
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.errors import DatasetError, RunError

S, A = 3, 2
LENGTHS = st.lists(st.integers(1, 7), min_size=1, max_size=6)
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")),
]


def make(lengths: Sequence[int], seed: int = 0) -> Trajectories:
    """Random trajectories: actions reach the limits, next observations are others, some ends are terminal."""
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    N = offsets[-1]
    terminals = np.zeros(N, np.bool_)
    terminals[offsets[1:] - 1] = rng.random(len(lengths)) < 0.5
    return Trajectories(
        observations=rng.normal(2, 3, (N, S)).astype(np.float32),
        actions=rng.uniform(-1.2, 1.2, (N, A)).clip(-1, 1).astype(np.float32),
        rewards=rng.normal(size=N).astype(np.float32),
        next_observations=rng.normal(2, 3, (N, S)).astype(np.float32),
        terminals=terminals,
        offsets=offsets,
    )


def hyperparameters(**overrides: Any) -> Hyperparameters:
    defaults = {
        "context_length": 4,
        "eval_context_length": 1,
        "return_scale": 0.1,
        "drop_worst_trajectory": False,
    }
    return Hyperparameters(**{**defaults, **overrides})


def plain_segment(data: Trajectories, start: int, replay: Replay, options: Hyperparameters) -> dict[str, Any]:
    """One segment, step by step; ``start`` counts steps of ``data``, whose order is the replay's."""
    K, scale = options.context_length, options.return_scale
    mean, std = replay.observation_mean, replay.observation_std
    trajectory = int(np.searchsorted(data.offsets, start, side="right")) - 1
    begin, end = int(data.offsets[trajectory]), int(data.offsets[trajectory + 1])
    rewards = [
        (float(reward) + options.reward_shift) / options.reward_divisor for reward in data.rewards[:end]
    ]
    segment: dict[str, Any] = {f.name: [] for f in fields(SegmentBatch) if f.name != "real_count"}
    count = min(K, end - start)
    for _ in range(K - count):
        segment["states"].append(-mean / std)
        segment["next_states"].append(-mean / std)
        segment["actions"].append(np.zeros(A))
        for name in ("rewards", "terminals", "returns_to_go", "timesteps"):
            segment[name].append(0.0)
        segment["mask"].append(False)
    for step in range(start, start + count):
        segment["states"].append((data.observations[step] - mean) / std)
        segment["next_states"].append((data.next_observations[step] - mean) / std)
        segment["actions"].append(np.clip(data.actions[step], -1 + 1e-6, 1 - 1e-6))
        segment["rewards"].append(rewards[step])
        segment["terminals"].append(float(data.terminals[step]))
        segment["returns_to_go"].append(scale * sum(rewards[step:end]))
        segment["timesteps"].append(min(step - begin, options.max_timestep - 1))
        segment["mask"].append(True)
    segment["returns_to_go"].append(scale * sum(rewards[start + count : end]))
    return segment


def assert_equal(left: SegmentBatch, right: SegmentBatch) -> None:
    for field in fields(SegmentBatch):
        a, b = getattr(left, field.name), getattr(right, field.name)
        assert a == b if field.name == "real_count" else torch.equal(a, b), field.name


def everything(replay: Replay) -> SegmentBatch:
    return replay.gather(np.arange(replay.num_steps))


def identities(replay: Replay) -> list[float]:
    """First reward of each slot's trajectory."""
    _, positions, _ = replay.locate(np.arange(replay.num_steps))
    batch = everything(replay)
    first_real = batch.mask.int().argmax(1)
    return [float(batch.rewards[i, first_real[i]]) for i in np.flatnonzero(positions == 0)]


def numbered(*ids: float, length: int = 1) -> Trajectories:
    """Trajectories whose rewards are their number."""
    data = make([length] * len(ids))
    return replace(data, rewards=np.repeat(ids, length).astype(np.float32))


@pytest.mark.parametrize("device", DEVICES)
@settings(deadline=None, max_examples=40)
@given(
    offline=LENGTHS,
    online=LENGTHS,
    K=st.integers(1, 9),
    max_timestep=st.integers(1, 6),
    shift=st.sampled_from([0.0, -1.0]),
    bootstrap=st.booleans(),
)
def test_segments_equal_a_plain_loop(
    device: str,
    offline: list[int],
    online: list[int],
    K: int,
    max_timestep: int,
    shift: float,
    bootstrap: bool,
) -> None:
    options = hyperparameters(
        context_length=K,
        max_timestep=max_timestep,
        reward_shift=shift,
        reward_divisor=3.0,
        replay_capacity=12,
    )
    first, second = make(offline, seed=1), make(online, seed=2)
    replay = Replay.from_offline(first, hyperparameters=options, device=device)
    replay.add(second, bootstrap_at_time_limit=bootstrap)
    if not bootstrap:
        second.terminals[second.offsets[1:] - 1] = True
    scaled = replace(first, rewards=first.rewards + np.float32(shift))
    in_replay = Trajectories.concatenate([first.select(np.argsort(scaled.returns, kind="stable")), second])
    assert replay.num_trajectories == len(in_replay)
    assert replay.num_steps == in_replay.num_steps
    batch = everything(replay)
    for start in range(replay.num_steps):
        for name, expected in plain_segment(in_replay, start, replay, options).items():
            actual = getattr(batch, name)[start].cpu().numpy()
            np.testing.assert_allclose(actual, np.array(expected), rtol=2e-5, atol=1e-5, err_msg=name)


def test_statistics_are_those_of_all_offline_data() -> None:
    data = make([5, 3, 6])
    data.observations[:, 1] = 4.0
    replay = Replay.from_offline(
        data, hyperparameters=hyperparameters(replay_capacity=1, drop_worst_trajectory=True)
    )
    np.testing.assert_allclose(replay.observation_mean, data.observations.mean(0), rtol=1e-5)
    np.testing.assert_allclose(replay.observation_std, data.observations.std(0) + 1e-6, rtol=1e-5)
    assert torch.isfinite(everything(replay).states).all()


@pytest.mark.parametrize(
    ("capacity", "drop_worst", "pool", "kept"),
    [
        (10, False, [0, 1, 2, 2, 5], [0, 1, 2, 2, 5]),
        (10, True, [1, 2, 2, 5], [1, 2, 2, 5]),
        (2, False, [0, 1, 2, 2, 5], [2, 5]),
        (2, True, [1, 2, 2, 5], [2, 5]),
        (4, True, [1, 2, 2, 5], [1, 2, 2, 5]),
    ],
)
def test_pretraining_draws_from_all_trajectories_and_the_online_phase_begins_with_the_best(
    capacity: int, drop_worst: bool, pool: list[float], kept: list[float]
) -> None:
    options = hyperparameters(replay_capacity=capacity, drop_worst_trajectory=drop_worst)
    replay = Replay.from_offline(numbered(2, 5, 0, 2, 1, length=3), hyperparameters=options)
    assert identities(replay) == pool
    steps = replay.draw(np.random.default_rng(0), 1000)
    assert len(np.unique(steps)) == 3 * len(pool)
    replay.begin_online()
    assert identities(replay) == kept
    replay.add(numbered(7), bootstrap_at_time_limit=True)
    assert identities(replay) == ([7, *kept[1:]] if len(kept) == capacity else [*kept, 7])


def test_many_trajectories_are_stored_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    data = make([3, 9, 1, 4, 4, 30, 2, 2, 8], seed=3)
    whole = Replay.from_offline(data, hyperparameters=hyperparameters())
    for steps_at_a_time in (1, 5, 12):
        monkeypatch.setattr("vitamin.algorithms.data.replay._STEPS_AT_A_TIME", steps_at_a_time)
        assert_equal(
            everything(whole), everything(Replay.from_offline(data, hyperparameters=hyperparameters()))
        )


def test_the_memory_of_the_others_is_given_back_as_the_online_phase_begins() -> None:
    options = hyperparameters(replay_capacity=10)
    replay = Replay.from_offline(make([20] * 100), hyperparameters=options)
    pool = replay.nbytes
    replay.begin_online()
    assert replay.num_steps == 200
    assert replay.nbytes < pool / 5
    restored = Replay.from_offline(make([20] * 100), hyperparameters=options)
    restored.load_state(replay.state())
    assert restored.nbytes == replay.nbytes
    assert_equal(everything(replay), everything(restored))


def test_never_drops_the_only_trajectory() -> None:
    replay = Replay.from_offline(numbered(3), hyperparameters=hyperparameters(drop_worst_trajectory=True))
    assert replay.num_trajectories == 1


@pytest.mark.parametrize("drop", [True, False])
def test_of_trivial_trajectories_the_first_nine_stay(drop: bool) -> None:
    parts = [numbered(20, length=2), numbered(*range(12)), numbered(30, length=3)]
    data = Trajectories.concatenate(parts)
    data.observations[:] = np.arange(data.num_steps)[:, None]
    replay = Replay.from_offline(data, hyperparameters=hyperparameters(drop_trivial_trajectories=drop))
    kept = range(9) if drop else range(12)
    assert identities(replay) == [*kept, 20, 30]
    left = np.delete(data.observations, slice(11, 14), 0) if drop else data.observations
    np.testing.assert_allclose(replay.observation_mean, left.mean(0), rtol=1e-6)


def test_trivial_trajectories_go_before_the_worst() -> None:
    data = Trajectories.concatenate([numbered(*range(9, -1, -1)), numbered(20, length=2)])
    options = hyperparameters(drop_trivial_trajectories=True, drop_worst_trajectory=True)
    assert identities(Replay.from_offline(data, hyperparameters=options)) == [*range(2, 10), 20]


@pytest.mark.parametrize("bootstrap", [True, False])
def test_offline_cuts_count_as_terminal_without_bootstrapping(bootstrap: bool) -> None:
    data = numbered(1, 2, length=3)
    data.terminals[:] = [False, False, False, False, False, True]
    options = hyperparameters(context_length=1, bootstrap_at_offline_cuts=bootstrap)
    replay = Replay.from_offline(data, hyperparameters=options)
    terminals = everything(replay).terminals[:, 0].numpy()
    assert terminals.tolist() == [0, 0, 0 if bootstrap else 1, 0, 0, 1]
    assert data.terminals.sum() == 1


def test_ranks_by_transformed_rewards() -> None:
    # A reward of 1 a step over 4 steps loses to 2 in one step once 1 is subtracted from each.
    data = Trajectories.concatenate([numbered(1, length=4), numbered(2)])
    replay = Replay.from_offline(data, hyperparameters=hyperparameters(reward_shift=-1.0))
    assert identities(replay) == [0, 1]


def test_rewards_are_delayed_then_shifted_and_divided() -> None:
    data = numbered(3, 1, length=5)
    options = hyperparameters(
        context_length=5, reward_delay=2, reward_shift=-1.0, reward_divisor=2.0, return_scale=1.0
    )
    offline = Replay.from_offline(data, hyperparameters=options)
    online = Replay.from_offline(numbered(-9), hyperparameters=options)
    online.add(data.select([1, 0]), bootstrap_at_time_limit=True)
    for replay, first in ((offline, 5), (online, 6)):  # of the trajectory that earns 3 a step
        segment = replay.gather(np.array([first]))
        assert segment.rewards[0].tolist() == [-0.5, 2.5, -0.5, 2.5, 1.0]
        assert segment.returns_to_go[0].tolist() == [5.0, 5.5, 3.0, 3.5, 1.0, 0.0]
    late = hyperparameters(context_length=5, reward_delay="episode", return_scale=1.0)
    segment = Replay.from_offline(data, hyperparameters=late).gather(np.array([5]))
    assert segment.rewards[0].tolist() == [0, 0, 0, 0, 15]
    assert segment.returns_to_go[0].tolist() == [15, 15, 15, 15, 15, 0]


def test_leaves_what_it_is_given_unchanged() -> None:
    given = make([3, 2], seed=5)
    replay = Replay.from_offline(make([4]), hyperparameters=hyperparameters())
    replay.add(given, bootstrap_at_time_limit=False)
    for field in fields(Trajectories):
        assert_array_equal(getattr(given, field.name), getattr(make([3, 2], seed=5), field.name))


def test_refuses_no_data() -> None:
    with pytest.raises(DatasetError, match="no trajectory"):
        Replay.from_offline(make([3]).select([]), hyperparameters=hyperparameters())


@pytest.mark.parametrize(
    ("additions", "kept"),
    [
        ([[10]], [0, 1, 2, 10]),
        ([[10, 11]], [1, 2, 10, 11]),
        ([[10], [11]], [11, 1, 2, 10]),
        ([[10, 11], [12, 13, 14], [15, 16]], [16, 13, 14, 15]),
        ([[10], [11], [12], [13, 14, 15]], [15, 12, 13, 14]),
        ([[10], list(range(20, 29))], [28, 25, 26, 27]),
        ([list(range(20, 29))], [25, 26, 27, 28]),
        ([[10], []], [0, 1, 2, 10]),
    ],
)
def test_evicts_in_a_ring(additions: list[list[float]], kept: list[float]) -> None:
    replay = Replay.from_offline(numbered(0, 1, 2), hyperparameters=hyperparameters(replay_capacity=4))
    for ids in additions:
        replay.add(numbered(*ids) if ids else numbered(0).select([]), bootstrap_at_time_limit=True)
    assert identities(replay) == kept


@settings(deadline=None, max_examples=40)
@given(additions=st.lists(LENGTHS, max_size=12), capacity=st.integers(1, 8))
def test_repacking_does_not_change_samples(additions: list[list[int]], capacity: int) -> None:
    options = hyperparameters(replay_capacity=capacity)
    data = make([4, 2, 3])
    roomy = Replay.from_offline(data, hyperparameters=options)
    roomy._slots["row"] = roomy._storage.repack(roomy._slots["row"], roomy._slots["length"], 10_000)
    tight = Replay.from_offline(data, hyperparameters=options)
    for replay in (roomy, tight):
        replay.begin_online()
    for i, lengths in enumerate(additions):
        for replay in (roomy, tight):
            replay.add(make(lengths, seed=i), bootstrap_at_time_limit=False)
        tight._slots["row"] = tight._storage.repack(tight._slots["row"], tight._slots["length"], 0)
        assert_equal(everything(roomy), everything(tight))
        assert_equal(*(replay.sample(np.random.default_rng(i), 16) for replay in (roomy, tight)))


def test_memory_stays_bounded() -> None:
    replay = Replay.from_offline(make([20] * 10), hyperparameters=hyperparameters(replay_capacity=10))
    one_copy = replay.nbytes
    for i in range(100):
        replay.add(make([20], seed=i), bootstrap_at_time_limit=False)
    assert replay.num_steps == 200
    assert replay.nbytes <= 2 * one_copy


def test_draws_are_uniform_over_steps() -> None:
    replay = Replay.from_offline(make([1, 2, 5, 12]), hyperparameters=hyperparameters())
    count = 200_000
    starts = replay.draw(np.random.default_rng(5), count)
    observed = np.bincount(starts, minlength=replay.num_steps)
    expected = count / replay.num_steps
    chi_square = ((observed - expected) ** 2 / expected).sum()
    assert len(observed) == 20
    assert chi_square < 43.8  # the 0.1 % point for 19 degrees of freedom


def test_shares_of_a_batch_make_the_whole() -> None:
    replay = Replay.from_offline(make([3, 9, 5, 1]), hyperparameters=hyperparameters())
    starts = replay.draw(np.random.default_rng(0), 32)
    whole = replay.gather(starts)
    count = replay.real_positions(starts)
    assert whole.real_count == count == int(whole.mask.sum())
    shares = [replay.gather(part, real_count=count / 2) for part in np.split(starts, 2)]
    assert torch.equal(torch.cat([share.states for share in shares]), whole.states)
    mean = (shares[0].mean(shares[0].rewards) + shares[1].mean(shares[1].rewards)) / 2
    torch.testing.assert_close(mean, whole.mean(whole.rewards))


@settings(deadline=None, max_examples=40)
@given(before=st.lists(LENGTHS, max_size=6), after=st.lists(LENGTHS, max_size=4), capacity=st.integers(1, 8))
def test_a_restored_replay_goes_on_identically(
    before: list[list[int]], after: list[list[int]], capacity: int
) -> None:
    options = hyperparameters(replay_capacity=capacity, drop_worst_trajectory=True)
    data = make([4, 2, 6, 3])
    original = Replay.from_offline(data, hyperparameters=options)
    if before:
        original.begin_online()
    for i, lengths in enumerate(before):
        original.add(make(lengths, seed=i), bootstrap_at_time_limit=False)

    state = {name: array.copy() for name, array in original.state().items()}
    for array in state.values():
        array.flags.writeable = False
    restored = Replay.from_offline(data, hyperparameters=options)
    restored.load_state(state)

    for i, lengths in enumerate([[], *after]):
        if lengths:
            for replay in (original, restored):
                if i == 1 and not before:
                    replay.begin_online()
                replay.add(make(lengths, seed=100 + i), bootstrap_at_time_limit=True)
        assert_equal(everything(original), everything(restored))
        assert_equal(*(replay.sample(np.random.default_rng(i), 16) for replay in (original, restored)))
        for name, array in original.state().items():
            assert np.array_equal(array, restored.state()[name]), name


def test_a_checkpoint_holds_no_offline_data() -> None:
    replay = Replay.from_offline(make([100, 100]), hyperparameters=hyperparameters())
    replay.add(make([5]), bootstrap_at_time_limit=False)
    assert all(len(array) <= 5 for array in replay.state().values())


def test_refuses_the_state_of_other_data() -> None:
    state = Replay.from_offline(make([4, 2, 3]), hyperparameters=hyperparameters()).state()
    with pytest.raises(RunError, match="does not fit"):
        Replay.from_offline(make([4, 2]), hyperparameters=hyperparameters()).load_state(state)
    with pytest.raises(RunError, match="does not fit"):
        Replay.from_offline(make([5, 5, 5]), hyperparameters=hyperparameters()).load_state(state)


def test_refuses_a_state_when_offline_data_was_overwritten() -> None:
    replay = Replay.from_offline(numbered(0, 1), hyperparameters=hyperparameters(replay_capacity=2))
    state = replay.state()
    replay.add(numbered(7), bootstrap_at_time_limit=False)
    with pytest.raises(RunError, match="loaded afresh"):
        replay.load_state(state)
    assert identities(replay) == [7, 1]


@pytest.mark.parametrize("capacity", [3, 5, 20])
def test_online_trajectories_come_back_in_the_order_they_were_added(capacity: int) -> None:
    options = hyperparameters(replay_capacity=capacity, reward_shift=-1.0, reward_divisor=7.0)
    replay = Replay.from_offline(make([3, 2, 4]), hyperparameters=options)
    replay.begin_online()
    added = [make(lengths, seed) for seed, lengths in enumerate(([2, 5], [1], [4, 3, 2]), start=1)]
    for trajectories in added:
        replay.add(trajectories, bootstrap_at_time_limit=True)
    whole = Trajectories.concatenate(added)
    kept = whole.select(np.arange(len(whole))[-capacity:])
    found = online_trajectories(replay.state(), replay.observation_mean, replay.observation_std, options)
    np.testing.assert_array_equal(found.offsets, kept.offsets)
    np.testing.assert_array_equal(found.terminals, kept.terminals)
    np.testing.assert_array_equal(found.actions, kept.actions.clip(-1 + 1e-6, 1 - 1e-6))
    for name in ("observations", "next_observations", "rewards"):
        np.testing.assert_allclose(getattr(found, name), getattr(kept, name), atol=3e-6)
