"""The memory that settings need is counted before anything is built, and agrees with what is built."""

import pytest

from vitamin.algorithms.assembly import build_networks, build_policy
from vitamin.algorithms.footprint import footprint, network_size, policy_size
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import METHODS, get_method

S, A = 5, 2
SIZES = {"hidden_size": 24, "num_heads": 2, "critic_hidden_size": 10, "latent_size": 3, "future_length": 7}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "overrides",
    [
        {"num_layers": 1},
        {"num_layers": 5, "timestep_embedding": True, "max_timestep": 11},
        {"num_layers": 2, "critic_network": "lstm", "critic_members": 3, "action_regularization": 0.1},
    ],
)
def test_parameters_are_those_of_the_networks(method: str, overrides: dict[str, object]) -> None:
    settings = Hyperparameters(**SIZES | overrides | dict(get_method(method).fixed))
    networks = build_networks(S, A, get_method(method), settings)
    size = network_size(S, A, get_method(method), settings)
    trained = [tensor for tensor in networks.parameters() if tensor.requires_grad]
    frozen = [tensor for tensor in networks.parameters() if not tensor.requires_grad]
    assert size.trained == sum(tensor.numel() for tensor in trained)
    assert size.frozen == sum(tensor.numel() for tensor in frozen)
    assert size.buffers == sum(tensor.numel() for tensor in networks.buffers())
    assert size.tensors == len(trained) + len(frozen)
    policy = build_policy(S, A, get_method(method), settings)
    assert policy_size(S, A, get_method(method), settings).trained == sum(
        tensor.numel() for tensor in policy.parameters()
    )


@pytest.mark.parametrize("method", METHODS)
def test_any_size_is_counted_at_once(method: str) -> None:
    most = 10**18
    for name in ("num_layers", "context_length", "critic_members", "critic_hidden_size", "batch_size"):
        settings = Hyperparameters(**{name: most} | dict(get_method(method).fixed))
        needed = footprint(get_method(method), settings)
        assert needed.parameters > 0
    wide = Hyperparameters(hidden_size=most, num_heads=1, **dict(get_method(method).fixed))
    assert footprint(get_method(method), wide).of_learner["the networks"] > 2**63


def test_each_large_setting_makes_its_part_large() -> None:
    method = get_method("td3_odt")
    usual = footprint(method, Hyperparameters())
    for part, overrides in {
        "the networks": {"num_layers": 10_000},
        "a batch": {"batch_size": 10**9},
        "the replay": {"online_steps": 10**12, "replay_capacity": 10**12},
        "an iteration's steps": {"min_env_steps_per_iteration": 10**12},
        "the environments": {"envs_per_unit": 10**9},
        "an evaluation's episodes": {"eval_episodes": 10**12},
    }.items():
        needed = footprint(method, Hyperparameters(**overrides))
        before = {**usual.of_learner, **usual.elsewhere}[part]
        assert {**needed.of_learner, **needed.elsewhere}[part] > max(100 * before, 10**11)


def test_a_long_run_needs_no_more_than_a_short_one() -> None:
    method = get_method("td3_odt")
    long = Hyperparameters(online_steps=10**18, pretrain_updates=10**15, updates_per_iteration=10**9)
    assert footprint(method, long) == footprint(method, Hyperparameters())
