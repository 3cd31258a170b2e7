import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray import tune

from vitamin.algorithms.rllib.algorithm import OfflineToOnline
from vitamin.algorithms.rllib.config import OfflineToOnlineConfig
from vitamin.errors import Diverged, RunError, WorkerFailure

pytestmark = pytest.mark.ray
MakeConfig = Callable[..., OfflineToOnlineConfig]


def _history(algorithm: OfflineToOnline, iterations: int) -> list[Any]:
    history = []
    for _ in range(iterations):
        algorithm.train()
        record = {name: value for name, value in algorithm.record.items() if not name.startswith("time/")}
        history.append((record, algorithm.evaluation))
    return history


def _digest(algorithm: OfflineToOnline) -> str:
    return algorithm.call_learners(lambda learner: learner.digest())[0]


@pytest.mark.parametrize("method", ["td3_odt", "odt"])
def test_phases_counters_and_metrics(make_config: MakeConfig, method: str) -> None:
    algorithm = make_config(method).build_algo()
    (first, none), (second, pretrained), (third, tuned) = _history(algorithm, 3)
    assert (first["phase"], second["phase"], third["phase"]) == ("pretrain", "pretrain", "online")
    assert none is not None  # the tiny preset evaluates every iteration
    assert pretrained.env_steps == 0
    assert pretrained.gradient_updates == 8
    assert tuned.env_steps == third["env_steps"] == 400  # one unit of two episodes of 200 steps
    assert third["gradient_updates"] == 12
    assert len(tuned.returns) == 2
    assert ("loss/critic" in third) == (method == "td3_odt")
    assert third["replay/trajectories"] > second["replay/trajectories"]
    result = algorithm.train()
    assert result["evaluation"]["return_mean"] < 0
    assert result["env_runners"]["episode_return_mean"] == algorithm.record["rollout/return_mean"]
    algorithm.stop()


def test_result_does_not_depend_on_the_number_of_env_runners(make_config: MakeConfig) -> None:
    outcomes = []
    for runners in (0, 1, 2):
        algorithm = make_config(runners=runners, min_env_steps_per_iteration=1000).build_algo()
        outcomes.append((_history(algorithm, 4), _digest(algorithm)))
        algorithm.stop()
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert outcomes[0][0][3][0]["env_steps"] == 2400  # three units of 400 steps an iteration


def test_learner_and_env_runners_are_processes_of_their_own(make_config: MakeConfig) -> None:
    algorithm = make_config(runners=2, learners=1).build_algo()
    _history(algorithm, 3)
    runners = algorithm.env_runner_group.foreach_env_runner(
        lambda runner: os.getpid(), local_env_runner=False
    )
    learners = algorithm.call_learners(lambda learner: os.getpid())
    assert len({os.getpid(), *runners, *learners}) == 4
    algorithm.stop()


def test_killed_env_runner_changes_nothing(make_config: MakeConfig) -> None:
    reference = make_config(runners=2, min_env_steps_per_iteration=1000).build_algo()
    expected = (_history(reference, 5), _digest(reference))
    reference.stop()
    algorithm = make_config(runners=2, min_env_steps_per_iteration=1000).build_algo()
    history = _history(algorithm, 3)
    pids = algorithm.env_runner_group.foreach_env_runner(lambda runner: os.getpid(), local_env_runner=False)
    os.kill(pids[0], signal.SIGKILL)
    history += _history(algorithm, 2)
    assert (history, _digest(algorithm)) == expected
    algorithm.stop()


def test_unit_whose_data_died_with_its_runner_is_computed_again(make_config: MakeConfig) -> None:
    reference = make_config(runners=1).build_algo()
    expected = (_history(reference, 3), _digest(reference))
    reference.stop()
    algorithm = make_config(runners=1).build_algo()
    history = _history(algorithm, 2)
    stage, kills = algorithm._stage, []

    def kill_then_stage(results: list[Any]) -> None:
        pid = algorithm.env_runner_group.foreach_env_runner(
            lambda runner: os.getpid(), local_env_runner=False
        )[0]
        kills.append(pid)
        os.kill(pid, signal.SIGKILL)
        time.sleep(1)
        stage(results)

    algorithm._stage = kill_then_stage  # type: ignore[method-assign]
    history += _history(algorithm, 1)
    assert kills
    assert (history, _digest(algorithm)) == expected
    algorithm.stop()


def test_dead_learner_ends_the_run_clearly(make_config: MakeConfig) -> None:
    algorithm = make_config(learners=1).build_algo()
    os.kill(algorithm.call_learners(lambda learner: os.getpid())[0], signal.SIGKILL)
    with pytest.raises(WorkerFailure, match="learner died"):
        algorithm.train()
    algorithm.stop()


