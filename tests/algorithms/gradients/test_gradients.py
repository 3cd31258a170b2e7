"""The behaviour of each RL gradient, apart from the published numbers that tests/parity checks."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.algorithms.batches import A, S, random_batch, settings
from tests.algorithms.test_update import AllReduce, zero_noise
from vitamin.algorithms.assembly import build_networks
from vitamin.algorithms.data.segments import SegmentBatch, ValuedBatch
from vitamin.algorithms.gradients import GRADIENTS
from vitamin.algorithms.gradients.bellman import BellmanGradient
from vitamin.algorithms.lockstep import ALONE, Lockstep
from vitamin.algorithms.methods import METHODS, Method
from vitamin.algorithms.models.mlp_policy import MLPPolicy
from vitamin.algorithms.update import Updater
from vitamin.analysis.schema import METRIC_KEYS

LENGTHS = (6, 2, 5, 1)


def updater(method: str | Method, lockstep: Lockstep = ALONE, **overrides: Any) -> Updater:
    torch.manual_seed(0)
    row = METHODS[method] if isinstance(method, str) else method
    chosen = settings(**overrides | dict(row.fixed))
    networks = build_networks(S, A, row, chosen).to(torch.float64).train()
    return Updater(networks, row, chosen, lockstep)


def batches(u: Updater, lengths: tuple[int, ...] = LENGTHS) -> tuple[SegmentBatch, SegmentBatch | None]:
    """A batch of the replay, and one of the gradient's own if it has such."""
    batch = random_batch(lengths, K=u.hyperparameters.context_length)
    shares_batch = u.gradient is None or u.gradient.data == "replay"
    return batch, None if shares_batch else valued(random_batch(lengths, seed=1))


def valued(batch: SegmentBatch) -> ValuedBatch:
    rng = torch.Generator().manual_seed(2)
    real = batch.mask.double()
    values, targets, log_probs = torch.randn(3, *real.shape, generator=rng, dtype=torch.float64) * real
    segments = {field.name: getattr(batch, field.name) for field in fields(SegmentBatch)}
    return ValuedBatch(**segments, values=values, value_targets=targets, old_log_probs=log_probs)


def part(batch: SegmentBatch, rows: slice) -> SegmentBatch:
    """Half of a batch, as one of two learners has it."""
    return type(batch)(**{k: v[rows] if isinstance(v, Tensor) else v / 2 for k, v in vars(batch).items()})


USUAL = [name for name, row in METHODS.items() if row.network != "future_transformer"]
"""Methods whose updates are `Updater`'s; PDT's are in test_future_update.py."""


@pytest.mark.parametrize("pretrain_rl_coefficient", [0.0, 0.1])
@pytest.mark.parametrize("method", USUAL)
def test_every_method_updates_what_it_trains(method: str, pretrain_rl_coefficient: float) -> None:
    u = updater(method, learning_rate=1e-3, pretrain_rl_coefficient=pretrain_rl_coefficient)
    lengths = (1, 1, 1, 1) if METHODS[method].network == "mlp" else LENGTHS
    batch, own = batches(u, lengths)
    before = {name: value.clone() for name, value in u.networks.state_dict().items()}
    for phase in ("pretrain", "online"):
        metrics = u.update(batch, phase, zero_noise, own if phase == "online" else None)
        assert all(
            value.isfinite() and value.shape == () and not value.requires_grad for value in metrics.values()
        )
        assert metrics.keys() <= {column.name for column in METRIC_KEYS}
    changed = {
        name.split(".")[0] for name, value in u.networks.state_dict().items() if (value != before[name]).any()
    }
    trained = {name for name in ("policy", "critic", "value") if getattr(u.networks, name) is not None}
    assert trained <= changed
    gradient = METHODS[method].gradient
    soft = gradient is not None and GRADIENTS[gradient].targets == "soft"
    assert ("target_policy" in changed) == soft


