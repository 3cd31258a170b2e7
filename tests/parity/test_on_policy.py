"""PPO, AWR and the pretraining of their value function (golden files 5)."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.parity import reference
from tests.parity.comparison import Comparison
from tests.parity.golden_files import GoldenFile
from vitamin.algorithms.data.segments import SegmentBatch, ValuedBatch
from vitamin.algorithms.data.valued_replay import td_lambda_targets
from vitamin.algorithms.gradients.advantages import advantage_weights, log_likelihood
from vitamin.algorithms.gradients.awr import AWR
from vitamin.algorithms.gradients.ppo import PPO
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import Method
from vitamin.algorithms.models.heads import PolicyOutput
from vitamin.algorithms.models.networks import Networks
from vitamin.algorithms.update import Updater

CONSTANTS = {
    "td_lambda": 0.98,
    "clip_ratio": 0.2,
    "inverse_temperature": 1.0,
    "max_advantage_weight": 20.0,
}
"""With which the published code was run; the files do not say."""


def _case(
    golden: GoldenFile, gradient: str, dtype: torch.dtype, **overrides: Any
) -> tuple[Updater, Networks, Hyperparameters]:
    method = Method(golden.name, golden.name, "stochastic", gradient, "a file")
    settings = reference.hyperparameters(golden, **CONSTANTS | overrides)
    networks = reference.networks(golden, method, settings, dtype)
    networks.copy_targets()
    return Updater(networks, method, settings), networks, settings


def _compare_targets(
    golden: GoldenFile, compare: Comparison, networks: Networks, settings: Hyperparameters, dtype: torch.dtype
) -> None:
    """V and TD(lambda) targets of the raw trajectories; observation statistics are those of the segments' file."""
    numbers = sorted(
        {int(key.split("/")[0].removeprefix("online_traj")) for key in golden if "online_traj" in key}
    )
    statistics = golden.sibling("segments_buffer")
    if statistics is None:
        names = ("V", "td_lambda_target")
        compare.skip([f"traj{number}_{name}" for number in numbers for name in names])
        return
    mean, std = statistics["state_mean"], statistics["state_std"]
    trajectories = [golden.group(f"online_traj{number}") for number in numbers]
    lengths = [len(trajectory["rewards"]) for trajectory in trajectories]

    def joined(name: str, steps: slice = slice(None)) -> Tensor:
        return torch.from_numpy(np.concatenate([t[name][steps] for t in trajectories]))

    def value(observations: Tensor) -> Tensor:
        assert networks.value is not None
        # The published code adds 1e-8 to a deviation that has its 1e-6 already.
        states = (observations.double() - torch.from_numpy(mean)) / (torch.from_numpy(std) + 1e-8)
        return networks.value(states.to(dtype)).detach()

    values = value(joined("observations"))
    targets = td_lambda_targets(
        joined("rewards").to(dtype),
        values,
        value(joined("next_observations", slice(-1, None))),
        joined("terminals").to(dtype),
        torch.tensor(lengths),
        discount=settings.discount,
        td_lambda=settings.td_lambda,
    )
    for number, of_one, target in zip(numbers, values.split(lengths), targets.split(lengths), strict=True):
        compare(f"traj{number}_V", of_one)
        compare(f"traj{number}_td_lambda_target", target)


def _online_batch(golden: GoldenFile, index: int, dtype: torch.dtype) -> ValuedBatch:
    """The online batch with the values and targets that the published code had for it."""
    segments = reference.batch(golden.group(f"online_batch{index}"), dtype)
    estimates = {
        ours: torch.from_numpy(golden[f"expected/online_batch{index}_{theirs}"][..., 0]).to(dtype)
        for ours, theirs in (("values", "V_old"), ("value_targets", "V_target"))
    }
    recorded = f"online_batch{index}/old_logprob"
    if recorded in golden:
        estimates["old_log_probs"] = torch.from_numpy(golden[recorded][..., 0]).to(dtype)
    estimates = {name: torch.where(segments.mask, column, 0.0) for name, column in estimates.items()}
    return ValuedBatch(**{f.name: getattr(segments, f.name) for f in fields(SegmentBatch)}, **estimates)


