"""TD3+ODT actor steps, and whole updates with delayed actor steps (golden files 3)."""

import pytest
import torch

from tests.parity import reference
from tests.parity.comparison import Comparison
from tests.parity.golden_files import GoldenFile
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.gradients.td3 import TD3
from vitamin.algorithms.lockstep import Lockstep
from vitamin.algorithms.methods import METHODS
from vitamin.algorithms.models.networks import Networks
from vitamin.algorithms.update import Updater


def _no_noise(shape: torch.Size) -> torch.Tensor:
    raise AssertionError("the deterministic actor step draws no noise")


def _compare_gradients(compare: Comparison, networks: Networks, gradients: list[torch.Tensor]) -> None:
    by_parameter = dict(zip(networks.policy.parameters(), gradients, strict=True))
    for name, gradient in reference.named(networks.policy, by_parameter.__getitem__):
        compare(f"grad/{name}", gradient)


def _rl_coefficient(updater: Updater, batch: SegmentBatch) -> torch.Tensor:
    """The coefficient of -Q in the actor loss."""
    gradient = TD3(updater.hyperparameters)
    output = updater.networks.policy(
        *batch.context(),
        padding="compute" if gradient.reads_padded_actions else "skip",
    )
    loss, metrics = gradient.actor_loss(updater.networks, batch, output, _no_noise)
    return updater.hyperparameters.rl_coefficient * loss / metrics["loss/rl"]


@pytest.mark.golden("td3_actor_ln")
def test_td3_actor_steps(golden: GoldenFile, compare: Comparison, dtype: torch.dtype) -> None:
    settings = reference.hyperparameters(golden, normalize_rl_coefficient="normcoeff" in golden.name)
    networks = reference.networks(golden, "td3_odt", settings, dtype)
    batch = reference.batch(golden.group("in"), dtype)
    unclipped: list[torch.Tensor] = []

    def keep(tensors: list[torch.Tensor]) -> None:
        unclipped[:] = [
            tensor.clone() for tensor in tensors
        ]  # gradients come last, after a loss's normalizer

    updater = Updater(networks, METHODS["td3_odt"], settings, Lockstep(average=keep))
    steps = sum(1 for key in golden if key.startswith("expected/loss_step"))
    for step in range(steps):
        compare(f"rl_coeff_step{step}", _rl_coefficient(updater, batch))
        metrics = updater.actor_step(batch, "online", _no_noise)
        networks.update_targets(settings.tau)
        if step == 0:
            _compare_gradients(compare, networks, unclipped)
        compare(f"loss_step{step}", metrics["loss/actor"])
        compare(f"rl_loss_step{step}", metrics["loss/rl"])
        compare(f"sup_loss_step{step}", metrics["loss/supervised"])
        compare(f"grad_norm_step{step}", metrics["gradient_norm/actor"])
        compare(
            f"lr_step{step}", torch.tensor(updater.optimizers["policy"].param_groups[0]["lr"], dtype=dtype)
        )
        reference.compare_weights(compare, golden, f"actor_after{step + 1}", networks.policy)
        reference.compare_weights(compare, golden, f"actor_target_after{step + 1}", networks.target_policy)
        reference.compare_weights(compare, golden, f"critic_target_after{step + 1}", networks.target_critic)


@pytest.mark.golden("td3_actor_suponly", "td3_actor_rlonly")
def test_td3_actor_step_with_one_term(golden: GoldenFile, compare: Comparison, dtype: torch.dtype) -> None:
    supervised_only = "suponly" in golden.name
    settings = reference.hyperparameters(
        golden,
        supervised_coefficient=1.0 if supervised_only else 0.0,
        rl_coefficient=0.0 if supervised_only else golden.config["rl_coefficient"],
    )
    networks = reference.networks(golden, "td3_odt", settings, dtype)
    batch = reference.batch(golden.group("in"), dtype)
    metrics = Updater(networks, METHODS["td3_odt"], settings).actor_step(batch, "online", _no_noise)
    compare("loss", metrics["loss/actor"])
    compare("sup_loss", metrics["loss/supervised"])
    compare("grad_norm", metrics["gradient_norm/actor"])
    if supervised_only:
        assert "loss/rl" not in metrics
        compare.skip(["rl_loss", "rl_coeff"])
    else:
        compare("rl_loss", metrics["loss/rl"])
        compare("rl_coeff", torch.tensor(settings.rl_coefficient, dtype=dtype))
        torch.testing.assert_close(metrics["loss/actor"], settings.rl_coefficient * metrics["loss/rl"])
    reference.compare_weights(compare, golden, "actor_after1", networks.policy)


@pytest.mark.golden("td3_sequence")
def test_updates_in_sequence(golden: GoldenFile, compare: Comparison, dtype: torch.dtype) -> None:
    settings = reference.hyperparameters(golden, actor_update_interval=2)
    networks = reference.networks(golden, "td3_odt", settings, dtype)
    updater = Updater(networks, METHODS["td3_odt"], settings)
    updates = len(golden.group("noise"))
    critic_losses, actor_rows = [], []
    for index in range(updates):
        batch = reference.batch(golden.group(f"in{index}"), dtype)
        noise = reference.replay_noise(golden[f"noise/iter{index}"], dtype=dtype)
        metrics = updater.update(batch, "online", noise)
        critic_losses.append(metrics["loss/critic"])
        if "loss/actor" in metrics:
            keys = ("loss/actor", "loss/rl", "loss/supervised", "gradient_norm/actor")
            actor_rows.append(torch.stack([metrics[key] for key in keys]))
    assert updater.critic_updates == updates
    assert updater.actor_updates == len(actor_rows)
    compare("critic_losses", torch.stack(critic_losses))
    compare("actor_loss_rl_sup_gradnorm", torch.stack(actor_rows))
    reference.compare_weights(compare, golden, "actor_after", networks.policy)
    reference.compare_weights(compare, golden, "actor_target_after", networks.target_policy)
    reference.compare_weights(compare, golden, "critic_after", networks.critic)
    reference.compare_weights(compare, golden, "critic_target_after", networks.target_critic)
