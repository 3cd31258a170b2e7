"""A critic step and an actor step of TD3 with a stochastic policy, SAC, IQL and AWAC (golden files 5)."""

import re
from typing import Any

import numpy as np
import pytest
import torch

from tests.parity import reference
from tests.parity.comparison import Comparison
from tests.parity.golden_files import GoldenFile
from vitamin.algorithms.data.segments import SegmentBatch
from vitamin.algorithms.gradients import GRADIENTS
from vitamin.algorithms.gradients.bellman import BellmanGradient
from vitamin.algorithms.gradients.iql import IQL
from vitamin.algorithms.gradients.td3 import TD3
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.lockstep import Lockstep
from vitamin.algorithms.methods import Method
from vitamin.algorithms.models.networks import Networks
from vitamin.algorithms.update import Updater

CONSTANTS: dict[str, dict[str, Any]] = {
    "iql": {"expectile": float(np.float32(0.7)), "inverse_temperature": 3.0, "max_advantage_weight": 100.0},
    "awac": {"inverse_temperature": 1.0, "max_advantage_weight": 20.0},
}
"""With which the published code was run; the files do not say. It takes the expectile in float32 always."""

AWAC_ENTROPY = ("none", "critic", "both")

DETERMINISTIC_HAS_NONE = ("nll", "entropy")
"""Placeholders in the files of a deterministic policy."""


def _case(golden: GoldenFile) -> tuple[Method, Hyperparameters]:
    """The method and the settings of a file, from its name."""
    _, gradient, *options = golden.name.split("_")
    method = Method(
        golden.name, golden.name, "deterministic" if "det" in options else "stochastic", gradient, "a file"
    )
    overrides = dict(CONSTANTS.get(gradient, {}))
    overrides["normalize_advantages"] = "normadv" in options
    if gradient == "iql":  # an option of the published code beside this one
        overrides["published_entropy"] = "entropy_flag=1" in golden.config["files"][golden.name]
    if soft := re.search(r"soft(\d)", golden.name):
        overrides["awac_entropy"] = AWAC_ENTROPY[int(soft[1])]
    return method, reference.hyperparameters(golden, **overrides)


def _draws(golden: GoldenFile, group: str, dtype: torch.dtype) -> Any:
    return reference.replay_noise(*(array for _, array in sorted(golden.group(group).items())), dtype=dtype)


def _smaller_q(
    gradient: BellmanGradient, networks: Networks, batch: SegmentBatch, noise: Any
) -> torch.Tensor:
    """The values that the files call target_q_min; (B, K)."""
    assert networks.target_critic is not None
    if isinstance(gradient, TD3):
        return gradient.bellman_target(networks, batch, noise).next_values
    if isinstance(gradient, IQL):
        smaller: torch.Tensor = networks.target_critic(batch.states, batch.actions).amin(0)
        return smaller
    return gradient.sampled_next_values(networks, batch, noise, entropy=False)


@pytest.mark.golden("rl_td3", "rl_sac", "rl_iql", "rl_awac")
def test_off_policy_steps(golden: GoldenFile, compare: Comparison, dtype: torch.dtype) -> None:
    method, settings = _case(golden)
    networks = reference.networks(golden, method, settings, dtype)
    batch = reference.batch(golden.group("in"), dtype)
    real = reference.mask_of(golden.group("in"))
    reduced: list[list[torch.Tensor]] = []
    updater = Updater(
        networks, method, settings, Lockstep(average=lambda gs: reduced.append([g.clone() for g in gs]))
    )

    assert method.gradient is not None
    gradient = GRADIENTS[method.gradient](settings)
    assert isinstance(gradient, BellmanGradient)
    smaller = _smaller_q(gradient, networks, batch, _draws(golden, "noise_critic", dtype))
    compare("target_q_min", smaller[..., None], where=real)
    if isinstance(gradient, IQL):
        assert networks.value is not None
        compare("adv", (smaller - networks.value(batch.states))[..., None], where=real)

    critic_step = updater.critic_step(batch, _draws(golden, "noise_critic", dtype))
    critic = critic_step.metrics
    compare("critic_loss", critic["loss/critic"])
    compare("critic_grad_norm", critic["gradient_norm/critic"])
    if "loss/value" in critic:
        compare("v_loss", critic["loss/value"])
        compare("q_loss", critic["loss/critic"] - critic["loss/value"])
    reference.compare_critics(compare, "critic_after1", networks)

    noise = _draws(golden, "noise_actor", dtype)
    actor = updater.actor_step(batch, "online", noise, advantages=critic_step.advantages)
    networks.update_targets(settings.tau)
    compare("rl_coeff", torch.tensor(settings.rl_coefficient, dtype=dtype))
    compare("loss", actor["loss/actor"])
    compare("rl_loss", actor["loss/rl"])
    compare("sup_loss", actor["loss/supervised"])
    compare("grad_norm", actor["gradient_norm/actor"])
    if networks.log_temperature is None:
        compare.skip(DETERMINISTIC_HAS_NONE)
    else:
        output = reference.networks(golden, method, settings, dtype).policy(*batch.context())
        compare("nll", -batch.mean(output.distribution.log_prob(batch.actions)))
        compare("entropy", actor["policy/entropy"])
        compare("log_temperature_after", networks.log_temperature)
    reference.compare_weights(compare, golden, "actor_after1", networks.policy)
    reference.compare_weights(compare, golden, "actor_target_after1", networks.target_policy)
