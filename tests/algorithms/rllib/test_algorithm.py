import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ray import tune
from ray.exceptions import RayTaskError
from torch.nn.utils import parameters_to_vector

from tests.algorithms.rllib.outcomes import digest, histories
from vitamin.algorithms.rllib import algorithm as algorithm_module
from vitamin.algorithms.rllib.algorithm import OfflineToOnline
from vitamin.algorithms.rllib.config import OfflineToOnlineConfig
from vitamin.algorithms.rllib.learner import ReplayLearner
from vitamin.errors import Diverged, RunError, WorkerFailure

pytestmark = pytest.mark.ray
MakeConfig = Callable[..., OfflineToOnlineConfig]


def _parameters(learner: ReplayLearner) -> np.ndarray:
    return parameters_to_vector(learner.networks_module.parameters()).detach().numpy()


def _runner_pids(algorithm: OfflineToOnline) -> list[int]:
    pids: list[int] = algorithm.env_runner_group.foreach_env_runner(
        lambda runner: os.getpid(), local_env_runner=False
    )
    return pids


@pytest.mark.parametrize("method", ["td3_odt", "odt"])
def test_phases_counters_and_metrics(make_config: MakeConfig, method: str) -> None:
    algorithm = make_config(method).build_algo()
    (first, none), (second, pretrained), (third, tuned) = histories(algorithm, 3)
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