@pytest.mark.parametrize("gradient", ["td3", "sac", "iql", "ppo", "awac", "awr"])
def test_a_gradient_alone_is_the_mixed_one_without_the_supervised_term(gradient: str) -> None:
    alone = {"td3": "td3", "iql": "iql_dt"}.get(gradient, gradient)
    metrics = {}
    for method in (alone, f"{gradient}_odt"):
        u = updater(method, rl_coefficient=0.5)
        batch, own = batches(u)
        metrics[method] = u.update(batch, "online", zero_noise, own)
    by_itself, mixed = metrics[alone], metrics[f"{gradient}_odt"]
    torch.testing.assert_close(by_itself["loss/actor"], 0.5 * by_itself["loss/rl"])
    torch.testing.assert_close(mixed["loss/rl"], by_itself["loss/rl"])
    torch.testing.assert_close(mixed["loss/actor"], mixed["loss/supervised"] + 0.5 * mixed["loss/rl"])


@pytest.mark.parametrize("gradient", ["td3", "sac", "iql", "awac"])
def test_pretraining_can_be_what_the_online_phase_is(gradient: str) -> None:
    alone = {"td3": "td3", "iql": "iql_dt"}.get(gradient, gradient)
    for method in (alone, f"{gradient}_odt"):
        losses = []
        for phase in ("pretrain", "online"):
            u = updater(
                method,
                rl_coefficient=0.5,
                supervised_coefficient=0.25,
                pretrain_rl_coefficient="online",
                pretrain_supervised_coefficient="online",
            )
            batch, _ = batches(u)
            losses.append(u.update(batch, phase, zero_noise))
        pretrain, online = losses
        assert pretrain.keys() == online.keys()
        torch.testing.assert_close(pretrain["loss/actor"], online["loss/actor"])
        supervised = 0.0 if method == alone else 0.25 * pretrain["loss/supervised"]
        torch.testing.assert_close(pretrain["loss/actor"], supervised + 0.5 * pretrain["loss/rl"])


@pytest.mark.parametrize("method", ["sac_odt", "awac_odt", "ppo_odt", "awr_odt"])
@pytest.mark.parametrize("published", [False, True])
def test_the_rl_term_takes_the_entropy_bonus_s_place(method: str, published: bool) -> None:
    options = {"initial_temperature": 10.0, "published_entropy": published}
    u = updater(method, **options)
    batch, own = batches(u)
    with_rl = u.actor_step(batch, "online", zero_noise, own)["loss/supervised"]
    without = updater(method, **options).actor_step(batch, "pretrain", zero_noise)
    bonus = 0 if published else 10 * without["policy/entropy"]  # as published, in pretraining too
    torch.testing.assert_close(without["loss/supervised"], with_rl - bonus)


@pytest.mark.parametrize("published", [False, True])
def test_beside_iql_the_entropy_bonus_stays_as_published(published: bool) -> None:
    options = {"initial_temperature": 10.0, "published_entropy": published}
    rows = {}
    for phase in ("pretrain", "online"):
        u = updater("iql_odt", **options)
        batch, _ = batches(u)
        rows[phase] = u.update(batch, phase, zero_noise)
    bonus = 0 if published else 10 * rows["online"]["policy/entropy"]
    torch.testing.assert_close(rows["online"]["loss/supervised"], rows["pretrain"]["loss/supervised"] + bonus)


@pytest.mark.parametrize(
    ("method", "published", "pretrain", "online"),
    [
        ("sac", True, True, True),
        ("awac", True, True, True),
        ("iql_dt", True, True, False),
        ("iql_odt", True, True, True),
        ("awr", True, False, False),
        ("ppo_odt", True, False, False),
        ("sac", False, True, True),
        ("iql_odt", False, True, False),
        ("awr", False, True, False),
        ("ppo_odt", False, True, False),
    ],
)
def test_the_temperature_is_learned_where_it_is_used(
    method: str, published: bool, pretrain: bool, online: bool
) -> None:
    for phase, learns in (("pretrain", pretrain), ("online", online)):
        u = updater(method, published_entropy=published)
        batch, own = batches(u)
        assert u.networks.log_temperature is not None
        before = u.networks.log_temperature.item()
        u.update(batch, phase, zero_noise, own if phase == "online" else None)
        assert (u.networks.log_temperature.item() != before) == learns


