import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.algorithms.batches import A, S, random_batch, settings
from vitamin.algorithms.assembly import build_networks
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.gradients.td3 import TD3
from vitamin.algorithms.lockstep import ALONE, Lockstep
from vitamin.algorithms.methods import METHODS
from vitamin.algorithms.update import Updater

EVERY_UPDATE = {"loss/critic", "q/mean", "q/target_mean", "gradient_norm/critic"}
ACTOR = {"loss/supervised", "loss/actor", "gradient_norm/actor"}


def zero_noise(shape: torch.Size) -> Tensor:
    return torch.zeros(shape, dtype=torch.float64)


def updater(
    method: str = "td3_odt",
    dtype: torch.dtype = torch.float64,
    lockstep: Lockstep = ALONE,
    **overrides: Any,
) -> Updater:
    torch.manual_seed(0)
    chosen = settings(**overrides)
    networks = build_networks(S, A, METHODS[method], chosen).to(dtype).train()
    return Updater(networks, METHODS[method], chosen, lockstep)


def weights(module: torch.nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in module.parameters()]


def moved(before: list[Tensor], module: torch.nn.Module) -> bool:
    return any(not torch.equal(old, new) for old, new in zip(before, module.parameters(), strict=True))


def test_actor_steps_are_delayed_and_targets_wait_for_them() -> None:
    u = updater(actor_update_interval=3)
    networks, batch = u.networks, random_batch((6, 2))
    assert networks.critic is not None
    assert networks.target_critic is not None
    for update in range(7):
        policy, critic, target = (
            weights(networks.policy),
            weights(networks.critic),
            weights(networks.target_critic),
        )
        metrics = u.update(batch, "online", zero_noise)
        due = update % 3 == 0
        assert moved(critic, networks.critic)
        assert moved(policy, networks.policy) is due
        assert moved(target, networks.target_critic) is due
        assert set(metrics) == EVERY_UPDATE | (ACTOR | {"loss/rl"} if due else set())
    assert (u.critic_updates, u.actor_updates) == (7, 3)


def test_a_method_without_critic_takes_an_actor_step_each_time() -> None:
    u = updater("odt")
    for _ in range(3):
        metrics = u.update(random_batch((6, 2)), "online", zero_noise)
    assert set(metrics) == ACTOR | {"policy/entropy", "policy/temperature"}
    assert (u.critic_updates, u.actor_updates) == (0, 3)
    assert set(u.optimizers) == {"policy", "temperature"}
    assert set(updater().optimizers) == {"policy", "critic"}


def test_metrics_are_detached_scalars() -> None:
    for method in ("td3_odt", "odt"):
        for value in updater(method).update(random_batch((6, 2)), "online", zero_noise).values():
            assert value.shape == ()
            assert not value.requires_grad


def test_the_phase_chooses_the_coefficient() -> None:
    batch = random_batch((6, 3))
    online = updater(rl_coefficient=0.5).actor_step(batch, "online", zero_noise)
    pretrain = updater(rl_coefficient=0.5).actor_step(batch, "pretrain", zero_noise)
    assert "loss/rl" not in pretrain
    torch.testing.assert_close(pretrain["loss/actor"], online["loss/supervised"])
    torch.testing.assert_close(online["loss/actor"], online["loss/supervised"] + 0.5 * online["loss/rl"])
    both = updater(pretrain_rl_coefficient=0.2).actor_step(batch, "pretrain", zero_noise)
    torch.testing.assert_close(both["loss/actor"], both["loss/supervised"] + 0.2 * both["loss/rl"])
    lighter = updater(supervised_coefficient=0.5, pretrain_supervised_coefficient=3.0)
    row = lighter.actor_step(batch, "pretrain", zero_noise)
    torch.testing.assert_close(row["loss/actor"], 3 * row["loss/supervised"])


def test_the_rl_term_raises_the_value_of_the_policys_actions() -> None:
    u = updater(supervised_coefficient=0.0, rl_coefficient=1.0, learning_rate=1e-2)
    batch = random_batch((6, 3))
    losses = [u.actor_step(batch, "online", zero_noise)["loss/rl"] for _ in range(100)]
    assert losses[-1] < losses[0] - 0.02


def test_the_supervised_terms_fit_the_batch() -> None:
    for method in ("td3_odt", "odt"):
        u = updater(method, learning_rate=3e-3)
        batch = random_batch((6, 3))
        losses = [u.actor_step(batch, "pretrain", zero_noise)["loss/supervised"] for _ in range(60)]
        assert losses[-1] < 0.7 * losses[0]


def test_critics_fit_their_target() -> None:
    u = updater(critic_learning_rate=1e-2)
    batch = random_batch((6, 3))
    losses = [u.critic_step(batch, zero_noise).metrics["loss/critic"] for _ in range(60)]
    assert losses[-1] < 0.3 * losses[0]


def test_the_step_size_warms_up_linearly() -> None:
    u = updater(warmup_updates=4, learning_rate=0.1)
    rates = []
    for _ in range(6):
        u.actor_step(random_batch((6,)), "pretrain", zero_noise)
        rates.append(u.optimizers["policy"].param_groups[0]["lr"])
    assert rates == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1, 0.1])