def test_result_depends_on_neither_the_number_of_env_runners_nor_their_deaths(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runner dies between two iterations, and one while its data are taken over: its unit is computed again."""
    algorithms = {
        runners: make_config(runners=runners, min_env_steps_per_iteration=1000).build_algo()
        for runners in (0, 1, 2)
    }
    outcomes = [(histories(algorithm, 4), digest(algorithm)) for algorithm in algorithms.values()]
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert outcomes[0][0][3][0]["env_steps"] == 2400  # three units of 400 steps an iteration

    alone, single, several = algorithms.values()
    expected = (histories(alone, 1), digest(alone))
    os.kill(_runner_pids(several)[0], signal.SIGKILL)
    assert (histories(several, 1), digest(several)) == expected

    stage, kills = algorithm_module.stage, []

    def kill_then_stage(*arguments: Any) -> None:
        if not kills:
            kills.extend(_runner_pids(single))
            os.kill(kills[0], signal.SIGKILL)
            time.sleep(1)
        stage(*arguments)

    monkeypatch.setattr(algorithm_module, "stage", kill_then_stage)
    assert (histories(single, 1), digest(single)) == expected
    assert kills
    for algorithm in algorithms.values():
        algorithm.stop()


def test_learners_and_env_runners_are_processes_and_a_dead_learner_ends_the_run_clearly(
    make_config: MakeConfig,
) -> None:
    algorithm = make_config(runners=2, learners=1).build_algo()
    histories(algorithm, 3)
    learners = algorithm.call_learners(lambda learner: os.getpid())
    assert len({os.getpid(), *_runner_pids(algorithm), *learners}) == 4
    os.kill(learners[0], signal.SIGKILL)
    with pytest.raises(WorkerFailure, match="learner died"):
        algorithm.train()
    algorithm.stop()


def test_learner_that_fails_does_not_leave_the_other_waiting(make_config: MakeConfig) -> None:
    algorithm = make_config(learners=2).build_algo()

    def break_second(learner: ReplayLearner) -> None:
        def fail(*arguments: Any) -> None:
            raise MemoryError("no memory left")

        if learner.rank == 1:
            learner.updater.update = fail  # type: ignore[method-assign]

    algorithm.call_learners(break_second)
    start = time.monotonic()
    with pytest.raises((MemoryError, RayTaskError), match="no memory left"):
        algorithm.train()
    assert time.monotonic() - start < 30
    algorithm.stop()


def test_killed_learner_of_two_ends_the_run_clearly(make_config: MakeConfig) -> None:
    algorithm = make_config(learners=2).build_algo()
    pid = algorithm.call_learners(lambda learner: os.getpid())[1]

    def kill_during_updates(learner: ReplayLearner) -> None:
        update, calls = learner.updater.update, []

        def update_then_die(*arguments: Any) -> Any:
            calls.append(None)
            if os.getpid() == pid and len(calls) == 3:
                os.kill(pid, signal.SIGKILL)
            return update(*arguments)

        learner.updater.update = update_then_die  # type: ignore[method-assign]

    algorithm.call_learners(kill_during_updates)
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
    reference = make_config().build_algo()  # in this process, whose updates are those of a learner's
    expected = (histories(reference, 6), digest(reference))
    reference.stop()
    first = make_config(learners=learners).build_algo()
    history = histories(first, 4)
    first.save_to_path(tmp_path / "checkpoint")
    first.stop()
    second = OfflineToOnline.from_checkpoint(str(tmp_path / "checkpoint"))
    history += histories(second, 2)
    assert (history, digest(second)) == expected
    second.restore_from_path(tmp_path / "checkpoint")  # in place, after the replay has gone on
    assert histories(second, 2) == history[4:]
    second.stop()


def test_evaluation_results_are_there_after_a_restore(make_config: MakeConfig, tmp_path: Path) -> None:
    settings = {"eval_interval": 5}
    first = make_config(**settings).build_algo()
    result: Any = [first.train() for _ in range(3)][-1]
    assert first.evaluation is None
    first.save_to_path(tmp_path)
    first.stop()
    second = make_config(**settings).build_algo()
    second.restore_from_path(tmp_path)
    assert second.train()["evaluation"] == result["evaluation"]
    assert result["evaluation"]["return_mean"] < 0
    second.stop()


def test_long_updates_are_seen_to_pass_and_cutting_them_changes_nothing(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make_config().build_algo()
    expected = (histories(whole, 3), digest(whole))
    whole.stop()
    monkeypatch.setattr(algorithm_module, "_FIRST_PART", 3)
    monkeypatch.setattr(algorithm_module, "_PART_S", 0.0)
    cut = make_config().build_algo()
    seen = []
    cut.on_updates = lambda done, total: seen.append((done, total))
    assert (histories(cut, 3), digest(cut)) == expected
    assert seen[:2] == [(3, 4), (4, 4)]
    assert seen[2:6] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    cut.stop()


def test_updates_take_their_own_number_of_threads(make_config: MakeConfig) -> None:
    algorithm = make_config(learner_threads=2).build_algo()
    threads = []

    def watch(learner: ReplayLearner) -> None:
        update = learner.updater.update

        def watched(*arguments: Any) -> Any:
            threads.append(torch.get_num_threads())
            return update(*arguments)

        learner.updater.update = watched  # type: ignore[method-assign]

    algorithm.call_learners(watch)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    algorithm.train()
    torch.set_num_threads(before)
    assert set(threads) == {2}
    algorithm.stop()


def test_checkpoint_of_other_networks_is_refused(make_config: MakeConfig, tmp_path: Path) -> None:
    algorithm = make_config().build_algo()
    algorithm.save_to_path(tmp_path)
    algorithm.stop()
    other = make_config(hidden_size=32).build_algo()
    with pytest.raises(RunError, match="networks were made with hidden_size 16, not 32"):
        other.restore_from_path(tmp_path)
    other.stop()


@pytest.mark.parametrize("method", ["td3_odt", "odt", "pdt"])
def test_two_learners_stay_in_step_and_equal_one(make_config: MakeConfig, method: str) -> None:
    settings = {
        "pretrain_updates": 25 if method == "td3_odt" else 50,
        "pretrain_updates_per_iteration": 50,
        "learning_rate": 1e-3,
        "batch_size": 16,
    }
    vectors = []
    for learners, processes in ((0, 1), (2, 2)):
        algorithm = make_config(method, learners=learners, **settings).build_algo()
        algorithm.train()  # 25 actor updates, of TD3+ODT 50 critic updates
        digests = algorithm.call_learners(lambda learner: learner.digest())
        assert len(digests) == processes
        assert len(set(digests)) == 1
        vectors.append(algorithm.call_learners(_parameters)[0])
        algorithm.stop()
    np.testing.assert_allclose(*vectors, rtol=1e-3, atol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("learners", [0, 1])
def test_a_learner_on_a_gpu_continues_bit_for_bit(
    make_config: MakeConfig, tmp_path: Path, learners: int
) -> None:
    def build() -> OfflineToOnline:
        return make_config(learners=learners).learners(num_gpus_per_learner=1).build_algo()

    reference = build()
    assert reference.call_learners(lambda learner: learner.device.type) == ["cuda"]
    expected = (histories(reference, 5), digest(reference))
    reference.stop()
    first = build()
    history = histories(first, 3)
    first.save_to_path(tmp_path)
    first.stop()
    second = build()
    second.restore_from_path(tmp_path)
    assert (history + histories(second, 2), digest(second)) == expected
    second.stop()


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
    history = histories(algorithm, 3)
    algorithm.stop()
    (first, evaluation), _, (online, _) = history
    assert evaluation.successes == (True, False)  # two episodes take turns, the first has the third step
    assert first["evaluation/success_rate"] == 0.5
    assert "rollout/success_rate" not in first
    assert online["rollout/success_rate"] == 0.0
    assert online["evaluation/success_rate"] == 0.0
    assert online["evaluation/discounted_return_mean"] == pytest.approx(online["evaluation/return_mean"])


def test_tune_restarts_a_trial_whose_process_died(make_config: MakeConfig, tmp_path: Path) -> None:
    marker = tmp_path / "died"

    class Mortal(OfflineToOnline):
        def step(self) -> dict[str, Any]:
            results = super().step()
            if self.progress.iteration == 4 and not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return results

    run_config = tune.RunConfig(
        storage_path=str(tmp_path / "tune"),
        verbose=0,
        failure_config=tune.FailureConfig(max_failures=1),
        checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=1),
    )
    results = tune.Tuner(Mortal, param_space=make_config(online_steps=1200), run_config=run_config).fit()
    assert marker.exists()
    assert not results.errors
    assert results[0].metrics["env_steps"] == 1200
    uninterrupted = make_config(online_steps=1200).build_algo()
    history = histories(uninterrupted, 5)
    assert results[0].metrics["evaluation"]["return_mean"] == history[-1][0]["evaluation/return_mean"]
    uninterrupted.stop()


def test_environment_that_raises_ends_the_run_clearly(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gymnasium.envs.classic_control import PendulumEnv

    from vitamin.errors import EnvironmentFailure

    algorithm = make_config().build_algo()
    histories(algorithm, 2)

    def broken(self: Any, action: Any) -> Any:
        raise ValueError("the joint came off")

    monkeypatch.setattr(PendulumEnv, "step", broken)
    with pytest.raises(EnvironmentFailure, match="the joint came off"):
        algorithm.train()
    algorithm.stop()
