"""Targets and actors with recurrent critics and with random subsets of an ensemble."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.algorithms.batches import random_batch, settings
from tests.algorithms.gradients.test_gradients import LENGTHS, updater
from tests.algorithms.test_update import zero_noise
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.gradients import GRADIENTS
from vitamin.algorithms.gradients.bellman import BellmanGradient
from vitamin.algorithms.gradients.td3 import TD3
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.policy import Padding
from vitamin.algorithms.models.recurrent_critics import RecurrentCritic
from vitamin.algorithms.update import Updater


def noise_of_shape(shape: torch.Size) -> Tensor:
    """Normal, the same ones for the same shape."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def next_values(method: str, batch: SegmentBatch, **overrides: Any) -> tuple[Tensor, Tensor]:
    """The value of the next states that the target takes, and Q of all members there, found step by step."""
    u = updater(method, **overrides)
    networks, chosen = u.networks, u.hyperparameters
    assert networks.target_critic is not None
    if method == "td3_odt":
        target = TD3(chosen).bellman_target(networks, batch, noise_of_shape)
        taken, actions = target.next_values, target.smoothed
    else:
        gradient = GRADIENTS["sac"](chosen)
        assert isinstance(gradient, BellmanGradient)
        taken = gradient.sampled_next_values(networks, batch, noise_of_shape, entropy=False)
        distribution = gradient.next_output(networks, batch).distribution
        assert distribution is not None
        actions = distribution.sample(noise_of_shape(batch.actions.shape))
    return taken, networks.target_critic(batch.next_states, actions, batch.mask)


@pytest.mark.parametrize("method", ["td3_odt", "sac_odt"])
def test_targets_take_the_smallest_of_a_drawn_subset(method: str) -> None:
    batch = random_batch((6,) * 64)
    taken, members = next_values(method, batch, critic_members=5, critic_subset=2)
    drawn = noise_of_shape(torch.Size((64, 5))).argsort(1, descending=True)[:, :2]
    for row in range(64):
        torch.testing.assert_close(taken[row], members[drawn[row], row].amin(0))
    assert len({tuple(sorted(pair)) for pair in drawn.tolist()}) == 10  # each pair is drawn
    everything, members = next_values(method, batch, critic_members=5, critic_subset=5)
    torch.testing.assert_close(everything, members.amin(0))


def policy_output(u: Updater, batch: SegmentBatch, padding: Padding = "skip") -> PolicyOutput:
    output: PolicyOutput = u.networks.policy(*batch.context(), padding)
    return output


@pytest.mark.parametrize("method", ["td3", "sac"])
def test_with_a_subset_the_actor_follows_the_mean_of_all_members(method: str) -> None:
    batch = random_batch(LENGTHS)
    u = updater(method, critic_members=5, critic_subset=2)
    critic, output = u.networks.critic, policy_output(u, batch)
    assert critic is not None
    gains = critic(batch.states, output.action).mean(0)
    if method == "sac":
        assert output.distribution is not None
        assert u.networks.log_temperature is not None
        entropy = output.distribution.entropy(zero_noise(batch.actions.shape))
        gains = gains + u.networks.log_temperature.exp() * entropy
    loss = u.actor_step(batch, "online", zero_noise)["loss/rl"]
    torch.testing.assert_close(loss, -batch.mean(gains).detach())


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
@pytest.mark.parametrize("method", ["td3_odt", "sac_odt"])
def test_the_target_reads_the_shifted_segment_with_the_target_policy_s_actions(
    method: str, cell: str
) -> None:
    taken, members = next_values(method, random_batch(LENGTHS), critic_network=cell)
    torch.testing.assert_close(taken, members.amin(0))


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
@pytest.mark.parametrize("reads", [True, False])
def test_the_actor_s_critic_reads_the_policy_s_actions_at_all_steps(reads: bool, cell: str) -> None:
    batch = random_batch(LENGTHS)
    u = updater("td3", critic_network=cell, critic_reads_padding=reads)
    critic = u.networks.critic
    assert isinstance(critic, RecurrentCritic)
    output = policy_output(u, batch, padding="compute")
    expected = -batch.mean(critic(batch.states, output.action, batch.mask)[0])
    skipped = policy_output(u, batch).action
    loss = u.actor_step(batch, "online", zero_noise)["loss/rl"]
    torch.testing.assert_close(loss, expected.detach())
    without = -batch.mean(critic(batch.states, skipped, batch.mask)[0])
    assert bool((without - loss).abs() > 1e-9) == reads  # padded actions count where padding is read


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
@pytest.mark.parametrize("method", ["td3_odt", "ddpg_odt", "sac", "awac_odt"])
def test_recurrent_critics_are_trained_with_off_policy_gradients(method: str, cell: str) -> None:
    u, batch = updater(method, critic_network=cell, actor_update_interval=1), random_batch(LENGTHS)
    assert isinstance(u.networks.critic, RecurrentCritic)
    before = [parameter.clone() for parameter in u.networks.critic.parameters()]
    first = u.update(batch, "online", zero_noise)["loss/critic"]
    assert not any(torch.equal(a, b) for a, b in zip(before, u.networks.critic.parameters(), strict=True))
    for _ in range(200):
        last = u.critic_step(batch, zero_noise).metrics["loss/critic"]
    assert last < 0.8 * first


def test_a_subset_is_not_larger_than_the_ensemble() -> None:
    with pytest.raises(ValueError, match="critic_subset 3 exceeds critic_members 2"):
        settings(critic_subset=3)