class AllReduce:
    """Averages gradients over learners that run in threads."""

    def __init__(self, learners: int) -> None:
        self._barrier = threading.Barrier(learners)
        self._sent: list[list[Tensor]] = [[] for _ in range(learners)]

    def of(self, rank: int) -> Lockstep:
        def average(gradients: list[Tensor]) -> None:
            self._sent[rank] = [gradient.clone() for gradient in gradients]
            self._barrier.wait()
            for gradient, copies in zip(gradients, zip(*self._sent, strict=True), strict=True):
                gradient.copy_(torch.stack(copies).mean(0))
            self._barrier.wait()

        return Lockstep(rank, len(self._sent), average)


@pytest.mark.parametrize("over_padding", [False, True])
@pytest.mark.parametrize(("method", "normalize"), [("td3_odt", False), ("td3_odt", True), ("odt", False)])
def test_learners_with_averaged_gradients_equal_one_with_the_whole_batch(
    method: str, normalize: bool, over_padding: bool
) -> None:
    options = {
        "critic_loss_over_padding": over_padding,
        "entropy_over_padding": over_padding,
        "rl_coefficient": 1.0,
        "normalize_rl_coefficient": normalize,
        "normalizer_over_padding": over_padding,
    }
    batch = random_batch((6, 2, 5, 1))
    halves = [
        SegmentBatch(**{k: v[rows] if isinstance(v, Tensor) else v / 2 for k, v in vars(batch).items()})
        for rows in (slice(0, 2), slice(2, 4))
    ]
    whole = updater(method, **options)
    reduction = AllReduce(2)
    learners = [updater(method, lockstep=reduction.of(rank), **options) for rank in range(2)]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            whole.update(batch, "online", zero_noise)
            updates = [
                pool.submit(u.update, part, "online", zero_noise)
                for u, part in zip(learners, halves, strict=True)
            ]
            for update in updates:
                update.result(timeout=30)
    for p, q, r in zip(*(u.networks.parameters() for u in (whole, *learners)), strict=True):
        assert torch.equal(q, r)
        torch.testing.assert_close(q, p)


def test_gradients_are_clipped_after_they_are_averaged() -> None:
    seen: list[list[Tensor]] = []

    def enlarge(gradients: list[Tensor]) -> None:
        seen.append(gradients)
        for gradient in gradients:
            gradient.mul_(1000)

    u = updater(gradient_clip=0.5, lockstep=Lockstep(average=enlarge))
    metrics = u.actor_step(random_batch((6, 3)), "online", zero_noise)
    assert metrics["gradient_norm/actor"] > 10
    total = torch.stack([gradient.norm() for gradient in seen[0]]).norm()
    torch.testing.assert_close(total, torch.tensor(0.5, dtype=torch.float64), rtol=1e-4, atol=0)


def test_the_temperature_falls_while_the_entropy_is_above_its_target() -> None:
    batch = random_batch((6, 3))
    for bias, falls in ((0.0, True), (-20.0, False)):  # -20: the std is near exp(-5)
        u = updater("odt", temperature_learning_rate=0.1)
        with torch.no_grad():
            u.networks.policy.head.loc.weight.zero_()
            u.networks.policy.head.log_std.weight.zero_()
            u.networks.policy.head.log_std.bias.fill_(bias)
        assert u.networks.log_temperature is not None
        before = u.networks.log_temperature.item()
        metrics = u.actor_step(batch, "pretrain", zero_noise)
        assert (metrics["policy/entropy"] > -A) == falls
        assert (u.networks.log_temperature.item() < before) == falls


def test_what_padding_counts_for_can_be_chosen() -> None:
    batch = random_batch((6, 1))
    for option, method, key in (
        ("critic_loss_over_padding", "td3_odt", "loss/critic"),
        ("target_attends_padding", "td3_odt", "loss/critic"),
        ("entropy_over_padding", "odt", "policy/entropy"),
    ):
        values = []
        for choice in (True, False):
            u = updater(method, **{option: choice})
            with torch.no_grad():
                for parameter in u.networks.parameters():
                    rng = torch.Generator().manual_seed(1)
                    parameter.add_(torch.randn(parameter.shape, generator=rng), alpha=0.05)
            values.append(u.update(batch, "online", zero_noise)[key])
        assert not torch.allclose(*values), option

    over, real = (
        updater(critic_loss_over_padding=choice).critic_step(batch, zero_noise).metrics["loss/critic"]
        for choice in (True, False)
    )
    torch.testing.assert_close(over * batch.mask.numel(), real * batch.real_count)


@pytest.mark.parametrize("over_padding", [False, True])
def test_the_coefficient_can_be_normalized_by_the_size_of_q(over_padding: bool) -> None:
    batch = random_batch((6, 1))
    u = updater(normalize_rl_coefficient=True, normalizer_over_padding=over_padding, rl_coefficient=2.0)
    assert u.networks.critic is not None
    output = u.networks.policy(
        *batch.context(),
        padding="compute" if over_padding else "skip",
    )
    sizes = u.networks.critic.first(batch.states, output.action).abs().detach()
    size = sizes.mean() if over_padding else sizes[batch.mask].mean()
    metrics = u.actor_step(batch, "online", zero_noise)
    torch.testing.assert_close(
        metrics["loss/actor"], metrics["loss/supervised"] + 2 * metrics["loss/rl"] / size
    )


