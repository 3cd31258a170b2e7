import pickle
from pathlib import Path
from typing import Any

import pytest
from ray import tune

from vitamin import ODTConfig, TD3ODTConfig
from vitamin.algorithms.rllib.algorithm import OfflineToOnline
from vitamin.errors import DatasetError, RunError, SettingsError, TaskError
from vitamin.platform.catalog import get_task
from vitamin.platform.datasets import collect_dataset
from vitamin.platform.ray_session import ray_session
from vitamin.platform.tasks import resolve_hyperparameters


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collect_dataset(
        get_task("Pendulum-v1"), steps=1000, out=tmp_path_factory.mktemp("data") / "data.hdf5"
    )


def expected(method: str = "td3_odt", preset: str = "tiny", **overrides: Any) -> Any:
    return resolve_hyperparameters(get_task("Pendulum-v1"), method, preset, overrides)


def test_environment_resolves_task_and_preset(data: Path) -> None:
    config = TD3ODTConfig().environment("Pendulum-v1", data=str(data), preset="tiny")
    config.validate()
    assert config.hyperparameters() == expected()
    assert config.reference_scores == (-1233.6, -150.0)
    creator, loader = pickle.loads(pickle.dumps((config.environment_creator, config.dataset_loader)))
    assert creator().spec.id == "Pendulum-v1"
    assert len(loader()) == 5
    assert TD3ODTConfig().environment("Pendulum-v1", data=data).hyperparameters() == expected(preset="paper")


def test_order_of_calls_does_not_matter(data: Path) -> None:
    # 0.1 is the default, which must win over the task's 5.0 too.
    calls = [
        lambda config: config.training(rl_coefficient=0.1),
        lambda config: config.environment("Pendulum-v1", data=data, preset="tiny"),
        lambda config: config.env_runners(num_envs_per_env_runner=7),
    ]
    for order in (calls, calls[::-1], calls[1:] + calls[:1]):
        config = TD3ODTConfig()
        for call in order:
            call(config)
        assert config.hyperparameters() == expected(rl_coefficient=0.1, envs_per_unit=7)


def test_method_may_follow_the_environment(data: Path) -> None:
    config = TD3ODTConfig().environment("Pendulum-v1", data=data, preset="tiny").training(method="odt")
    assert config.hyperparameters() == expected("odt")
    same = ODTConfig().environment("Pendulum-v1", data=data, preset="tiny")
    assert (same.method, same.hyperparameters()) == ("odt", expected("odt"))


def test_own_data_needs_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VITAMIN_DATA_DIR", str(tmp_path))
    loader = dict  # any callable
    config = TD3ODTConfig().offline_data(dataset_loader=loader).environment("hopper-medium-v2")
    assert config.dataset_loader is loader
    with pytest.raises(DatasetError, match=r"hopper_medium-v2.hdf5"):
        TD3ODTConfig().environment("hopper-medium-v2")


def test_mistakes(data: Path) -> None:
    with pytest.raises(TaskError, match="Did you mean Pendulum-v1"):
        TD3ODTConfig().environment("Pendulm-v1")
    with pytest.raises(SettingsError, match="Did you mean tiny"):
        TD3ODTConfig().environment("Pendulum-v1", data=data, preset="tny")
    with pytest.raises(SettingsError, match="goes with the name of a task"):
        TD3ODTConfig().environment(data=data)


def test_options_that_are_words_are_checked_too(data: Path) -> None:
    config = TD3ODTConfig().environment("Pendulum-v1", data=data, preset="tiny")
    with pytest.raises(SettingsError, match="critic_network makes no sense for the method iql_dt"):
        config.training(method="iql_dt", critic_network="lstm")
    usual = TD3ODTConfig().environment("Pendulum-v1", data=data, preset="tiny")
    assert usual.training(critic_network="lstm").hyperparameters().critic_network == "lstm"


def test_search_spaces_survive_until_tune_samples_them(data: Path) -> None:
    config = (
        TD3ODTConfig()
        .training(rl_coefficient=tune.grid_search([0.1, 0.2]), method=tune.grid_search(["td3_odt", "odt"]))
        .environment("Pendulum-v1", data=data, preset="tiny")
    )
    space = config.to_dict()
    assert space["rl_coefficient"] == {"grid_search": [0.1, 0.2]}
    sampled = OfflineToOnline.get_default_config().update_from_dict(
        space | {"rl_coefficient": 0.2, "method": "odt"}
    )
    sampled.validate()
    assert sampled.method == "odt"
    assert sampled.hyperparameters() == expected(rl_coefficient=0.2)


@pytest.mark.ray
def test_train_save_and_restore(data: Path, tmp_path: Path) -> None:
    config = (
        TD3ODTConfig()
        .environment("Pendulum-v1", data=data, preset="tiny")
        .learners(num_learners=0)
        .env_runners(num_env_runners=0, num_envs_per_env_runner=3)
    )
    with ray_session(cpus=2):
        algorithm = config.build_algo()
        for _ in range(3):
            algorithm.train()
        assert algorithm.record["env_steps"] == 3 * 200
        path = algorithm.save_to_path(tmp_path / "checkpoint")
        algorithm.train()
        twin = type(algorithm).from_checkpoint(path)
        twin.train()
        assert twin.record["loss/actor"] == algorithm.record["loss/actor"]
        assert twin.evaluation == algorithm.evaluation
        state = tmp_path / "checkpoint" / "state.json"
        state.write_text(state.read_text().replace("Pendulum-v1", "Hopper-v4"))
        with pytest.raises(RunError, match="checkpoint of the task Hopper-v4, not of Pendulum-v1"):
            algorithm.restore_from_path(path)
        for one in (algorithm, twin):
            one.stop()
