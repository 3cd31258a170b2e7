"""grpo's maths against plain formulas."""

from typing import Any

import numpy as np
import torch
from numpy.testing import assert_allclose
from torch import Tensor

from tests.algorithms.batches import A, S, settings
from vitamin.algorithms.assembly import build_networks
from vitamin.algorithms.grpo.groups import GroupBuffer, Groups
from vitamin.algorithms.grpo.objective import clipped_objective, group_advantages
from vitamin.algorithms.grpo.update import GroupUpdater
from vitamin.algorithms.methods import get_method
from vitamin.algorithms.models.distributions import SquashedGaussian
from vitamin.algorithms.update import Updater

STEPS = ("states", "actions", "returns_to_go", "timesteps")


def test_advantages_are_normalized_within_their_group() -> None:
    rng = np.random.default_rng(0)
    returns = rng.normal(5.0, [1, 20, 300], size=(8, 3)).T.reshape(-1)
    group = np.repeat([0, 1, 2], 8)
    order = rng.permutation(24)
    advantages = np.empty(24)
    advantages[order] = group_advantages(returns[order], group[order])
    for g in range(3):
        own = returns[group == g]
        assert_allclose(advantages[group == g], (own - own.mean()) / own.std(), rtol=1e-5)


def test_equal_returns_give_no_advantage() -> None:
    returns = np.array([0.1 + 0.2, 0.3, 0.3, -1.0, 1.0])
    advantages = group_advantages(returns, np.array([0, 0, 0, 1, 1]))
    assert_allclose(advantages[:3], 0, atol=1e-9)  # rounding is not taken for a difference
    assert_allclose(advantages[3:], [-1, 1], rtol=1e-5)


def test_the_objective_is_clipped_where_going_on_would_pay() -> None:
    ratio = torch.tensor([0.5, 0.9, 1.1, 1.5, 0.5, 0.9, 1.1, 1.5])
    advantages = torch.tensor([2.0] * 4 + [-2.0] * 4)
    log_ratio = ratio.log().requires_grad_()
    objective = clipped_objective(log_ratio, advantages, 0.2)
    expected = [1.0, 1.8, 2.2, 2.4, -1.6, -1.8, -2.2, -3.0]
    assert_allclose(objective.detach().numpy(), expected, rtol=1e-6)
    (gradient,) = torch.autograd.grad(objective.sum(), log_ratio)
    free = torch.tensor([True, True, True, False, False, True, True, True])
    assert_allclose(gradient.numpy(), torch.where(free, ratio * advantages, 0.0).numpy(), rtol=1e-6)


