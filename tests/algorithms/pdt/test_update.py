"""PDT's updates: what each phase learns from, and what it moves."""

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.algorithms.batches import A, S
from tests.algorithms.pdt.test_losses import future_batch
from tests.algorithms.pdt.test_models import future_settings
from vitamin.algorithms.assembly import build_networks, build_updater
from vitamin.algorithms.methods import METHODS
from vitamin.algorithms.models.future_policy import FutureConditionedPolicy
from vitamin.algorithms.optimizers.lamb import Lamb
from vitamin.algorithms.pdt.losses import encode_futures, latent_divergence, return_loss
from vitamin.algorithms.pdt.update import FutureUpdater

PDT = METHODS["pdt"]


def steady(shape: torch.Size) -> Tensor:
    """Noise that is the same in every call."""
    return torch.linspace(-1, 1, shape.numel(), dtype=torch.float64).view(shape)


def updater(**overrides: Any) -> FutureUpdater:
    settings = future_settings(**{"return_warmup_updates": 2, "learning_rate": 0.1, **overrides})
    torch.manual_seed(0)
    networks = build_networks(S, A, PDT, settings).double().train()
    built = build_updater(networks, PDT, settings)
    assert isinstance(built, FutureUpdater)
    return built


def moved(before: dict[str, Tensor], after: FutureUpdater) -> set[str]:
    """Parts of the networks whose parameters changed."""
    return {
        ".".join(name.split(".")[:2])
        for name, value in before.items()
        if name in dict(after.networks.named_parameters())
        and not torch.equal(value, after.networks.state_dict()[name])
    }


def test_pretraining_does_not_look_at_rewards() -> None:
    batch = future_batch()
    rewarded = replace(batch, rewards=batch.rewards + 1, returns_to_go=batch.returns_to_go + 5)
    states = []
    for given in (batch, rewarded):
        trained = updater()
        for _ in range(2):
            metrics = trained.update(given, "pretrain", steady)
        states.append(trained.networks.state_dict())
        assert "loss/return" not in metrics
        assert not trained.networks.policy.selects
    torch.testing.assert_close(states[0], states[1], rtol=0, atol=0)


def test_pretraining_moves_everything_but_the_return_predictor() -> None:
    trained = updater()
    before = copy.deepcopy(trained.networks.state_dict())
    trained.update(future_batch(), "pretrain", steady)
    still = {
        name.split(".")[1]
        for name, value in before.items()
        if torch.equal(value, trained.networks.state_dict()[name])
    }
    assert "policy.return_head" not in moved(before, trained)
    assert {"policy.prior_head", "policy.embed_future", "policy.embed_state", "policy.head"} <= moved(
        before, trained
    )
    assert {"future_encoder.embed_state", "future_encoder.embed_action", "future_encoder.head"} <= moved(
        before, trained
    )
    assert "return_updates" in still


@pytest.mark.parametrize("warmup", [0, 2])
def test_online_the_return_predictor_warms_up_alone(warmup: int) -> None:
    trained = updater(return_warmup_updates=warmup)
    for step in range(warmup):
        before = copy.deepcopy(trained.networks.state_dict())
        metrics = trained.update(future_batch(), "online", steady)
        assert moved(before, trained) == {"policy.return_head"}
        assert set(metrics) == {"loss/return", "gradient_norm/return"}
        assert trained.networks.policy.selects is (step + 1 == warmup)
    before = copy.deepcopy(trained.networks.state_dict())
    metrics = trained.update(future_batch(), "online", steady)
    assert {"policy.return_head", "policy.prior_head", "future_encoder.head"} <= moved(before, trained)
    assert "loss/return" in metrics
    assert trained.actor_updates == 1
    assert trained.networks.policy.selects


def test_the_warmup_is_without_dropout_and_fine_tuning_with_it() -> None:
    quiet, dropped = (updater(dropout=p, embedding_dropout=p).networks for p in (0.0, 0.9))
    dropped.load_state_dict(quiet.state_dict())
    losses = []
    for networks, p in ((quiet, 0.0), (dropped, 0.9)):
        built = build_updater(networks, PDT, future_settings(return_warmup_updates=2, dropout=p))
        losses.append([built.update(future_batch(), "online", steady) for _ in range(3)])
        assert networks.training
        assert networks.future_encoder is not None
        assert networks.future_encoder.training
    for first, second in zip(*losses, strict=True):
        assert torch.equal(first["loss/return"], second["loss/return"]) == ("loss/actor" not in first)


def test_the_warmup_lowers_the_loss_of_the_return_predictor() -> None:
    trained = updater(return_warmup_updates=40, return_warmup_learning_rate=0.01)
    losses = [float(trained.update(future_batch(), "online", steady)["loss/return"]) for _ in range(40)]
    assert losses[-1] < losses[0] - 0.1


@pytest.mark.parametrize("phase", ["pretrain", "online"])
@pytest.mark.parametrize("over_padding", [False, True])
def test_the_loss_is_the_sum_of_its_terms(phase: Any, over_padding: bool) -> None:
    options = {
        "entropy_over_padding": over_padding,
        "supervised_coefficient": 0.5,
        "pretrain_supervised_coefficient": "online",
        "latent_kl_coefficient": 2.0,
    }
    trained = updater(return_warmup_updates=0, initial_temperature=0.7, **options)
    networks, batch, settings = copy.deepcopy(trained.networks), future_batch(), trained.hyperparameters
    metrics = trained.update(batch, phase, steady)

    policy = networks.policy
    assert isinstance(policy, FutureConditionedPolicy)
    assert networks.future_encoder is not None
    latents = encode_futures(networks.future_encoder, batch, steady(torch.Size((3, 6, 3))))
    output = policy(
        batch.states,
        batch.actions,
        latents.values,
        batch.timesteps,
        batch.mask,
        "compute" if over_padding else "skip",
    )
    entropies = output.distribution.entropy(steady(output.action.shape))
    entropy = entropies.mean() if over_padding else entropies[batch.mask].mean()
    likelihood = -output.distribution.log_prob(batch.actions)[batch.mask].mean()
    divergence, _ = latent_divergence(batch, latents.posterior, policy.prior(batch.states), settings)
    expected = 0.5 * (likelihood - 0.7 * entropy) + divergence
    if phase == "online":
        expected = expected + return_loss(batch, policy, latents.values)
    torch.testing.assert_close(metrics["loss/actor"], expected.detach(), rtol=1e-6, atol=1e-8)


def test_the_warmup_is_over_for_who_loads_the_weights() -> None:
    trained, fresh = updater(), updater()
    for _ in range(2):
        trained.update(future_batch(), "online", steady)
    fresh.networks.load_state_dict(trained.networks.state_dict())
    assert "loss/actor" in fresh.update(future_batch(), "online", steady)


def test_one_lamb_trains_policy_and_encoder() -> None:
    trained = updater()
    lamb = trained.optimizers["policy"]
    assert isinstance(lamb, Lamb)
    trains = {id(parameter) for group in lamb.param_groups for parameter in group["params"]}
    networks = trained.networks
    assert trains == {id(p) for name, p in networks.named_parameters() if name != "log_temperature"}