def _compare_actor_step(
    golden: GoldenFile, compare: Comparison, updater: Updater, online: ValuedBatch, dtype: torch.dtype
) -> None:
    networks = updater.networks
    offline = reference.batch(golden.group("offline"), dtype)
    output = networks.policy(*offline.context())
    compare("nll", -offline.mean(output.distribution.log_prob(offline.actions)))
    noise = reference.replay_noise(
        *(array for _, array in sorted(golden.group("noise").items())), dtype=dtype
    )
    metrics = updater.actor_step(offline, "online", noise, online)
    compare("loss", metrics["loss/actor"])
    compare("rl_loss", metrics["loss/rl"])
    compare("sup_loss", metrics["loss/supervised"])
    compare("grad_norm", metrics["gradient_norm/actor"])
    compare("entropy", metrics["policy/entropy"])
    reference.compare_weights(compare, golden, "actor_after1", networks.policy)


def _whole_output(networks: Networks, batch: SegmentBatch) -> PolicyOutput:
    """The policy at all positions, padded ones too, over which the published code averages what it logs."""
    output: PolicyOutput = networks.policy(
        *batch.context(),
        padding="compute",
    )
    return output


@pytest.mark.golden("rl_ppo")
def test_ppo_steps(golden: GoldenFile, compare: Comparison, dtype: torch.dtype) -> None:
    in_training = "in_training" in golden.name
    choice = "recomputed" if in_training else "recorded"
    updater, networks, settings = _case(golden, "ppo", dtype, old_log_probs=choice)
    _compare_targets(golden, compare, networks, settings, dtype)
    online = _online_batch(golden, 0, dtype)
    log_probs = log_likelihood(online, _whole_output(networks, online))
    compare("logprob", log_probs.mean())
    old = log_probs if in_training else PPO(settings).old_log_probs(networks, online)
    ratios = (log_probs - old).exp()
    compare("ratios", ratios.mean())
    compare("surr1", (ratios * online.advantages).mean())
    clip = settings.clip_ratio
    compare("surr2", (ratios.clamp(1 - clip, 1 + clip) * online.advantages).mean())
    _compare_actor_step(golden, compare, updater, online, dtype)
    compare("critic_loss", updater.critic_step(online, torch.randn).metrics["loss/critic"])
    reference.compare_critics(compare, "critic_after1", networks)
    compare.skip(["online_batch0_V_old", "online_batch0_V_target"])


@pytest.mark.golden("rl_awr")
def test_awr_steps(golden: GoldenFile, compare: Comparison, dtype: torch.dtype) -> None:
    normalize = "normadv" in golden.name
    updater, networks, settings = _case(golden, "awr", dtype, normalize_advantages=normalize)
    compare(
        "critic_loss",
        updater.critic_step(_online_batch(golden, 0, dtype), torch.randn).metrics["loss/critic"],
    )
    reference.compare_critics(compare, "critic_after1", networks)
    _compare_targets(golden, compare, networks, settings, dtype)  # the file's are those after the critic step
    online = _online_batch(golden, 1, dtype)
    advantages = online.advantages
    if normalize:
        advantages = AWR(settings).standardized(online, advantages)
    weights = advantage_weights(advantages, settings)
    compare("weight_max", weights.max())
    compare("weight_mean", weights.mean())
    _compare_actor_step(golden, compare, updater, online, dtype)
    compare.skip([f"online_batch{index}_{name}" for index in (0, 1) for name in ("V_old", "V_target")])


@pytest.mark.golden("rl_v_pretrain")
def test_pretraining_of_the_value_function(
    golden: GoldenFile, compare: Comparison, dtype: torch.dtype
) -> None:
    updater, networks, _ = _case(golden, "ppo", dtype)
    batch = reference.batch(golden.group("in"), dtype)
    assert networks.value is not None
    compare("V_mean", networks.value(batch.states).mean())
    compare("critic_loss", updater.critic_step(batch, torch.randn).metrics["loss/critic"])
    for name, gradient in reference.named_critics(networks, lambda p: p.grad):
        compare(f"grad/{name}", gradient)
    reference.compare_critics(compare, "critic_after1", networks)
