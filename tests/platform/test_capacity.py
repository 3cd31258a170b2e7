"""Settings that cannot fit into this machine are refused with the numbers, wherever they are given."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from vitamin import machine
from vitamin.algorithms.hyperparameters import Hyperparameters
from vitamin.algorithms.methods import METHODS, get_method
from vitamin.algorithms.rllib import capacity
from vitamin.algorithms.rllib.algorithm import OfflineToOnline
from vitamin.algorithms.rllib.capacity import check_capacity
from vitamin.errors import SettingsError
from vitamin.platform.experiments.spec import ExperimentSpec

GB = 10**9


@pytest.fixture(autouse=True)
def _small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(capacity, "machine_memory", lambda: 16 * GB)


@pytest.mark.parametrize("method", METHODS)
def test_the_largest_preset_fits_into_a_laptop(method: str) -> None:
    ExperimentSpec.create(task="hopper-medium-v2", method=method, preset="paper").check_capacity()


@pytest.mark.parametrize("method", ["td3_odt", "odt", "pdt", "grpo"])
def test_depth_times_width_is_refused_with_parameters_and_bytes(method: str) -> None:
    with pytest.raises(SettingsError) as caught:
        ExperimentSpec.create(
            task="Pendulum-v1", method=method, overrides={"num_layers": 100_000}
        ).check_capacity()
    message = str(caught.value)
    assert "this machine has 16 GB" in message
    assert "num_layers 100000" in message
    assert " parameters to train" in message


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"batch_size": 10**9}, "batch_size 1000000000"),
        ({"eval_episodes": 10**12}, "eval_episodes 1000000000000"),
        ({"critic_members": 10**8}, "critic_members 100000000"),
        ({"min_env_steps_per_iteration": 10**15}, "min_env_steps_per_iteration 1000000000000000"),
        ({"hidden_size": 10**18, "num_heads": 1}, "more than 2^63 parameters"),
        ({"context_length": 10**7}, "context_length 10000000"),
    ],
)
def test_the_setting_to_blame_is_named(overrides: dict[str, int], named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_capacity(get_method("td3_odt"), Hyperparameters(**overrides))
    assert named in str(caught.value)


def test_processes_count_and_learners_on_gpus_are_compared_with_these(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    method, settings = get_method("td3_odt"), Hyperparameters()
    check_capacity(method, settings, num_env_runners=8, num_learners=2)
    with pytest.raises(SettingsError, match="num_env_runners 10000"):
        check_capacity(method, settings, num_env_runners=10_000)
    large = Hyperparameters(batch_size=4096)
    with pytest.raises(SettingsError, match="this machine has 16 GB"):
        check_capacity(method, large)
    monkeypatch.setattr(capacity, "gpu_memory", lambda: 80 * GB)
    check_capacity(method, large, num_gpus_per_learner=1)
    monkeypatch.setattr(capacity, "gpu_memory", lambda: 8 * GB)
    with pytest.raises(SettingsError, match="its largest GPU has 8 GB"):
        check_capacity(method, large, num_gpus_per_learner=1)
    monkeypatch.setattr(capacity, "gpu_memory", lambda: None)
    check_capacity(method, large, num_gpus_per_learner=1)


def test_a_cluster_is_not_judged_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    check_capacity(get_method("odt"), Hyperparameters(num_layers=10**6))


def test_configs_of_rllib_are_checked_too() -> None:
    config = OfflineToOnline.get_default_config()
    config.environment("any", environment_creator=object).offline_data(dataset_loader=object)
    config.training(num_layers=100_000)
    with pytest.raises(SettingsError, match="this machine has 16 GB"):
        config.validate()
    config.training(num_layers=1).validate()
    for seed in (-1, 2**40, 0.5, True):
        with pytest.raises(SettingsError, match=r"seed .* must be a whole number from 0 to 2147483647"):
            config.debugging(seed=seed).validate()


def test_the_limit_of_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    physical = machine.machine_memory()
    monkeypatch.setattr(machine, "_CGROUPS", tmp_path / "groups")
    monkeypatch.setattr(machine, "_CGROUP_ROOT", tmp_path)
    assert machine.machine_memory() >= physical
    (tmp_path / "groups").write_text("4:memory:/job/7\n1:cpu:/\n0::/job/7\n")
    (tmp_path / "memory" / "job" / "7").mkdir(parents=True)
    (tmp_path / "memory" / "job" / "memory.limit_in_bytes").write_text("2000000\n")
    (tmp_path / "memory" / "job" / "7" / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert machine.machine_memory() == 2_000_000
    (tmp_path / "job" / "7").mkdir(parents=True)
    (tmp_path / "job" / "7" / "memory.max").write_text("max\n")
    (tmp_path / "job" / "memory.max").write_text("1000000\n")
    assert machine.machine_memory() == 1_000_000


def test_the_memory_of_gpus_is_asked_of_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity.shutil, "which", lambda _: None)
    assert capacity.gpu_memory() is None
    monkeypatch.setattr(capacity.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(capacity.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout="16384\n81559\n"))
    assert capacity.gpu_memory() == 81559 << 20

    def fails(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(9, "nvidia-smi")

    monkeypatch.setattr(capacity.subprocess, "run", fails)
    assert capacity.gpu_memory() is None