def test_one_critic_is_what_ddpg_has() -> None:
    u = updater("ddpg_odt")
    assert u.networks.critic is not None
    assert len(u.networks.critic.weights[0]) == 1
    batch = random_batch(LENGTHS)
    for _ in range(2):
        assert "loss/actor" in u.update(batch, "online", zero_noise)  # no delay


def test_larger_ensembles_take_the_smallest() -> None:
    u = updater("td3_odt", critic_members=5)
    critic, batch = u.networks.critic, random_batch(LENGTHS)
    assert critic is not None
    values = critic(batch.states, batch.actions)
    assert len(values) == 5
    torch.testing.assert_close(critic.smallest(batch.states, batch.actions), values.amin(0))
    assert not any(p.grad is not None for p in critic.parameters())


def test_ppo_s_recomputed_ratio_is_one_until_the_policy_moves() -> None:
    u = updater("ppo", learning_rate=1e-6, old_log_probs="recomputed")
    batch, own = batches(u)
    u.begin_iteration()
    first = u.actor_step(batch, "online", zero_noise, own)
    assert isinstance(own, ValuedBatch)
    torch.testing.assert_close(first["ppo/ratio_mean"], torch.tensor(1.0, dtype=torch.float64))
    torch.testing.assert_close(first["loss/rl"], -own.mean(own.advantages))
    second = u.actor_step(batch, "online", zero_noise, own)
    assert second["loss/rl"] < first["loss/rl"]
    u.begin_iteration()
    third = u.actor_step(batch, "online", zero_noise, own)
    torch.testing.assert_close(third["ppo/ratio_mean"], torch.tensor(1.0, dtype=torch.float64))


@pytest.mark.parametrize("published", [True, False])
def test_values_are_pretrained(published: bool) -> None:
    u = updater("awr", published_value_pretraining=published, critic_learning_rate=1e-2)
    batch, value = random_batch((6, 6)), u.networks.value
    assert value is not None
    values, next_values = value(batch.states), value(batch.next_states)
    discount = 1.0 if published else 0.99
    errors = values - batch.rewards - discount * (1 - batch.terminals) * next_values
    losses = [u.critic_step(batch, zero_noise).metrics["loss/critic"] for _ in range(40)]
    torch.testing.assert_close(losses[0], errors.square().mean().detach())
    assert not published or losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("sac_odt", {}),
        ("iql_odt", {"advantage_losses_over_padding": False}),
        ("awac_odt", {"normalize_advantages": True, "awac_entropy": "both"}),
        ("awac_odt", {"normalize_advantages": True, "advantage_losses_over_padding": False}),
        ("ppo_odt", {}),
        ("ppo_odt", {"old_log_probs": "recomputed"}),
        ("awr_odt", {"normalize_advantages": True}),
        ("awr_odt", {"normalize_advantages": True, "advantage_losses_over_padding": False}),
    ],
)
def test_learners_with_averaged_gradients_equal_one_with_the_whole_batch(
    method: str, options: dict[str, Any]
) -> None:
    whole = updater(method, rl_coefficient=1.0, **options)
    reduction = AllReduce(2)
    learners = [updater(method, reduction.of(rank), rl_coefficient=1.0, **options) for rank in range(2)]
    batch, own = batches(whole)
    rows = (slice(0, 2), slice(2, 4))
    threads = threading.active_count()
    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            whole.update(batch, "online", zero_noise, own)
            updates = [
                pool.submit(
                    u.update, part(batch, r), "online", zero_noise, None if own is None else part(own, r)
                )
                for u, r in zip(learners, rows, strict=True)
            ]
            for update in updates:
                update.result(timeout=30)
    for p, q, r in zip(*(u.networks.parameters() for u in (whole, *learners)), strict=True):
        assert torch.equal(q, r)
        torch.testing.assert_close(q, p)
    assert threading.active_count() == threads


@pytest.mark.parametrize("method", ["td3_bc", "iql"])
def test_a_perceptron_sees_the_state_alone(method: str) -> None:
    policy = updater(method).networks.policy.eval()
    assert isinstance(policy, MLPPolicy)
    states = torch.randn(3, 2, S, dtype=torch.float64)
    noise = torch.randn(3, 2, A, dtype=torch.float64)
    zeros = torch.zeros(3, 2, dtype=torch.float64)
    acted = policy.act(states, noise, zeros + 7, zeros.long())
    whole = policy(states, 0 * noise, zeros, zeros.long(), torch.ones(3, 2, dtype=torch.bool))
    assert acted.action.shape == (3, 1, A)
    torch.testing.assert_close(acted.action[:, 0], whole.action[:, 1])
    with pytest.raises(RuntimeError, match=r"call eval\(\)"):
        policy.train().act(states, noise, zeros, zeros.long())


