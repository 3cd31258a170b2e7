"""The single-state MDP: its reward and data, and that ODT stays in its corner while RL gradients lead out of it."""

import numpy as np
import pytest
import torch

from vitamin.algorithms.single_state import METHODS, OPTIMUM, Settings, offline_actions, reward, run
from vitamin.algorithms.single_state.experiment import ACTIONS
from vitamin.algorithms.single_state.networks import SingleStateNetworks
from vitamin.algorithms.single_state.problem import episodes

SHORT = Settings(online_epochs=2)


def test_reward_is_the_paper_s() -> None:
    actions = np.array([-1, -0.95, -0.5, -1e-9, 0, 0.25, 0.5, 1])
    assert reward(actions) == pytest.approx([0, 0.0025, 0.25, 1, 1, 0.5, 0, -1])
    grid = np.linspace(-1, 1, 2001)
    assert grid[reward(grid).argmax()] == pytest.approx(OPTIMUM)


def test_offline_data_is_in_two_corners_whose_best_reward_is_next_to_nothing() -> None:
    actions = offline_actions(np.random.default_rng(0))
    left, right = actions[actions < 0], actions[actions > 0]
    assert (len(left), len(right)) == (100, 28)
    assert -1 <= left.min() < -0.99
    assert -0.96 < left.max() <= -0.95
    assert 0.5 <= right.min() < 0.6
    assert 0.9 < right.max() <= 1
    assert reward(actions).max() < 0.003
    data = episodes(actions)
    assert data.returns == pytest.approx(reward(actions), abs=1e-6)
    assert data.terminals.all()
    assert len(data) == 128


def test_policy_looks_at_the_return_to_go_alone() -> None:
    torch.manual_seed(0)
    networks = SingleStateNetworks(8, with_critic=True)
    batch = torch.randn(5, 1)
    something = torch.randn(5, 1, 1)
    mask = torch.ones(5, 1, dtype=torch.bool)
    outputs = [
        networks.policy(state, state, batch, torch.zeros(5, 1), mask).action
        for state in (something, -something)
    ]
    assert torch.equal(*outputs)
    assert outputs[0].shape == (5, 1, 1)
    assert torch.equal(outputs[0][:, 0, 0], networks.actions(batch[:, 0]))
    assert len(outputs[0].unique()) == 5


@pytest.mark.parametrize("seed", [0, 1])
def test_odt_stays_in_its_corner(seed: int) -> None:
    result = run("ODT", seed, Settings(online_epochs=6))
    assert result.critic is None
    assert result.actions[-1].max() < -0.9
    assert result.rewards[-1] < 0.01


def test_ddpg_leaves_the_corner_and_its_critic_knows_the_way() -> None:
    result = run("DDPG", 0)
    assert result.actions[0].mean() < -0.9
    assert result.rewards[-1] > 0.5 > result.rewards[5]
    assert result.critic is not None
    assert abs(ACTIONS[result.critic.argmax()] - OPTIMUM) < 0.3
    data = ACTIONS > 0.5
    assert np.abs(result.critic[data] - reward(ACTIONS[data])).max() < 0.15


def test_rollouts_have_the_paper_s_noise() -> None:
    (first,) = run("ODT", 3, Settings(pretrain_epochs=0, online_epochs=1)).actions
    assert first.shape == (64,)
    assert abs(first.mean()) < 0.5  # untrained, far from where actions are clipped
    assert 0.015 < np.ptp(first) <= 0.02 + 1e-9


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_bits(method: str) -> None:
    first, again, other = run(method, 4, SHORT), run(method, 4, SHORT), run(method, 5, SHORT)
    for name in ("rewards", "actions", "actor"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    if first.critic is None or again.critic is None:
        assert first.critic is again.critic
    else:
        assert np.array_equal(first.critic, again.critic)
    assert not np.array_equal(first.actor, other.actor)
    assert len(first.rewards) == 1 + 5 + 2
