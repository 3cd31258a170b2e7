"""TD3 critic steps (golden files 2)."""

import pytest
import torch

from tests.parity import reference
from tests.parity.comparison import Comparison
from tests.parity.golden_files import GoldenFile
from vitamin.algorithms.gradients.td3 import TD3
from vitamin.algorithms.methods import METHODS
from vitamin.algorithms.update import Updater


@pytest.mark.golden("td3_critic_")
def test_td3_critic_steps(golden: GoldenFile, compare: Comparison, dtype: torch.dtype) -> None:
    settings = reference.hyperparameters(golden)
    networks = reference.networks(golden, "td3_odt", settings, dtype)
    batch = reference.batch(golden.group("in"), dtype)
    real = reference.mask_of(golden.group("in"))
    critic = networks.critic
    assert critic is not None

    target = TD3(settings).bellman_target(
        networks, batch, reference.replay_noise(golden["noise/step0"], dtype=dtype)
    )
    compare("next_action_target_actor", target.next_actions, where=real)
    compare("next_action_smoothed", target.smoothed, where=real)
    compare("target_q_min", target.next_values[..., None], where=real)
    compare("bellman_target", target.values[..., None], where=real)
    values = critic.first(batch.states, batch.actions)
    compare("q1", values[..., None], where=real)
    compare("q1_mean_all", values.mean())
    compare("q1_std_all", values.std())

    updater = Updater(networks, METHODS["td3_odt"], settings)
    steps = len(golden.group("noise"))
    for step in range(steps):
        noise = reference.replay_noise(golden[f"noise/step{step}"], dtype=dtype)
        metrics = updater.critic_step(batch, noise).metrics
        compare(f"loss_step{step}", metrics["loss/critic"])
        if step == 0:
            for name, gradient in reference.named(critic, lambda p: p.grad):
                compare(f"grad/{name}", gradient)
        if golden.group(f"expected/critic_after{step + 1}"):
            for name, weight in reference.named(critic, lambda p: p):
                compare(f"critic_after{step + 1}/{name}", weight)