def test_iql_s_gaussian_is_not_squashed() -> None:
    policy = updater("iql").networks.policy
    states = torch.randn(5, 1, S, dtype=torch.float64)
    zeros = torch.zeros(5, 1, dtype=torch.float64)
    distribution = policy(states, torch.zeros(5, 1, A), zeros, zeros.long(), zeros == 0).distribution
    assert distribution is not None
    actions = torch.rand(5, 1, A, dtype=torch.float64)
    expected = torch.distributions.Normal(distribution.mean_action, distribution.log_std.exp())
    torch.testing.assert_close(distribution.log_prob(actions), expected.log_prob(actions).sum(-1))
    assert (distribution.log_std == 0).all()
    assert distribution.sample(torch.full_like(actions, 9.0)).max() < 1


def test_td3_bc_weighs_q_by_its_size() -> None:
    u = updater("td3_bc", rl_coefficient=2.5)
    batch = random_batch((1, 1, 1, 1), K=1)
    assert u.networks.critic is not None
    output = u.networks.policy(*batch.context())
    values = u.networks.critic.first(batch.states, output.action)
    expected = (output.action - batch.actions).square().mean() - 2.5 * values.mean() / values.abs().mean()
    for phase in ("pretrain", "online"):
        fresh = updater("td3_bc", rl_coefficient=2.5)
        torch.testing.assert_close(
            fresh.actor_step(batch, phase, zero_noise)["loss/actor"], expected.detach()
        )


def test_shifted_contexts_have_the_published_timesteps_at_padding() -> None:
    """The release shifts timesteps with the segment: the last padded step gets the first real one's."""
    u = updater("td3_odt", timestep_embedding=True)
    timesteps = torch.tensor([[0, 1, 2, 3, 4, 5], [0, 0, 0, 7, 8, 9], [0, 0, 0, 0, 0, 4]])
    batch = replace(random_batch((6, 3, 1)), timesteps=timesteps)
    shifted = torch.tensor([[1, 2, 3, 4, 5, 6], [0, 0, 7, 8, 9, 10], [0, 0, 0, 0, 4, 5]])
    gradient = GRADIENTS["td3"](u.hyperparameters)
    assert isinstance(gradient, BellmanGradient)
    target = u.networks.target_policy
    assert target is not None
    with torch.no_grad():
        expected = target(
            batch.next_states,
            batch.shifted_actions(),
            batch.returns_to_go[:, 1:],
            shifted,
            torch.ones_like(batch.mask),
        )
    torch.testing.assert_close(gradient.next_output(u.networks, batch).action, expected.action)


def test_dropout_of_a_perceptron_follows_each_hidden_layer_and_spares_rollouts() -> None:
    torch.manual_seed(0)
    policy = MLPPolicy(S, A, settings(hidden_size=64, dropout=0.5), "stochastic").double()
    batch = random_batch((1,) * 4, K=1)
    inputs = batch.states, batch.actions, batch.returns_to_go[:, :-1], batch.timesteps
    kept = [policy(*inputs, batch.mask).action for _ in range(2)]
    assert not torch.equal(*kept)
    seen: list[Tensor] = []
    for layer in (policy.second, policy.head):
        layer.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    policy(*inputs, batch.mask)
    policy.eval()
    policy(*inputs, batch.mask)
    for dropped, whole in zip(seen[:1], seen[2:3], strict=True):  # of equal inputs
        alive = (whole > 0) & (dropped > 0)
        torch.testing.assert_close(dropped[alive], 2 * whole[alive])
    for dropped, whole in zip(seen[:2], seen[2:], strict=True):
        assert 0.35 < (dropped > 0).double().mean() / (whole > 0).double().mean() < 0.65
    assert torch.equal(policy.act(*inputs).action, policy.act(*inputs).action)