def test_the_gradient_at_ratio_one_is_the_policy_gradient() -> None:
    log_ratio = torch.zeros(5, requires_grad=True)
    advantages = torch.randn(5, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(clipped_objective(log_ratio, advantages, 0.1).sum(), log_ratio)
    assert_allclose(gradient.numpy(), advantages.numpy())


def test_the_variance_of_actions_is_that_of_samples() -> None:
    loc = torch.tensor([[0.0, 1.0, -3.0, 0.5]])
    log_std = torch.tensor([[-4.0, -1.0, 0.5, 2.0]])
    distribution = SquashedGaussian(loc, log_std)

    def sampled(count: int) -> Tensor:
        noise = torch.randn(count, 1, 4, generator=torch.Generator().manual_seed(1))
        return distribution.sample(noise).var(0)

    assert_allclose(distribution.variance().numpy(), sampled(400_000).numpy(), rtol=0.02)


def test_an_update_descends_the_policy_gradient_of_whole_groups() -> None:
    """The first step's gradient: -mean_i A_i mean_t grad log pi(a_t | what the policy saw), less the entropy's."""
    updater = stochastic_updater()
    buffer = GroupBuffer(groups(updater), 4)
    group_updater = GroupUpdater(updater, buffer)
    chosen = np.array([1, 4, 2])
    policy, expected = updater.networks.policy, torch.zeros(())
    advantages = group_advantages(buffer.groups.returns, buffer.groups.group)
    for n in chosen:
        begin, lead, length = (
            int(x[n]) for x in (buffer.groups.offsets, buffer.groups.lead, buffer.groups.lengths)
        )
        total = torch.zeros(())
        for t in range(begin + lead, begin + lead + length):
            window = slice(max(begin, t - 3), t + 1)
            distribution = acted(updater, buffer.groups, window)
            total = total + distribution.log_prob(torch.from_numpy(buffer.groups.actions[t]))[0, 0]
        expected = expected - advantages[n] * total / length / len(chosen)
    parameters = list(policy.parameters())
    wanted = torch.autograd.grad(expected, parameters, allow_unused=True)
    before = [parameter.detach().clone() for parameter in parameters]
    metrics = group_updater.update(chosen, torch.zeros)
    assert abs(float(metrics["policy/log_ratio"])) < 1e-5
    assert float(metrics["policy/clipped"]) == 0
    assert_allclose(float(metrics["loss/rl"]), -advantages[chosen].mean(), rtol=1e-5)
    norm = float(metrics["gradient_norm/actor"])
    scale = min(1.0, 0.25 / norm)
    for parameter, gradient in zip(parameters, wanted, strict=True):
        if gradient is not None:
            assert parameter.grad is not None
            assert_allclose(parameter.grad.numpy(), scale * gradient.numpy(), rtol=1e-3, atol=1e-6)
    assert any(not torch.equal(old, new) for old, new in zip(before, parameters, strict=True))


def test_learning_makes_good_sub_trajectories_likelier_until_they_are_clipped() -> None:
    updater = stochastic_updater(group_learning_rate=1e-4)
    buffer = GroupBuffer(groups(updater), 4)
    group_updater = GroupUpdater(updater, buffer)
    everything = np.arange(len(buffer))
    history = [group_updater.update(everything, torch.zeros) for _ in range(40)]
    losses = [float(metrics["loss/rl"]) for metrics in history]
    assert losses[-1] < losses[0] - 0.05
    assert float(history[-1]["policy/clipped"]) > 0.5
    assert (
        min(losses) >= -np.abs(group_advantages(buffer.groups.returns, buffer.groups.group)).mean() * 0.1001
    )


def stochastic_updater(**overrides: Any) -> Updater:
    """A policy without an entropy bonus."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        chosen = settings(
            group_entropy_coefficient=0.0,
            group_ratio_clip=0.1,
            eval_context_length=4,
            dropout=0.5,
            **overrides,
        )
        return Updater(build_networks(S, A, get_method("grpo"), chosen), get_method("grpo"), chosen)


def groups(updater: Updater) -> Groups:
    """Two groups of three sub-trajectories of various lengths, whose actions are the policy's."""
    rng = np.random.default_rng(0)
    noise = torch.Generator().manual_seed(0)
    lead, lengths = np.array([0, 0, 0, 3, 3, 3]), np.array([4, 4, 2, 5, 1, 5])
    offsets = np.concatenate([[0], np.cumsum(lead + lengths)])
    steps = int(offsets[-1])
    made = Groups(
        states=rng.normal(size=(steps, S)).astype(np.float32),
        actions=np.zeros((steps, A), np.float32),
        returns_to_go=rng.normal(size=steps).astype(np.float32),
        timesteps=np.arange(steps),
        offsets=offsets,
        lead=lead,
        returns=rng.normal(size=6),
        group=np.array([0, 0, 0, 1, 1, 1]),
        uncertainty=np.ones(6),
    )
    for n, begin in enumerate(offsets[:-1]):
        for t in range(begin, offsets[n + 1]):
            distribution = acted(updater, made, slice(max(begin, t - 3), t + 1))
            made.actions[t] = distribution.sample(torch.randn(1, 1, A, generator=noise)).detach()[0, 0]
    return made


def acted(updater: Updater, made: Groups, window: slice) -> SquashedGaussian:
    """The policy's distribution at the end of a context."""
    context = [torch.from_numpy(getattr(made, name)[window])[None] for name in STEPS]
    distribution = updater.networks.policy.eval().act(*context).distribution
    assert distribution is not None
    return distribution
