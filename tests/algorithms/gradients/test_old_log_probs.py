"""The denominator of PPO's ratios: log-likelihoods recorded in rollouts, or recomputed on segments (paper Fig. 10)."""

from typing import Any

import numpy as np
import pytest
import torch

from tests.algorithms.rollouts.test_rollout import (
    MEAN,
    STD,
    A,
    S,
    Script,
    Walk,
    assert_identical,
    hyperparameters,
)
from vitamin.algorithms.assembly import build_networks, records_log_probs
from vitamin.algorithms.data.normalization import ACTION_LIMIT
from vitamin.algorithms.data.replay import Replay
from vitamin.algorithms.data.segments import ValuedBatch
from vitamin.algorithms.data.trajectories import Trajectories
from vitamin.algorithms.data.valued_replay import ValuedReplay
from vitamin.algorithms.gradients.advantages import log_likelihood
from vitamin.algorithms.gradients.ppo import PPO
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import METHODS
from vitamin.algorithms.rollouts.rollout import rollout_unit
from vitamin.algorithms.update import Updater

LENGTHS = (3, 9, 300)  # the last needs more room than there is at first


def settings(**overrides: Any) -> Hyperparameters:
    """Contexts of 4 steps in rollouts, of up to 6 in training; no dropout."""
    return hyperparameters(
        dropout=0.0, embedding_dropout=0.0, warmup_updates=0, learning_rate=1e-6, **overrides
    )


def updater(**overrides: Any) -> Updater:
    torch.manual_seed(0)
    chosen = settings(**overrides)
    return Updater(build_networks(S, A, METHODS["ppo"], chosen).train(), METHODS["ppo"], chosen)


def roll_out(policy: Any, record: bool = True, **overrides: Any) -> Trajectories:
    return rollout_unit(
        [Walk(length) for length in LENGTHS],
        policy,
        hyperparameters=settings(**overrides),
        observation_mean=MEAN,
        observation_std=STD,
        target_return=5.0,
        explore=True,
        rng=np.random.default_rng(0),
        record_log_probs=record,
    )


def iteration(u: Updater) -> ValuedReplay:
    """The replay that the updater learns from after a rollout of its policy."""
    policy = u.networks.policy.eval()
    trajectories = roll_out(policy)
    policy.train()
    replay = Replay(MEAN.numpy(), STD.numpy(), A, hyperparameters=u.hyperparameters)
    replay.add(trajectories, bootstrap_at_time_limit=True)
    assert u.networks.value is not None
    u.begin_iteration()
    return ValuedReplay(replay, u.networks.value, u.hyperparameters, trajectories.log_probs)


def ratios(u: Updater, batch: ValuedBatch) -> torch.Tensor:
    """Of all positions, (B, K)."""
    output = u.networks.policy(*batch.context())
    return (log_likelihood(batch, output) - PPO(u.hyperparameters).old_log_probs(u.networks, batch)).exp()


def test_recorded_are_those_of_the_contexts_that_the_policy_saw() -> None:
    u = updater()
    policy, shown = u.networks.policy.eval(), []
    act = policy.act

    def watch(*context: torch.Tensor) -> Any:
        output = act(*context)
        shown.append(output.distribution)
        return output

    policy.act = watch  # type: ignore[method-assign]
    trajectories = roll_out(policy)
    assert trajectories.log_probs is not None
    assert trajectories.log_probs.dtype == np.float32
    for episode, length in enumerate(LENGTHS):
        one = trajectories.select([episode])
        for step in range(length):
            running = [e for e in range(len(LENGTHS)) if LENGTHS[e] > step]
            expected = shown[step].log_prob(torch.from_numpy(one.actions[None, None, step]))
            row = running.index(episode)
            assert one.log_probs is not None
            assert one.log_probs[step] == pytest.approx(float(expected[row, 0]), abs=1e-6)


def test_of_a_saturated_action_it_is_that_of_the_action_as_it_is_stored() -> None:
    policy = Script(stochastic=True, level=9.0)  # tanh(9) lies beyond the limit
    trajectories = roll_out(policy)
    stored = torch.from_numpy(trajectories.actions)
    assert (stored.abs() <= ACTION_LIMIT).all()
    assert (stored == np.float32(ACTION_LIMIT)).any()
    shown = policy.act(*(torch.zeros(1, 1, 1),) * 4).distribution
    assert shown is not None
    assert trajectories.log_probs is not None
    expected = shown.log_prob(stored[:, None])[:, 0]
    torch.testing.assert_close(torch.from_numpy(trajectories.log_probs), expected)
    assert expected.isfinite().all()


def test_recording_changes_nothing_else_and_costs_nothing_where_it_is_off() -> None:
    policy = updater().networks.policy.eval()
    recorded, plain = roll_out(policy), roll_out(policy, record=False)
    assert plain.log_probs is None
    for name in ("observations", "actions", "rewards", "offsets"):
        assert np.array_equal(getattr(recorded, name), getattr(plain, name))
    assert_identical(plain, roll_out(policy, record=False))


def test_only_ppo_with_recorded_ones_asks_for_them() -> None:
    for name, method in METHODS.items():
        assert records_log_probs(method, settings()) == (name in ("ppo", "ppo_odt"))
        assert not records_log_probs(method, settings(old_log_probs="recomputed"))


def test_segments_carry_those_of_their_own_steps() -> None:
    buffer = iteration(updater())
    starts = np.arange(buffer.replay.num_steps)
    batch = buffer.gather(starts)
    assert batch.old_log_probs is not None
    assert buffer.log_probs is not None
    for row in (0, 2, 5, len(starts) - 1):
        real = batch.mask[row]
        own = buffer.log_probs[row : row + int(real.sum())]
        assert torch.equal(batch.old_log_probs[row][real], own)
    assert not batch.mask.all()
    assert (batch.old_log_probs[~batch.mask] == 0).all()


def test_recorded_ratios_differ_from_one_before_the_policy_has_moved() -> None:
    u = updater(old_log_probs="recorded")
    batch = iteration(u).gather(np.array([3, 4, 20, 200]))
    first = u.actor_step(batch, "online", torch.zeros, batch)
    moved = ratios(updater(), batch)[batch.mask]  # the same policy, before that step
    assert (moved - 1).abs().max() > 0.01
    torch.testing.assert_close(first["ppo/ratio_mean"], moved.mean())
    assert abs(float(first["ppo/ratio_mean"]) - 1) > 1e-3


def test_recomputed_ratios_begin_at_one() -> None:
    u = updater(old_log_probs="recomputed")
    batch = iteration(u).gather(np.array([3, 4, 20, 200]))
    torch.testing.assert_close(ratios(u, batch)[batch.mask], torch.ones(int(batch.mask.sum())))
    first = u.actor_step(batch, "online", torch.zeros, batch)
    torch.testing.assert_close(first["ppo/ratio_mean"], torch.tensor(1.0))
    assert float(first["ppo/clipped_share"]) == 0


def test_recorded_ratios_are_one_where_the_contexts_agree() -> None:
    """Without returns, the first steps of an episode have the same context in a rollout and in a segment."""
    u = updater(old_log_probs="recorded", return_conditioning=False)
    batch = iteration(u).gather(np.array([0, 3]))  # segments at the start of the first two episodes
    found = ratios(u, batch)
    torch.testing.assert_close(found[0][-3:], torch.ones(3))
    torch.testing.assert_close(found[1][:4], torch.ones(4))
    assert ((found[1][4:] - 1).abs() > 1e-4).all()  # the rollout saw four steps, the segment five and six
