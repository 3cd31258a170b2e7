"""An agent that is stepped from outside acts as an evaluation does, bit for bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vitamin
from tests.platform.agent_runs import make_run
from vitamin.errors import EnvironmentFailure, RunError, SettingsError, VitaminError
from vitamin.platform.environments import make_environment, make_raw_environment
from vitamin.platform.experiments.acting import ActingAgent, load_agent

CORRIDOR = "tests.platform.own_environments:Corridor-v0"
FIRST, SECOND = np.array([1.0, 0.0, 0.5]), np.array([0.9, 0.1, 0.6])


def episode(acting: ActingAgent) -> dict[str, np.ndarray]:
    """An episode in the task's environment as Gymnasium makes it, with the seed of an evaluation's first one."""
    environment = make_raw_environment(acting.agent.task)
    seed = int(acting._rng.integers(2**31, size=1)[0])
    observation, _ = environment.reset(seed=seed)
    observations, rewards, ended, reward = [observation], [], False, None
    while not ended:
        action = acting.act(observation, reward)
        assert environment.action_space.contains(action)
        observation, reward, terminated, truncated, _ = environment.step(action)
        observations.append(observation)
        rewards.append(reward)
        ended = terminated or truncated
    environment.close()
    return {"observations": np.array(observations), "rewards": np.array(rewards, np.float32)}


@pytest.mark.parametrize(
    ("task", "method", "overrides"),
    [
        ("Pendulum-v1", "td3_odt", {}),
        ("Pendulum-v1", "td3_odt", {"reward_delay": 3, "reward_shift": 1.0, "return_scale": 0.1}),
        ("Pendulum-v1", "odt", {"timestep_embedding": True, "max_timestep": 50, "eval_context_length": 2}),
        ("Pendulum-v1", "odt", {"return_conditioning": False}),
        ("Pendulum-v1", "iql", {}),
        ("Pendulum-v1", "pdt", {}),
        (CORRIDOR, "td3_odt", {"eval_target_return": 30.0}),
    ],
    ids=["td3_odt", "delayed and shifted rewards", "timesteps", "cloning", "mlp", "latents", "other bounds"],
)
def test_an_episode_is_that_of_an_evaluation(
    tmp_path: Path, task: str, method: str, overrides: dict[str, Any]
) -> None:
    make_run(tmp_path / "run", task=task, method=method, overrides=overrides)
    acting = load_agent(tmp_path / "run", seed=3)
    environment = make_environment(acting.agent.task)
    expected = acting.agent.rollout([environment], seed=3, unit=0, target_return=None)
    environment.close()
    found = episode(acting)
    np.testing.assert_array_equal(found["rewards"], expected.rewards)
    np.testing.assert_array_equal(found["observations"][:-1], expected.observations)
    np.testing.assert_array_equal(found["observations"][-1], expected.next_observations[-1])


def test_rewards_matter_and_reset_begins_anew(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    acting = load_agent(tmp_path / "run")
    first, second = acting.act(FIRST), acting.act(SECOND, -1.0)
    acting.reset()
    np.testing.assert_array_equal(acting.act(FIRST), first)
    assert (acting.act(SECOND, -500.0) != second).any()
    assert (load_agent(tmp_path / "run", target_return=100.0).act(FIRST) != first).any()
    assert (load_agent(tmp_path / "run", checkpoint=2).act(FIRST) != first).any()


def test_what_cannot_be_acted_on_is_refused(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    acting = load_agent(tmp_path / "run")
    with pytest.raises(VitaminError, match="has no reward before it"):
        acting.act(FIRST, 0.0)
    for observation, words in (
        (FIRST[:2], r"shape \(3,\), not \(2,\)"),
        ([1.0, float("nan"), 0.0], "not finite"),
        ([[1.0], 2.0, "x"], "not an array of numbers"),
    ):
        with pytest.raises(EnvironmentFailure, match=words):
            acting.act(observation)
    acting.act(FIRST)
    with pytest.raises(VitaminError, match=r"act\(observation, reward\)"):
        acting.act(SECOND)
    with pytest.raises(EnvironmentFailure, match="The reward is nan"):
        acting.act(SECOND, float("nan"))
    with pytest.raises(SettingsError, match="seed"):
        load_agent(tmp_path / "run", seed=-1)
    with pytest.raises(RunError, match="no run folder"):
        load_agent(tmp_path / "other")


def test_a_policy_that_is_blind_to_returns_needs_no_rewards(tmp_path: Path) -> None:
    make_run(tmp_path / "run", method="iql")
    with_rewards, without = load_agent(tmp_path / "run"), vitamin.load_agent(str(tmp_path / "run"))
    np.testing.assert_array_equal(with_rewards.act(FIRST), without.act(FIRST))
    np.testing.assert_array_equal(with_rewards.act(SECOND, -3.0), without.act(SECOND))
    with pytest.raises(SettingsError, match="does not look at returns-to-go"):
        load_agent(tmp_path / "run", target_return=1.0)