def test_targets_use_the_smaller_critic_clipped_noise_and_no_value_after_termination() -> None:
    batch = random_batch((6, 6))
    u = updater(target_policy_noise=0.2, target_noise_clip=0.5)
    networks = u.networks
    assert networks.target_critic is not None
    gradient = TD3(u.hyperparameters)

    quiet = gradient.bellman_target(networks, batch, zero_noise)
    loud = gradient.bellman_target(
        networks, batch, lambda shape: torch.full(shape, 100.0, dtype=torch.float64)
    )
    torch.testing.assert_close(loud.smoothed, (quiet.next_actions + 0.5).clamp(max=1 - 1e-6))
    assert (quiet.smoothed == quiet.next_actions).all()
    smaller = networks.target_critic(batch.next_states, quiet.smoothed).min(0).values
    continues = 1 - batch.terminals
    torch.testing.assert_close(quiet.values, batch.rewards + 0.99 * continues * smaller)
    ended = gradient.bellman_target(
        networks, replace(batch, terminals=torch.ones_like(batch.terminals)), zero_noise
    )
    torch.testing.assert_close(ended.values, batch.rewards)


def test_next_actions_are_those_of_the_contexts_that_end_in_the_next_states() -> None:
    batch = random_batch((6, 6))
    u = updater()
    target = u.networks.target_policy
    assert target is not None
    next_actions = TD3(u.hyperparameters).bellman_target(u.networks, batch, zero_noise).next_actions
    for t in range(6):
        context = slice(1, t + 2)
        states = torch.cat([batch.next_states[:, :t], batch.next_states[:, t : t + 1]], 1)
        actions = torch.cat([batch.actions[:, 1 : t + 1], torch.zeros(2, 1, A, dtype=torch.float64)], 1)
        expected = target.act(
            states, actions, batch.returns_to_go[:, context], batch.timesteps[:, : t + 1] + 1
        )
        torch.testing.assert_close(next_actions[:, t : t + 1], expected.action)


@pytest.mark.parametrize("method", ["td3_odt", "odt"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_updates_run_in_both_precisions_with_dropout(method: str, precision: str) -> None:
    u = updater(method, torch.float32, precision=precision, dropout=0.1, embedding_dropout=0.1)
    batch = random_batch((6, 1, 4), dtype=torch.float32)
    for _ in range(2):
        metrics = u.update(batch, "online", torch.randn)
        assert all(value.dtype is torch.float32 and value.isfinite() for value in metrics.values())
    assert all(parameter.dtype is torch.float32 for parameter in u.networks.parameters())


def test_bfloat16_gradients_point_where_float32_ones_do() -> None:
    gradients = []
    batch = random_batch((6, 1, 4), dtype=torch.float32)
    for precision in ("float32", "bfloat16"):
        u = updater("td3_odt", torch.float32, precision=precision, rl_coefficient=1.0)
        u.actor_step(batch, "online", zero_noise)
        gradients.append(
            torch.cat([p.grad.flatten() for p in u.networks.policy.parameters() if p.grad is not None])
        )
    assert torch.cosine_similarity(*gradients, dim=0) > 0.98


@pytest.mark.parametrize("method", ["td3_odt", "odt", "td3"])
def test_online_the_policy_is_held_to_the_pretrained_one(method: str) -> None:
    batch, distances = random_batch((6, 2)), {}
    for weight in (1e-9, 300.0):
        u = updater(method, action_regularization=weight, learning_rate=0.002)
        for _ in range(4):
            assert "loss/action_regularization" not in u.update(batch, "pretrain", zero_noise)
        u.networks.copy_reference()
        rows = [u.actor_step(batch, "online", zero_noise) for _ in range(100)]
        distances[weight] = [row["loss/action_regularization"].item() for row in rows]
        assert distances[weight][0] < 1e-20  # it begins where pretraining ended
    assert 0 < distances[300.0][-1] < 0.5 * distances[1e-9][-1]


def test_the_distance_is_to_the_actions_as_the_online_phase_began() -> None:
    batch, u = (
        random_batch((6, 2)),
        updater(action_regularization=2.0, rl_coefficient=0.0, learning_rate=0.01),
    )
    u.begin_phase()
    reference, policy = u.networks.reference_policy, u.networks.policy
    assert reference is not None
    assert not any(parameter.requires_grad for parameter in reference.parameters())
    for _ in range(3):
        u.actor_step(batch, "online", zero_noise)
    u.networks.train()
    assert not reference.training
    inputs = batch.context()
    distance = batch.mean((policy(*inputs).action - reference(*inputs).action).square().mean(-1)).detach()
    row = u.actor_step(batch, "online", zero_noise)
    torch.testing.assert_close(row["loss/action_regularization"], distance)
    torch.testing.assert_close(row["loss/actor"], row["loss/supervised"] + 2 * distance)
