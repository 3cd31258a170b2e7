"""Every method of the table, end to end: the same data, environments, replay and checkpoints."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils import parameters_to_vector

from tests.algorithms.rllib.outcomes import digest, histories
from vitamin.algorithms.methods import METHODS
from vitamin.algorithms.rllib.config import OfflineToOnlineConfig
from vitamin.algorithms.rllib.learner import ReplayLearner
from vitamin.algorithms.rollouts.units import WorkUnit

pytestmark = pytest.mark.ray
MakeConfig = Callable[..., OfflineToOnlineConfig]

FAMILIES = ["td3", "ddpg_odt", "td3_bc", "iql", "sac_odt", "iql_odt", "awac", "ppo_odt", "ppo", "awr_odt"]
SHORT = {"pretrain_updates": 4}


def _parameters(learner: ReplayLearner) -> np.ndarray:
    return parameters_to_vector(learner.networks_module.parameters()).detach().numpy()


@pytest.mark.parametrize("method", FAMILIES)
def test_a_resumed_run_equals_one_that_was_left_alone(
    make_config: MakeConfig, method: str, tmp_path: Path
) -> None:
    config = make_config(method, **SHORT)
    algorithm = config.build_algo()
    (first, _), (second, _) = histories(algorithm, 2)
    assert (first["phase"], second["phase"]) == ("pretrain", "online")
    row = METHODS[method]
    assert ("loss/rl" in first) == (row.network == "mlp")
    assert "loss/rl" in second
    assert "loss/critic" in first
    algorithm.save_to_path(tmp_path)
    rest, end = histories(algorithm, 2), digest(algorithm)
    algorithm.stop()

    resumed = make_config(method, **SHORT).build_algo()
    resumed.restore_from_path(tmp_path)
    assert (histories(resumed, 2), digest(resumed)) == (rest, end)
    resumed.stop()


def test_the_pretrained_policy_guides_the_first_rollouts(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    curricula = {"jump_start_steps": 50, "curriculum_target_return": -900.0, "online_target_return": -100.0}
    algorithm = make_config("odt", **SHORT, **curricula, online_steps=4000).build_algo()
    assert algorithm.env_runner_group is not None
    runner, seen = algorithm.env_runner_group.local_env_runner, list[tuple[WorkUnit, bool]]()
    run = runner.run

    def watch(unit: WorkUnit, *arguments: Any) -> Any:
        result, networks = run(unit, *arguments), runner.module.networks
        if unit.purpose == "online":
            pairs = zip(networks.policy.parameters(), networks.reference_policy.parameters(), strict=True)
            seen.append((unit, all(torch.equal(own, guide) for own, guide in pairs)))
        return result

    monkeypatch.setattr(runner, "run", watch)
    records = [record for record, _ in histories(algorithm, 3)]
    algorithm.stop()
    (first, is_pretrained), (second, is_still_pretrained) = seen
    assert (first.jump_start_steps, first.target_return, is_pretrained) == (50, -900, True)
    assert (second.jump_start_steps, second.target_return) == (40, -740)  # after 400 of 2000 steps
    assert not is_still_pretrained
    assert [record.get("rollout/jump_start_steps") for record in records] == [None, 50, 40]
    assert [record.get("rollout/target_return") for record in records] == [None, -900, -740]


def test_a_restore_forgets_what_came_after_the_checkpoint(make_config: MakeConfig, tmp_path: Path) -> None:
    algorithm = make_config("ppo", old_log_probs="recorded").build_algo()
    histories(algorithm, 1)
    algorithm.save_to_path(tmp_path)
    rest, end = histories(algorithm, 1), digest(algorithm)
    histories(algorithm, 1)
    assert algorithm.progress.env_steps > 0
    algorithm.restore_from_path(tmp_path)
    assert (histories(algorithm, 1), digest(algorithm)) == (rest, end)
    algorithm.stop()


OPTIONS: dict[str, dict[str, Any]] = {
    "td3_odt": {
        "critic_network": "lstm",
        "critic_members": 3,
        "critic_subset": 2,
        "action_regularization": 0.5,
        "jump_start_steps": 50,
        "curriculum_target_return": -900.0,
        "update_to_data_ratio": 0.02,
    },
    "odt": {"return_conditioning": False, "jump_start_steps": 50, "action_regularization": 0.5},
}


@pytest.mark.parametrize("method", OPTIONS)
def test_options_are_part_of_what_is_resumed_and_of_what_env_runners_do(
    make_config: MakeConfig, method: str, tmp_path: Path
) -> None:
    options = SHORT | OPTIONS[method] | {"online_steps": 4000}
    algorithm = make_config(method, **options).build_algo()
    (_, _), (online, _) = histories(algorithm, 2)
    assert "loss/action_regularization" in online
    collected, updates = online["env_steps"], online["gradient_updates"] - 4
    assert updates == (math.ceil(0.02 * collected / 2) if method == "td3_odt" else 4)
    algorithm.save_to_path(tmp_path)
    rest, end = histories(algorithm, 2), digest(algorithm)
    algorithm.stop()
    resumed = make_config(method, runners=1, **options).build_algo()
    resumed.restore_from_path(tmp_path)
    assert (histories(resumed, 2), digest(resumed)) == (rest, end)
    resumed.stop()


@pytest.mark.slow
def test_learners_in_lockstep_make_one_learner_s_updates(make_config: MakeConfig) -> None:
    options = SHORT | {"updates_per_iteration": 1, "normalize_advantages": True}
    outcomes = []
    for learners in (0, 2):
        algorithm = make_config("awr_odt", learners=learners, **options).build_algo()
        histories(algorithm, 2)
        outcomes.append(algorithm.call_learners(_parameters))
        algorithm.stop()
    (alone,), (first, second) = outcomes
    assert (first == second).all()
    torch.testing.assert_close(torch.from_numpy(first), torch.from_numpy(alone), rtol=1e-3, atol=1e-4)
