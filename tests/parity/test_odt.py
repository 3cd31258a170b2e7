"""Steps of the Online DT baseline: likelihood, entropy and temperature (golden files 4)."""

import pytest
import torch

from tests.parity import reference
from tests.parity.comparison import Comparison
from tests.parity.golden_files import GoldenFile
from vitamin.algorithms.gradients.td3 import TD3
from vitamin.algorithms.lockstep import Lockstep
from vitamin.algorithms.methods import Method
from vitamin.algorithms.update import Updater

ODT_WITH_CRITIC = Method(
    "odt_with_critic", "ODT", "stochastic", "td3", "the files give its Q values, at coefficient 0"
)


@pytest.mark.golden("odt_step")
def test_odt_steps(golden: GoldenFile, compare: Comparison, dtype: torch.dtype) -> None:
    settings = reference.hyperparameters(golden, rl_coefficient=0.0)
    networks = reference.networks(golden, ODT_WITH_CRITIC, settings, dtype)
    assert networks.log_temperature is not None
    with torch.no_grad():
        networks.log_temperature.copy_(torch.from_numpy(golden["log_temperature"]))
    batch = reference.batch(golden.group("in"), dtype)
    reduced: list[list[torch.Tensor]] = []
    updater = Updater(
        networks,
        ODT_WITH_CRITIC,
        settings,
        Lockstep(average=lambda gs: reduced.append([g.clone() for g in gs])),
    )
    for step in range(len(golden.group("noise"))):
        temperature = networks.log_temperature.detach().exp()
        output = networks.policy(*batch.context())
        compare(f"rl_loss_step{step}", TD3(settings).actor_loss(networks, batch, output, torch.randn)[0])
        compare(f"rl_coeff_step{step}", torch.tensor(settings.rl_coefficient))
        noise = reference.replay_noise(golden[f"noise/step{step}"], dtype=dtype)
        metrics = updater.actor_step(batch, "online", noise)
        compare(f"loss_step{step}", metrics["loss/actor"])
        compare(f"sup_loss_step{step}", metrics["loss/supervised"])
        compare(f"nll_step{step}", metrics["loss/supervised"] + temperature * metrics["policy/entropy"])
        compare(f"entropy_step{step}", metrics["policy/entropy"])
        compare(f"grad_norm_step{step}", metrics["gradient_norm/actor"])
        compare(f"log_temperature_after_step{step}", networks.log_temperature)
        reference.compare_weights(compare, golden, f"actor_after{step + 1}", networks.policy)
    by_parameter = dict(zip(networks.policy.parameters(), reduced[0], strict=True))
    for name, gradient in reference.named(networks.policy, by_parameter.__getitem__):
        compare(f"grad/{name}", gradient)