@pytest.mark.parametrize("learners", [0, 1])
def test_nan_is_reported_as_divergence(make_config: MakeConfig, learners: int) -> None:
    algorithm = make_config(learners=learners).build_algo()

    def poison(learner: Any) -> None:
        next(learner.networks_module.networks.critic.parameters()).data.fill_(np.nan)

    algorithm.call_learners(poison)
    with pytest.raises(Diverged, match=r"critic.* became NaN"):
        algorithm.train()
    algorithm.stop()


@pytest.mark.parametrize("learners", [0, 1])
def test_checkpoint_continues_bit_for_bit(make_config: MakeConfig, tmp_path: Path, learners: int) -> None:
    reference = make_config(learners=learners).build_algo()
    expected = (_history(reference, 6), _digest(reference))
    reference.stop()
    first = make_config(learners=learners).build_algo()
    history = _history(first, 4)
    first.save_to_path(tmp_path / "checkpoint")
    first.stop()
    second = OfflineToOnline.from_checkpoint(str(tmp_path / "checkpoint"))
    history += _history(second, 2)
    assert (history, _digest(second)) == expected
    second.restore_from_path(tmp_path / "checkpoint")  # in place, after the replay has gone on
    assert _history(second, 2) == history[4:]
    second.stop()


def test_checkpoint_of_other_networks_is_refused(make_config: MakeConfig, tmp_path: Path) -> None:
    algorithm = make_config().build_algo()
    algorithm.save_to_path(tmp_path)
    algorithm.stop()
    other = make_config(hidden_size=32).build_algo()
    with pytest.raises(RunError, match="other shapes"):
        other.restore_from_path(tmp_path)
    other.stop()


def test_two_learners_stay_in_step_and_equal_one(make_config: MakeConfig) -> None:
    settings = {
        "pretrain_updates": 25,
        "pretrain_updates_per_iteration": 25,
        "learning_rate": 1e-3,
        "batch_size": 16,
    }
    vectors = {}
    for learners in (1, 2):
        algorithm = make_config(learners=learners, **settings).build_algo()
        algorithm.train()  # 25 actor updates, 50 critic updates
        digests = algorithm.call_learners(lambda learner: learner.digest())
        assert len(digests) == learners
        assert len(set(digests)) == 1
        vectors[learners] = algorithm.call_learners(lambda learner: learner.parameter_vector())[0]
        algorithm.stop()
    np.testing.assert_allclose(vectors[1], vectors[2], rtol=1e-3, atol=1e-5)


def test_tune_runs_a_grid_over_a_hyperparameter(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(online_steps=400).training(rl_coefficient=tune.grid_search([0.0, 1.0]))
    run_config = tune.RunConfig(storage_path=str(tmp_path), verbose=0)
    results = tune.Tuner(OfflineToOnline, param_space=config, run_config=run_config).fit()
    assert not results.errors
    assert [result.metrics["env_steps"] for result in results] == [400, 400]
    assert len({result.metrics["evaluation"]["return_mean"] for result in results}) == 2


def test_success_and_discounted_return_are_metrics(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gymnasium.envs.classic_control import PendulumEnv

    step, calls = PendulumEnv.step, []

    def with_goal(self: Any, action: Any) -> Any:
        calls.append(self)
        return (*step(self, action)[:4], {"success": len(calls) == 3})

    monkeypatch.setattr(PendulumEnv, "step", with_goal)
    algorithm = make_config(eval_episodes=2, discount=1.0).build_algo()
    history = _history(algorithm, 3)
    algorithm.stop()
    (first, evaluation), _, (online, _) = history
    assert evaluation.successes == (True, False)  # two episodes take turns, the first has the third step
    assert first["evaluation/success_rate"] == 0.5
    assert "rollout/success_rate" not in first
    assert online["rollout/success_rate"] == 0.0
    assert online["evaluation/success_rate"] == 0.0
    assert online["evaluation/discounted_return_mean"] == pytest.approx(online["evaluation/return_mean"])


def test_environment_that_raises_ends_the_run_clearly(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gymnasium.envs.classic_control import PendulumEnv

    from vitamin.errors import EnvironmentFailure

    algorithm = make_config().build_algo()
    _history(algorithm, 2)

    def broken(self: Any, action: Any) -> Any:
        raise ValueError("the joint came off")

    monkeypatch.setattr(PendulumEnv, "step", broken)
    with pytest.raises(EnvironmentFailure, match="the joint came off"):
        algorithm.train()
    algorithm.stop()
